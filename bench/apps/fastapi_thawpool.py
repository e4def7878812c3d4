"""FastAPI on thawpool, its encoder left out: orjson, as everywhere here."""

from __future__ import annotations

import os

import orjson
from fastapi import FastAPI, Response

from thawpool import AsyncPool, Unavailable

from .asgi import ERROR, SQL

pool = AsyncPool(os.environ["DATABASE_URL"])
app = FastAPI()


@app.get("/api/users")
async def users() -> Response:
    try:
        body = orjson.dumps(await pool.query(SQL))
    except Unavailable:
        return Response(ERROR, 500, media_type="application/json")
    return Response(body, media_type="application/json")
