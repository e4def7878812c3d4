"""For ``http.server``'s handlers, which functions on Vercel may be: rows as JSON, and the pool's errors as answers.

    class handler(BaseHTTPRequestHandler):
        def do_GET(self):
            try:
                with pool.invocation():
                    users = pool.query("SELECT id, name, email FROM users ORDER BY id")
                send_json(self, {"users": users})
            except Unavailable as error:
                send_unavailable(self, error)

What else is raised is the runtime's own 500.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._encode import encode
from .http import answer, log

if TYPE_CHECKING:
    from collections.abc import Mapping
    from http.server import BaseHTTPRequestHandler

__all__ = ["send_json", "send_unavailable"]


def send_json(
    handler: BaseHTTPRequestHandler, content: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> None:
    """Answer with ``content`` as JSON, rows of the pool included.

    Raises:
        TypeError, ValueError: something in ``content`` cannot be JSON; the message says what. Nothing was sent.
    """
    body = encode(content)
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    for name, value in (headers or {}).items():
        handler.send_header(name, value)
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(body)


def send_unavailable(handler: BaseHTTPRequestHandler, error: BaseException) -> None:
    """Answer a request that found no connection: "Database connection failed" or "Database busy".

    The cause is logged as ``thawpool``, and not shown to the client. An error that is no matter of connections
    (see ``thawpool.integrations.http.answer``) is raised again. Call it before anything was sent.
    """
    said = answer(error)
    if said is None:
        raise error
    log(said, error)
    send_json(handler, said.body, said.status, said.headers)
