"""Responses that are sent in pieces: what becomes of a client that goes away, and of an error in mid-stream."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from http.client import IncompleteRead
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from tests.integrations.frameworks import FRAMEWORKS, build
from tests.integrations.serving import Client, asgi
from tests.support.losses import at_rest
from tests.support.waiting import eventually

from thawpool import AsyncPool
from thawpool.integrations.asgi import PoolMiddleware
from thawpool.testing.postgres import Postgres

#: A statement whose rows come for as long as anybody takes them.
ENDLESS = "SELECT n, repeat('x', 10000) AS filling FROM generate_series(1, 1000000) AS n"


async def rows(pool: AsyncPool) -> AsyncIterator[bytes]:
    """Rows while they come, from a cursor that is open for as long as the response."""
    async with pool.connection() as conn, conn.cursor() as cursor:
        async for row in cursor.stream(ENDLESS):
            yield f"{row}\n".encode()


async def ticks(pool: AsyncPool) -> AsyncIterator[bytes]:
    """Pieces that fit any buffer, so that the generator is what waits, and not the server's ``send``."""
    async with pool.connection() as conn:
        while True:
            await conn.execute("SELECT pg_sleep(0.01)")
            yield b"tick\n"


STREAMS = {"rows": rows, "ticks": ticks}


def starlette(pool: AsyncPool) -> Any:
    def endpoint(name: str) -> Any:
        async def stream(request: Request) -> Response:
            return StreamingResponse(STREAMS[name](pool))

        return stream

    return Starlette(
        routes=[Route(f"/{name}", endpoint(name)) for name in STREAMS],
        middleware=[Middleware(PoolMiddleware, pool=pool)],
    )


def bare(pool: AsyncPool) -> Any:
    """An app that heeds the client's leave, as the specification has it: by ``receive``."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def stream() -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            async for piece in STREAMS[scope["path"][1:]](pool):
                await send({"type": "http.response.body", "body": piece, "more_body": True})

        async def left() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        tasks = [asyncio.create_task(stream()), asyncio.create_task(left())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    return PoolMiddleware(app, pool=pool)


def leave_in_mid_stream(client: Client, path: str, pool: Any) -> None:
    with client.stream(path) as wire:
        assert wire.recv(20).startswith(b"HTTP/1.1 200")
        eventually(lambda: pool.stats().used == 1, "the lease")


@pytest.mark.parametrize("app", [starlette, bare])
@pytest.mark.parametrize("stream", STREAMS)
def test_a_client_that_goes_away_gives_the_connection_back(
    app: Any, stream: str, postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    pool = AsyncPool(postgres.url(), max_size=1)
    with asgi(app(pool)) as client:
        for _ in range(2):
            leave_in_mid_stream(client, f"/{stream}", pool)
            eventually(lambda: pool.stats().used == 0, "the give-back")
            at_rest(pool)
    assert caplog.messages == [], "a client may leave: nothing went wrong"


def test_a_server_whose_send_fails_when_the_client_is_gone(postgres: Postgres) -> None:
    """As ASGI 2.4 has it. Starlette leaves the generator to the event loop, which closes it soon."""

    async def run() -> None:
        pool = AsyncPool(postgres.url(), max_size=1)
        sent = 0

        async def send(message: Any) -> None:
            nonlocal sent
            sent += 1
            if sent == 3:
                raise OSError("the client is gone")

        async def receive() -> Any: ...

        scope: Any = {"type": "http", "path": "/ticks", "method": "GET", "headers": [], "query_string": b""}
        scope["asgi"] = {"version": "3.0", "spec_version": "2.4"}
        with contextlib.suppress(ClientDisconnect):
            await starlette(pool)(scope, receive, send)
        await asyncio.to_thread(eventually, lambda: pool.stats().used == 0, "the give-back")
        at_rest(pool)
        await pool.close()

    asyncio.run(run())


@FRAMEWORKS
def test_an_answer_that_has_begun_is_cut_off_and_not_replaced(
    framework: str, postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    pool = AsyncPool(postgres.url(), max_size=1)

    async def pieces() -> AsyncIterator[bytes]:
        yield b"the first piece"
        await pool.query("SELECT pg_sleep(20)", timeout=0.15)

    async def route() -> StreamingResponse:
        return StreamingResponse(pieces())

    with asgi(build(framework, {"/stream": route}, pool)) as client:
        with pytest.raises(IncompleteRead) as caught:
            client.get("/stream")
        assert caught.value.partial == b"the first piece"
    at_rest(pool)
    assert "PoolTimeout" in caplog.text, "the server logs it"
    assert "a request was answered with" not in caplog.text
