"""A function under Vercel's runtime together with the database behind it, which can tell and end its sessions."""

from __future__ import annotations

import http.client
import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Self

import psycopg
import pymysql
from tests.support.vercel import VercelFunction
from tests.support.waiting import eventually

from thawpool.testing.mariadb import MariaDB
from thawpool.testing.postgres import Postgres

__all__ = ["KINDS", "ROOT", "Kind", "Site"]

#: The project: functions import what they share as the tests do.
ROOT = Path(__file__).parents[2]


class Kind(NamedTuple):
    """What a function is made of: a file, the driver of its pool, what is served."""

    entrypoint: str
    scheme: str
    variable: str = "app"


KINDS = {
    "asgi-asyncpg": Kind("tests/vercel/functions/asgi.py", "postgresql+asyncpg"),
    "asgi-psycopg": Kind("tests/vercel/functions/asgi.py", "postgresql"),
    "wsgi": Kind("tests/vercel/functions/wsgi.py", "postgresql"),
    "handler": Kind("tests/vercel/functions/handler.py", "postgresql", "handler"),
    "asyncio.run": Kind("tests/vercel/functions/runs.py", "postgresql+asyncpg", "handler"),
    "asgi-asyncmy": Kind("tests/vercel/functions/asgi.py", "mysql+asyncmy"),
    "handler-pymysql": Kind("tests/vercel/functions/handler.py", "mysql+pymysql", "handler"),
}


class Sessions(ABC):
    """The sessions of one function, as the server has them; asked on a session of its own."""

    @abstractmethod
    def url(self, scheme: str) -> str:
        """The URL by which the function connects."""

    @abstractmethod
    def count(self) -> int:
        """How many there are."""

    @abstractmethod
    def busy(self) -> int:
        """How many run a statement."""

    @abstractmethod
    def end(self) -> None:
        """End all of them, as an administrator would."""

    @abstractmethod
    def close(self) -> None: ...


class PostgresSessions(Sessions):
    def __init__(self, server: Postgres, name: str) -> None:
        self._server = server
        self._name = name
        self._conn = psycopg.connect(server.url(), autocommit=True)

    def url(self, scheme: str) -> str:
        url = self._server.url(application_name=self._name)
        return f"{scheme}{url[url.index('://') :]}"

    def count(self) -> int:
        return self._number("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s")

    def busy(self) -> int:
        return self._number(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND state = 'active'"
        )

    def end(self) -> None:
        self._conn.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = %s",
            (self._name,),
        )

    def close(self) -> None:
        self._conn.close()

    def _number(self, sql: str) -> int:
        row = self._conn.execute(sql, (self._name,)).fetchone()
        assert row is not None
        return int(row[0])


class MariaDBSessions(Sessions):
    def __init__(self, server: MariaDB, name: str) -> None:
        self._server = server
        self._name = name
        self._conn = pymysql.connect(host="127.0.0.1", port=server.port, user="root", autocommit=True)
        self._rows(f"CREATE DATABASE `{name}`")

    def url(self, scheme: str) -> str:
        url = self._server.url(database=self._name)
        return f"{scheme}{url[url.index('://') :]}"

    def count(self) -> int:
        return len(self._rows("SELECT 1 FROM information_schema.processlist WHERE db = %s", self._name))

    def busy(self) -> int:
        return len(
            self._rows(
                "SELECT 1 FROM information_schema.processlist WHERE db = %s AND command = 'Query'", self._name
            )
        )

    def end(self) -> None:
        for (number,) in self._rows(
            "SELECT id FROM information_schema.processlist WHERE db = %s", self._name
        ):
            self._rows(f"KILL CONNECTION {number}")

    def close(self) -> None:
        self._rows(f"DROP DATABASE `{self._name}`")
        self._conn.close()

    def _rows(self, sql: str, *params: str) -> Any:
        with self._conn.cursor() as cursor:
            cursor.execute(sql, params)
            return cursor.fetchall()


class Site:
    """A running function, and its sessions.

    Args:
        kind: of ``KINDS``.
        server: what its pool connects to.
        url: makes of the server's URL the one that the function is told.
        pool: the options of its pool.
    """

    def __init__(
        self,
        kind: str,
        server: Postgres | MariaDB,
        *,
        movable_clock: bool = False,
        url: Callable[[str], str] = str,
        **pool: Any,
    ) -> None:
        made = KINDS[kind]
        name = f"{kind}-{id(self):x}"
        self.sessions: Sessions = (
            PostgresSessions(server, name) if isinstance(server, Postgres) else MariaDBSessions(server, name)
        )
        environ = {"DATABASE_URL": url(self.sessions.url(made.scheme)), "POOL": json.dumps(pool)}
        self.function = VercelFunction(
            ROOT, made.entrypoint, made.variable, environ=environ, movable_clock=movable_clock
        )

    def has(self, sessions: int) -> None:
        """Assert that the server has so many sessions of the function, once it has noticed what was closed."""
        eventually(lambda: self.sessions.count() == sessions, f"{sessions} sessions", within=3.0)

    def __enter__(self) -> Self:
        self.function.start()
        # The first request loads the driver, on whose time no test shall depend. Without time left it dials nothing.
        with suppress(http.client.RemoteDisconnected):
            self.function.get("/pid", deadline=0.0)
        return self

    def __exit__(self, *exc: object) -> None:
        self.function.close()
        self.sessions.close()
