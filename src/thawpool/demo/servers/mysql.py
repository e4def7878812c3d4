"""MySQL and MariaDB. A connection is marked by a lock on a name of its own, which goes when it ends.

There is no ``application_name`` there, and the attributes of a connection are shown by a server with the performance
schema alone, which MariaDB comes without. Who holds a named lock any session may ask, of any server.
"""

from __future__ import annotations

import asyncio
import functools
import time
from typing import Any, Final

from thawpool import AsyncPool
from thawpool._url import mysql_context, mysql_options
from thawpool.testing.mariadb import MariaDB

from ..errors import DemoError
from .base import Mark, Part, Rows, Server, ServerView

__all__ = ["MySQL"]

CLAIM: Final = "SELECT GET_LOCK(CONCAT(%s, '-', CONNECTION_ID()), 0)"
VIEW: Final = """
    SELECT COALESCE(SUM(IS_USED_LOCK(CONCAT(%(pool)s, '-', id)) = id), 0) AS pool,
           COALESCE(SUM(IS_USED_LOCK(CONCAT(%(mistakes)s, '-', id)) = id), 0) AS mistakes
    FROM information_schema.processlist
"""
SESSIONS: Final = "SHOW GLOBAL STATUS LIKE 'Connections'"
POOLED: Final = """
    SELECT id FROM information_schema.processlist WHERE IS_USED_LOCK(CONCAT(%(pool)s, '-', id)) = id
"""
DESCRIBE: Final = """
    SELECT VERSION() AS version, DATABASE() AS name,
           (SELECT COUNT(*) FROM information_schema.tables
            WHERE table_schema = DATABASE() AND table_name = 'users') AS users
"""
NO_SUCH_THREAD: Final = 1094
#: How long a session may take to end, in seconds: what PostgreSQL is given too.
END_TIMEOUT: Final = 1.0


class MySQL(Server):
    product = "MariaDB"
    driver = "asyncmy"
    NOW = "UTC_TIMESTAMP()"
    CREATE = (
        "CREATE TABLE users (id int AUTO_INCREMENT PRIMARY KEY, name text, email varchar(100) UNIQUE) "
        "DEFAULT CHARSET utf8mb4"
    )

    @staticmethod
    def start() -> MariaDB:
        return MariaDB().start()

    def url(self, part: Part) -> str:
        return self._url

    def mark(self, part: Part) -> Mark:
        async def claim(conn: Any) -> None:
            async with conn.cursor() as cursor:
                await cursor.execute(CLAIM, (self._names[part],))

        return claim

    async def describe(self, pool: AsyncPool) -> tuple[str, bool]:
        row = await pool.query_one(DESCRIBE, timeout=5)
        assert row is not None
        if row["name"] is None:
            raise DemoError(
                "the URL names no database: end it with one, as in mysql://user:password@host/database"
            )
        product = "MariaDB" if "mariadb" in row["version"].lower() else "MySQL"
        return f"{product} {row['version'].partition('-')[0]}", bool(row["users"])

    async def view(self, pool: AsyncPool) -> ServerView:
        marked = await pool.query_one(VIEW, self._names, idempotent=True)
        counted = await pool.query_one(SESSIONS, idempotent=True)
        assert marked is not None
        assert counted is not None
        return ServerView(int(marked["pool"]), int(marked["mistakes"]), int(counted["Value"]))

    async def terminate(self, pool: AsyncPool) -> int:
        sessions = [int(row["id"]) for row in await pool.query(POOLED, self._names, timeout=5)]
        for session in sessions:
            try:
                await pool.execute(f"KILL {session}", timeout=5)
            except Exception as error:  # of whichever driver
                if error.args[:1] != (NO_SUCH_THREAD,):  # it has left by itself
                    raise
        return len(sessions) - await self._left(pool, sessions)

    @staticmethod
    async def _left(pool: AsyncPool, sessions: list[int]) -> int:
        """Wait until these sessions are gone. Returns how many are not, after all that time."""
        listed = ", ".join(map(str, [0, *sessions]))
        until = time.monotonic() + END_TIMEOUT
        while True:
            rows = await pool.query(
                f"SELECT id FROM information_schema.processlist WHERE id IN ({listed})", timeout=5
            )
            if not rows or time.monotonic() > until:
                return len(rows)
            await asyncio.sleep(0.01)

    async def query_once(self, sql: str) -> Rows:
        import asyncmy
        from asyncmy.cursors import DictCursor

        conn = await asyncmy.connect(**self._asyncmy)
        try:
            await self.mark("mistakes")(conn)
            async with conn.cursor(cursor=DictCursor) as cursor:
                await cursor.execute(sql)
                rows: Rows = await cursor.fetchall()
                return rows
        finally:
            await conn.ensure_closed()

    @functools.cached_property
    def _asyncmy(self) -> dict[str, Any]:
        """The URL in the words of asyncmy."""
        target = self._target
        host, port = target.hosts[0]
        options = mysql_options(target)
        return {
            **({"unix_socket": host} if host.startswith("/") else {"host": host, "port": port}),
            "user": options["user"],
            "password": (target.password or "").encode().decode("latin-1"),  # asyncmy makes Latin-1 of it
            "db": target.database,
            "charset": options.get("charset", "utf8mb4"),
            "ssl": mysql_context(target),
        }
