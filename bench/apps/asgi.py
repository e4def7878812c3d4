"""What all bare ASGI apps share: the encoder, the answer and, but for the page, the statement."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson

__all__ = ["ERROR", "SQL", "App", "application"]

SQL = "SELECT id, name, email FROM users ORDER BY id LIMIT 50"
ERROR = orjson.dumps({"error": "Database connection failed"})

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


async def _nothing() -> None:
    pass


def application(
    users: Callable[[], Awaitable[Any]],
    failure: type[Exception] | tuple[()],
    startup: Callable[[], Awaitable[None]] = _nothing,
    shutdown: Callable[[], Awaitable[None]] = _nothing,
) -> App:
    """An app that answers with ``users()``, and with an error where that raises ``failure``, which may be nothing."""

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send, startup, shutdown)
            return
        try:
            status, body = 200, orjson.dumps(await users())
        except failure:
            status, body = 500, ERROR
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


async def _live(
    receive: Receive,
    send: Send,
    startup: Callable[[], Awaitable[None]],
    shutdown: Callable[[], Awaitable[None]],
) -> None:
    await receive()
    await startup()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await shutdown()
    await send({"type": "lifespan.shutdown.complete"})
