"""The least response of an ASGI app, for where Starlette is not installed. Its words are Starlette's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .asgi import Receive, Scope, Send

__all__ = ["Response"]

#: Statuses that have no body, beside 1xx.
BODILESS = (204, 304)


class Response:
    """What Starlette's class of this name does for a body that is bytes."""

    media_type: str

    def __init__(
        self,
        content: Any,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
        background: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.status_code = status_code
        self.background = background
        self.body = self.render(content)
        if media_type is not None:
            self.media_type = media_type
        own = {"content-type": self.media_type}
        if status_code >= 200 and status_code not in BODILESS:
            own["content-length"] = str(len(self.body))
        given = {name.lower(): value for name, value in (headers or {}).items()}
        self.raw_headers = [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in (own | given).items()
        ]

    def render(self, content: Any) -> bytes:
        raise NotImplementedError

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body})
        if self.background is not None:
            await self.background()
