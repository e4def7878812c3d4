"""The serverless function of the demo, as a user would write it: a pool at module scope, and two routes."""

from __future__ import annotations

from collections import deque

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from thawpool import AsyncPool
from thawpool.integrations.asgi import JSONResponse, PoolMiddleware

from .servers import from_environment

__all__ = ["app", "pool", "server", "waits"]

#: A function of yours knows its database; this one runs with several.
server = from_environment()

USERS = "SELECT id, name, email FROM users ORDER BY id"


class Waits:
    """An observer that keeps how long the newest requests waited for a connection, for the page's percentiles."""

    def __init__(self) -> None:
        self.seconds: deque[float] = deque(maxlen=2000)

    def opened(self, pool: str) -> None: ...
    def open_failed(self, pool: str, error: str) -> None: ...
    def retired(self, pool: str, reason: str) -> None: ...
    def thawed(self, pool: str, why: str) -> None: ...
    def flush(self, pool: str) -> None: ...

    def waited(self, pool: str, seconds: float) -> None:
        self.seconds.append(seconds)


waits = Waits()

#: A request gets its connection within 1.5 s or an error, so that the answer is there within 2 s.
#: ``debug`` lets a timeout name the lines that hold the connections, and ``configure`` the server tell them from others.
pool = AsyncPool(max_size=5, timeout=1.5, observer=waits, debug=True, configure=server.mark("pool"))


async def users(request: Request) -> Response:
    return JSONResponse({"users": await pool.query(USERS)})


async def time(request: Request) -> Response:
    row = await pool.query_one(f"SELECT {server.NOW} AS time")
    return JSONResponse({"time": row and f"{row['time'].isoformat()}Z"})


app = Starlette(
    routes=[Route("/api/users", users), Route("/api/time", time)],
    middleware=[Middleware(PoolMiddleware, pool=pool)],
)
