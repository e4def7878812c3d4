"""For ASGI apps: ``PoolMiddleware``, and ``JSONResponse`` for rows.

    app = Starlette(routes=[...], middleware=[Middleware(PoolMiddleware, pool=pool)])

    app = FastAPI()
    app.add_middleware(PoolMiddleware, pool=pool)

    app = PoolMiddleware(app, pool=pool)  # a bare ASGI app

Each request is an invocation of the pool, with the deadline that the platform or you give it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from thawpool.errors import Unavailable

from ._checks import invocation_of
from .http import Answer, answer, log

if TYPE_CHECKING:
    from thawpool import AsyncPool, Pool

    from ._json_response import JSONResponse

__all__ = ["ASGIApp", "JSONResponse", "Message", "PoolMiddleware", "Receive", "Scope", "Send"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]


class PoolMiddleware:
    """Makes each HTTP request an invocation of the pool, and answers for the app when there is no connection.

    Within a request every wait and statement ends before the request does. What becomes of an error is said in
    ``thawpool.integrations.http.answer``; its cause is logged as ``thawpool``, and not shown to the client. An
    answer that has begun is not replaced: the error goes on to the server, which cuts it off. Other
    exceptions pass untouched.

    In Starlette and FastAPI it must be one of their middlewares. Around the app from outside it finds each error
    answered already, by their outermost layer.

    Lifespan and WebSocket pass through. The pool lives longer than a lifespan, which Mangum, for one, runs for
    every request; and a socket that stays open for an hour is not a request whose end is near.

    Args:
        app: the app.
        pool: an ``AsyncPool``; or a ``Pool``, for routes that run in threads.
        remaining: the seconds that each request has, or a function without arguments that tells them. None:
            what the platform says, where it does, else no limit.

    Raises:
        ConfigError: ``pool`` is not a pool.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        pool: AsyncPool | Pool,
        remaining: float | Callable[[], float] | None = None,
    ) -> None:
        self.app = app
        self._invocation = invocation_of(pool)
        self._remaining = remaining

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        response = _Response(send)
        async with self._invocation(self._remaining):
            try:
                await self.app(scope, receive, response)
            except (Unavailable, ExceptionGroup) as error:
                said = None if response.begun else answer(error)
                if said is None:
                    raise
                log(said, error)
                await _send_answer(said, send)  # before the end, which may wait for what is under way


class _Response:
    """The server's ``send``, and whether the response has begun. Not a coroutine: that would cost one more."""

    __slots__ = ("begun", "send")

    def __init__(self, send: Send) -> None:
        self.send = send
        self.begun = False

    def __call__(self, message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            self.begun = True
        return self.send(message)


async def _send_answer(said: Answer, send: Send) -> None:
    from ._encode import encode

    body = encode(said.body)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    headers += [(name.lower().encode(), value.encode()) for name, value in said.headers.items()]
    await send({"type": "http.response.start", "status": said.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def __getattr__(name: str) -> Any:
    """``JSONResponse`` loads json, and Starlette where it is installed: only for those who name it."""
    if name != "JSONResponse":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ._json_response import JSONResponse

    globals()[name] = JSONResponse
    return JSONResponse
