"""psycopg_pool as a bare ASGI app. With ``AUTOCOMMIT=yes`` a lease is no transaction."""

from __future__ import annotations

import os
from typing import Any

from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from .asgi import SQL, application

autocommit = os.environ.get("AUTOCOMMIT") == "yes"
pool = AsyncConnectionPool(
    os.environ["DATABASE_URL"],
    min_size=5,
    max_size=5,
    open=False,
    kwargs={"autocommit": autocommit, "row_factory": dict_row},
)


async def _users() -> list[dict[str, Any]]:
    async with pool.connection() as conn:
        cursor = await conn.execute(SQL)
        return await cursor.fetchall()  # type: ignore[no-any-return]


app = application(_users, Exception, pool.open, pool.close)
