"""Somebody else's database: what its owner does with it, whatever kind it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import psycopg
import pymysql

from thawpool.testing.mariadb import MariaDB
from thawpool.testing.postgres import Postgres

__all__ = ["Foreign", "foreign_mysql", "foreign_postgresql"]

PASSWORD = "hunter2"


class Connection(Protocol):
    """What psycopg's and PyMySQL's have in common."""

    def cursor(self) -> Any: ...
    def close(self) -> None: ...


class Foreign:
    """A database on a server that is not the demo's.

    Args:
        url: as given to the demo.
        product: how the server calls itself.
        owner: a connection to it, in autocommit.
        sessions: a statement that counts the connections to it of all others.
    """

    def __init__(self, url: str, product: str, owner: Connection, sessions: str) -> None:
        self.url = url
        self.product = product
        self._owner = owner
        self._sessions = sessions

    def run(self, sql: str, *params: object) -> list[tuple[Any, ...]]:
        with self._owner.cursor() as cursor:
            cursor.execute(sql, params)
            return list(cursor.fetchall()) if cursor.description else []

    def tables(self) -> list[str]:
        schema = "current_schema()" if self.product == "PostgreSQL" else "database()"
        return [
            name
            for (name,) in self.run(
                f"SELECT table_name FROM information_schema.tables WHERE table_schema = {schema}"
            )
        ]

    def sessions(self) -> int:
        """How many connections there are besides the owner's."""
        return int(self.run(self._sessions)[0][0])


@contextmanager
def foreign_postgresql(server: Postgres) -> Iterator[Foreign]:
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute("CREATE DATABASE theirs")
        url = server.url(database="theirs", application_name="theirs")
        counting = "SELECT count(*) - 1 FROM pg_stat_activity WHERE datname = 'theirs'"
        with psycopg.connect(url, autocommit=True) as owner:
            yield Foreign(url, "PostgreSQL", owner, counting)
        admin.execute("DROP DATABASE theirs WITH (FORCE)")


@contextmanager
def foreign_mysql(server: MariaDB) -> Iterator[Foreign]:
    """Its account may do anything in this database and nothing beyond, as at a provider's."""
    admin = pymysql.connect(host="127.0.0.1", port=server.port, user="root", autocommit=True)
    with admin, admin.cursor() as cursor:
        cursor.execute("CREATE DATABASE theirs")
        cursor.execute(f"CREATE USER they IDENTIFIED BY '{PASSWORD}'")
        cursor.execute("GRANT ALL ON theirs.* TO they")
        url = server.url(user="they", password=PASSWORD, database="theirs")
        owner = pymysql.connect(
            host="127.0.0.1",
            port=server.port,
            user="they",
            password=PASSWORD,
            database="theirs",
            autocommit=True,
        )
        counting = "SELECT COUNT(*) - 1 FROM information_schema.processlist"
        with owner:
            yield Foreign(url, "MariaDB", owner, counting)
        cursor.execute("DROP USER they")
        cursor.execute("DROP DATABASE theirs")
