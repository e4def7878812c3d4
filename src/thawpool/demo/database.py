"""The database behind the demo: the users in it, and the server's own view of the function's connections."""

from __future__ import annotations

import os
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import psycopg

from thawpool import AsyncPool
from thawpool.errors import PoolError
from thawpool.testing.postgres import Postgres

from .errors import DemoError
from .people import people

__all__ = ["Database", "ServerView"]

VIEW = """
    SELECT count(*) FILTER (WHERE application_name = %(pool)s) AS pool,
           count(*) FILTER (WHERE application_name = %(mistakes)s) AS mistakes,
           (SELECT sessions FROM pg_stat_database WHERE datname = current_database()) AS sessions
    FROM pg_stat_activity
"""
TERMINATE = """
    SELECT count(*) FILTER (WHERE pg_terminate_backend(pid, 1000)) AS n
    FROM pg_stat_activity WHERE application_name = %(pool)s
"""


class ServerView(NamedTuple):
    """What the server itself says."""

    #: Connections of the function's pool that are open now.
    pool: int
    #: Connections that the function opened beside its pool.
    mistakes: int
    #: Connections that anybody opened to this database, ever.
    sessions: int


class Database:
    """A server of our own, or one that ``--database-url`` names; seen over one connection of our own.

    The function's connections carry application names that no other demo on the same server has.
    """

    def __init__(self, url: str, server: Postgres | None) -> None:
        self.server = server
        self._url = url
        self._names = {
            part: f"thawpool-demo-{os.getpid()}-{part}" for part in ("pool", "mistakes", "supervisor")
        }
        self._pool = AsyncPool(self.url("supervisor"), max_size=1, timeout=0.5)
        self._created = False

    def url(self, part: str) -> str:
        """Where a part of the demo connects: the same URL with an ``application_name`` of its own."""
        parts = urlsplit(self._url)
        keys = [(key, value) for key, value in parse_qsl(parts.query) if key != "application_name"]
        return urlunsplit(parts._replace(query=urlencode([*keys, ("application_name", self._names[part])])))

    async def prepare(self) -> str:
        """Lay out ``users``, unless the database has one already. Returns what server it is.

        Raises:
            DemoError: the database cannot be reached, or its ``users`` is another table than ours.
        """
        try:
            row = await self._pool.query_one(
                "SELECT current_setting('server_version') AS version, to_regclass('users') AS users",
                timeout=5,
            )
            assert row is not None
            if row["users"] is None:
                await self._create()
            await self._pool.execute("SELECT id, name, email FROM users LIMIT 0")
        except PoolError as error:
            raise DemoError(f"the database at {self.where} cannot be used: {error}") from error
        except psycopg.Error as error:
            raise DemoError(
                f"the table users at {self.where} is not one with id, name, email: {error}"
            ) from error
        return f"PostgreSQL {row['version'].split()[0]}"

    @property
    def where(self) -> str:
        """Host, port and database: nothing secret."""
        parts = urlsplit(self._url)
        return f"{parts.hostname or 'localhost'}:{parts.port or 5432}{parts.path}"

    async def _create(self) -> None:
        async with self._pool.transaction(timeout=5) as tx:
            await tx.execute(
                "CREATE TABLE users (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, email text UNIQUE)"
            )
            names, emails = zip(*people(50), strict=True)
            await tx.execute(
                "INSERT INTO users (name, email) SELECT * FROM unnest(%s::text[], %s::text[])",
                (list(names), list(emails)),
            )
        self._created = True

    async def view(self) -> ServerView:
        """Ask the server; raises ``PoolError`` when it is away."""
        row = await self._pool.query_one(VIEW, self._names, idempotent=True)
        assert row is not None
        return ServerView(**row)

    async def terminate(self) -> int:
        """Have the server close every connection of the function, and wait until it has. Returns how many."""
        row = await self._pool.query_one(TERMINATE, self._names, timeout=10)
        assert row is not None
        return int(row["n"])

    async def close(self) -> None:
        """Drop the table if we made it in somebody's database, and disconnect."""
        if self._created and self.server is None:
            try:
                await self._pool.execute("DROP TABLE users", timeout=5)
            except PoolError as error:
                print(f"thawpool demo: the table users is left behind at {self.where}: {error}")
        await self._pool.close()
