"""A page of users on thawpool, as a bare ASGI app: the statement, rows and answer of ``examples/nextjs/api/index.py``.

With ``MIDDLEWARE=yes`` each request is an invocation that has thirty seconds.
"""

from __future__ import annotations

import os
from typing import Any

from thawpool import AsyncPool, Unavailable
from thawpool.integrations.asgi import PoolMiddleware

from .asgi import application

SQL = "SELECT id, name, email FROM users WHERE id > %s ORDER BY id LIMIT %s"
PAGE = 50

pool = AsyncPool(os.environ["DATABASE_URL"])


async def _page() -> dict[str, Any]:
    users = await pool.query(SQL, (0, PAGE + 1))
    return {"users": users[:PAGE], "next": users[PAGE - 1]["id"] if len(users) > PAGE else None}


if os.environ.get("MIDDLEWARE") == "yes":
    # What goes wrong is the middleware's to answer.
    app: Any = PoolMiddleware(application(_page, (), shutdown=pool.close), pool=pool, remaining=30.0)
else:
    app = application(_page, Unavailable, shutdown=pool.close)
