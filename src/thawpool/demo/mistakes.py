"""The usual mistakes, each as people write it, for the page to hold beside the pool at module scope."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from thawpool import AsyncPool
from thawpool.errors import PoolTimeout

from .function import USERS, pool, server
from .servers import Rows

__all__ = ["routes"]


def new_pool() -> AsyncPool:
    """A pool whose connections the server does not take for those of the function's."""
    return AsyncPool(server.url("mistakes"), max_size=5, timeout=1.5, configure=server.mark("mistakes"))


async def connection_per_request() -> Rows:
    """Every request dials, and the server is full as soon as enough of them come at once."""
    return await server.query_once(USERS)


async def pool_per_request() -> Rows:
    """A pool that is made inside the handler pools nothing; and nobody closes it."""
    return await new_pool().query(USERS)


_closing = new_pool()


async def close_after_query() -> Rows:
    """A shared pool that each request closes when *it* is done, under the hands of all the others."""
    global _closing
    try:
        return await _closing.query(USERS)
    finally:
        await _closing.close()
        _closing = new_pool()


MISTAKES = {
    "connection-per-request": connection_per_request,
    "pool-per-request": pool_per_request,
    "close-after-query": close_after_query,
}


async def users(request: Request) -> Response:
    """What ``/api/users`` answers, fetched in the way that the path names."""
    try:
        return JSONResponse({"users": await MISTAKES[request.path_params["mistake"]]()})
    except Exception as error:  # of the pool or of whichever driver
        reason = f"{type(error).__name__}: {error}".strip().splitlines()[-1]
        return JSONResponse({"error": "Database connection failed", "reason": reason}, 500)


async def forgotten_return(request: Request) -> Response:
    """Take every connection, give none back, and ask for one more."""
    forgotten: list[Any] = []
    try:
        # Never returned: the next line is the one that the error names.
        forgotten = [await pool.getconn() for _ in range(pool.stats().max_size)]
        await pool.query("SELECT 1")
    except PoolTimeout as error:
        return JSONResponse({"error": "Database busy", "reason": str(error)}, 503, {"Retry-After": "1"})
    finally:
        for conn in forgotten:
            await pool.putconn(conn)
    return JSONResponse({"error": None})


routes = [
    Route("/demo/users/{mistake}", users),
    Route("/demo/forgotten-return", forgotten_return),
]
