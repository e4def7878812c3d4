"""thawpool as a bare ASGI app. It needs no startup: the pool opens its first connection in the first request."""

from __future__ import annotations

import os
from typing import Any

from thawpool import AsyncPool, Unavailable

from .asgi import SQL, application

pool = AsyncPool(os.environ["DATABASE_URL"])


async def _users() -> list[dict[str, Any]]:
    return await pool.query(SQL)


app = application(_users, Unavailable, shutdown=pool.close)
