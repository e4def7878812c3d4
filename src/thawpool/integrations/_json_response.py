"""``JSONResponse``: a response of Starlette's where that is installed, and one that needs nothing elsewhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ._encode import encode

try:
    from starlette.responses import Response
except ImportError:
    from ._response import Response  # type: ignore[assignment]

__all__ = ["JSONResponse"]


class JSONResponse(Response):
    """Rows as JSON: return it from a route, or await it in a bare ASGI app.

        return JSONResponse({"users": await pool.query("SELECT id, name, email FROM users")})
        await JSONResponse({"users": rows})(scope, receive, send)

    With Starlette installed it is a response of Starlette's: FastAPI takes it as it is, and as
    ``default_response_class``.

    Args:
        content: what ``json.dumps`` knows, and what ``thawpool.json_default`` knows: dates as ISO 8601,
            Decimal and UUID as text, bytes as base64.
        status_code: the status.
        headers: more of them; a ``content-type`` among them wins over ``media_type``.
        media_type: ``application/json`` if None.
        background: awaited after the response was sent.

    Raises:
        TypeError, ValueError: something in ``content`` cannot be JSON; the message says what.
    """

    media_type = "application/json"

    def __init__(
        self,
        content: Any,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
        background: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        super().__init__(content, status_code, headers, media_type, background)  # type: ignore[arg-type]

    def render(self, content: Any) -> bytes:
        return encode(content)
