"""What a request pays for the middleware, in calls instead of time: a number that no busy machine can blur."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.imports.test_calls import Counter

from thawpool.integrations.asgi import PoolMiddleware
from thawpool.integrations.wsgi import PoolMiddleware as WSGIMiddleware
from thawpool.testing import AsyncFakeDriver, FakeDriver

#: Calls of Python functions, those of app and server left out. In time they are about ten microseconds.
AT_MOST = 32


def assert_few(calls: list[str]) -> None:
    assert calls.count("Invocation.__enter__") == 1
    assert len([call for call in calls if "<locals>" not in call]) <= AT_MOST, calls


def test_a_request_of_asgi_costs_few_calls() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def send(message: Any) -> None: ...
    async def receive() -> Any: ...

    async def run() -> Counter:
        wrapped = PoolMiddleware(app, pool=AsyncFakeDriver().pool(), remaining=5)
        await wrapped({"type": "http"}, receive, send)  # the first finds out about the platform
        with Counter() as counter:
            await wrapped({"type": "http"}, receive, send)
        return counter

    assert_few(asyncio.run(run()).python)


def test_a_request_of_wsgi_costs_few_calls() -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [b""]

    def start(status: str, headers: Any, exc_info: Any = None, /) -> Any: ...

    wrapped = WSGIMiddleware(app, pool=FakeDriver().pool(), remaining=5)
    wrapped({}, start).close()  # type: ignore[attr-defined]
    with Counter() as counter:
        wrapped({}, start).close()  # type: ignore[attr-defined]
    assert_few(counter.python)
