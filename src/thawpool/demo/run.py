"""Starts the demo and leaves nothing behind: database, function, page, and back in the other order."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import webbrowser
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

import uvicorn

from .acts import Acts
from .database import Database
from .errors import DemoError
from .feed import Feed
from .process import FunctionProcess
from .servers import Server, System, kind
from .watch import Watch
from .web import site

if TYPE_CHECKING:
    from thawpool.testing import MariaDB, Postgres

__all__ = ["DemoError", "run"]

STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Web(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to ``run``, which has more to end than HTTP."""
        yield


def run(port: int, system: System, database_url: str | None, *, open_browser: bool) -> None:
    """Run the demo until Ctrl-C (or SIGTERM, or the terminal closes).

    Args:
        system: what to start where no ``database_url`` says where one is.

    Raises:
        DemoError: it could not start.
    """
    for number in STOP:
        signal.signal(number, signal.default_int_handler)
    with _listen(port) as listener, suppress(KeyboardInterrupt, asyncio.CancelledError):
        own = None
        try:
            if database_url is None:
                own = _start(kind(system))
                database_url = own.url()
            asyncio.run(_serve(listener, Database(database_url, own), open_browser))
        finally:
            for number in STOP:  # a second Ctrl-C must not interrupt the cleaning up
                signal.signal(number, signal.SIG_IGN)
            if own is not None:
                own.close()
    print("Stopped; nothing is left behind.", flush=True)


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise DemoError(
            f"port {port} cannot be used ({os.strerror(error.errno or 0)}): name another with --port"
        ) from error


def _start(server: type[Server]) -> MariaDB | Postgres:
    print(f"  database  starting {server.product} with temporary data ...", flush=True)
    try:
        # In a thread, whose end a Ctrl-C waits for: what is halfway to a server could not be closed.
        with ThreadPoolExecutor(1) as starting:
            return starting.submit(server.start).result()
    except (OSError, RuntimeError) as error:
        raise DemoError(str(error)) from error


def _deafen(loop: asyncio.AbstractEventLoop) -> None:
    """Ignore a second Ctrl-C, which must not interrupt the cleaning up."""
    for number in STOP:
        loop.add_signal_handler(number, lambda: None)


async def _serve(listener: socket.socket, database: Database, open_browser: bool) -> None:
    """The part that needs a database: function, watch and page, until a signal."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None

    def stop() -> None:
        _deafen(loop)
        task.cancel()

    for number in STOP:
        loop.add_signal_handler(number, stop)
    feed = Feed()
    function = FunctionProcess(database.environment)
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
            database=title,
            where=database.where,
            stoppable=database.own is not None,
            stopped=False,
            running=None,
        )
        ending.push_async_callback(function.close)
        await function.start()
        print(f"  function  process {function.pid}, a pool of at most 5 connections", flush=True)
        serving = asyncio.create_task(web.serve(sockets=[listener]))
        watching = asyncio.create_task(watch.run())

        async def end() -> None:
            _deafen(loop)
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
