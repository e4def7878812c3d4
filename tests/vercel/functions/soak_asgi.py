"""The function of the soak as an ASGI app: one marked statement, by itself or in a transaction."""

from __future__ import annotations

from urllib.parse import parse_qs

from tests.vercel.functions.settings import MARKED, OPTIONS

from thawpool import AsyncPool
from thawpool.integrations.asgi import JSONResponse, PoolMiddleware, Receive, Scope, Send

pool = AsyncPool(**OPTIONS)


async def route(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        raise NotImplementedError
    query = parse_qs(scope["query_string"].decode())
    params = (float(query["s"][0]), query["mark"][0])
    if scope["path"] == "/transaction":
        async with pool.transaction() as tx:
            row = await tx.query_one(MARKED, params)
    else:
        row = await pool.query_one(MARKED, params)
    await JSONResponse(row)(scope, receive, send)


app = PoolMiddleware(route, pool=pool)
