"""Starts the demo and leaves nothing behind: database, function, page, and back in the other order."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import webbrowser
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, suppress

import uvicorn

from thawpool.testing.postgres import Postgres, find_postgres

from .acts import Acts
from .database import Database
from .errors import DemoError
from .feed import Feed
from .process import FunctionProcess
from .watch import Watch
from .web import site

__all__ = ["DemoError", "run"]

STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Web(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to ``run``, which has more to end than HTTP."""
        yield


def run(port: int, database_url: str | None, *, open_browser: bool) -> None:
    """Run the demo until Ctrl-C (or SIGTERM, or the terminal closes).

    Raises:
        DemoError: it could not start.
    """
    for number in STOP:
        signal.signal(number, signal.default_int_handler)
    with _listen(port) as listener, suppress(KeyboardInterrupt, asyncio.CancelledError):
        server = None
        try:
            if database_url is None:
                server = _start_postgres()
                database_url = server.url()
            asyncio.run(_serve(listener, database_url, server, open_browser))
        finally:
            for number in STOP:  # a second Ctrl-C must not interrupt the cleaning up
                signal.signal(number, signal.SIG_IGN)
            if server is not None:
                server.close()
    print("Stopped; nothing is left behind.", flush=True)


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise DemoError(
            f"port {port} cannot be used ({os.strerror(error.errno or 0)}): name another with --port"
        ) from error


def _start_postgres() -> Postgres:
    print("  database  starting PostgreSQL with temporary data ...", flush=True)
    try:
        return Postgres(find_postgres(None if "THAWPOOL_PG_BIN" in os.environ else "embedded")).start()
    except (FileNotFoundError, RuntimeError) as error:
        raise DemoError(str(error)) from error


async def _serve(listener: socket.socket, url: str, server: Postgres | None, open_browser: bool) -> None:
    """The part that needs a database: function, watch and page, until a signal."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    for number in STOP:
        loop.add_signal_handler(number, task.cancel)
    database, feed = Database(url, server), Feed()
    function = FunctionProcess(
        {"DATABASE_URL": database.url("pool"), "MISTAKES_DATABASE_URL": database.url("mistakes")}
    )
    watch = Watch(function, database, feed)
    acts = Acts(function, database, watch, feed)
    web = _Web(
        uvicorn.Config(site(function, acts, feed), lifespan="off", access_log=False, log_level="warning")
    )

    async with AsyncExitStack() as ending:
        ending.push_async_callback(database.close)
        title = await database.prepare()
        print(f"  database  {title} at {database.where}", flush=True)
        feed.facts(
            database=title, where=database.where, stoppable=server is not None, stopped=False, running=None
        )
        ending.push_async_callback(function.close)
        await function.start()
        print(f"  function  process {function.pid}, a pool of at most 5 connections", flush=True)
        serving = asyncio.create_task(web.serve(sockets=[listener]))
        watching = asyncio.create_task(watch.run())

        async def end() -> None:
            for number in STOP:
                loop.add_signal_handler(number, lambda: None)
            acts.cancel()
            watching.cancel()
            await function.close()  # so that no request waits for it
            feed.close()
            web.should_exit = True
            await asyncio.wait({serving, watching})

        ending.push_async_callback(end)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        print(f"  page      {address}   Ctrl-C stops everything", flush=True)
        if open_browser:
            webbrowser.open(address)
        await asyncio.wait({serving, watching}, return_when=asyncio.FIRST_COMPLETED)
