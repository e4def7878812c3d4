"""asyncpg.Pool as a bare ASGI app. With ``RESET=no`` nothing is sent when a connection comes back."""

from __future__ import annotations

import os
from typing import Any

import asyncpg

from .asgi import SQL, application

pool: Any = None


async def _no_reset(conn: Any) -> None:
    pass


async def _open() -> None:
    global pool
    options = {"reset": _no_reset} if os.environ.get("RESET") == "no" else {}
    pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=5, max_size=5, **options)


async def _users() -> list[dict[str, Any]]:
    return [dict(row) for row in await pool.fetch(SQL)]


async def _close() -> None:
    await pool.close()


app = application(_users, Exception, _open, _close)
