"""What the server itself tells, and what its administrator does: asked by one driver, whichever is tested."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

import psycopg
import pymysql
from tests.drivers.conformance.dialects import DIALECTS

from thawpool.testing.mariadb import MariaDB
from thawpool.testing.postgres import Postgres

__all__ = ["Outside", "Server"]

Server = Postgres | MariaDB


class Outside:
    """Asks a server, on a connection of its own each time."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.dialect = DIALECTS["postgresql" if isinstance(server, Postgres) else "mysql"]

    def connect(self) -> Any:
        """The administrator's connection, in autocommit."""
        if isinstance(self.server, Postgres):
            return psycopg.connect(self.server.url(), autocommit=True)
        return pymysql.connect(
            host="127.0.0.1", port=self.server.port, user="root", database="test", autocommit=True
        )

    def rows(self, sql: str) -> Sequence[tuple[Any, ...]]:
        with closing(self.connect()) as conn, closing(conn.cursor()) as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else ()

    def run(self, *statements: str) -> None:
        for sql in statements:
            self.rows(sql)

    def value(self, sql: str) -> Any:
        return self.rows(sql)[0][0]

    def alive(self, *sessions: int) -> int:
        """How many of these sessions there still are."""
        return int(self.value(self.dialect.alive.format(", ".join(map(str, sessions)))))

    def running(self, text: str) -> int:
        """How many statements that begin with ``text`` the server is busy with."""
        return int(self.value(self.dialect.running.format(text)))

    def end(self, session: int) -> None:
        """End a session, as an administrator does, and wait until it is gone."""
        self.run(self.dialect.end.format(session))
