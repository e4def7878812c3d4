"""FastAPI on asyncpg.Pool, its encoder left out: orjson, as everywhere here."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import orjson
from fastapi import FastAPI, Response

from .asgi import ERROR, SQL

pool: Any = None


@asynccontextmanager
async def _lifespan(_: FastAPI) -> AsyncIterator[None]:
    global pool
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=5, max_size=5) as pool:
        yield


app = FastAPI(lifespan=_lifespan)


@app.get("/api/users")
async def users() -> Response:
    try:
        body = orjson.dumps([dict(row) for row in await pool.fetch(SQL)])
    except Exception:
        return Response(ERROR, 500, media_type="application/json")
    return Response(body, media_type="application/json")
