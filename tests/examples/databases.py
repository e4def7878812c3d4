"""The database of an example: its users, its connections, and its being away. One shape for both systems."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pymysql
import pytest
from tests.support.waiting import eventually

from thawpool.testing.mariadb import MariaDB
from thawpool.testing.postgres import Postgres, find_postgres

__all__ = ["SYSTEMS", "Database", "User", "database", "people"]

SYSTEMS = ("postgresql", pytest.param("mysql", marks=pytest.mark.needs("mariadb")))
SCHEMA = Path(__file__).parents[2] / "examples" / "nextjs" / "schema"


class User(NamedTuple):
    name: str
    email: str


def people(count: int) -> list[User]:
    return [User(f"Person {number}", f"person{number}@example.com") for number in range(1, count + 1)]


class Database(ABC):
    """A server of this test's own, with the table of an example."""

    SCHEMA: str
    OTHERS: str
    KILL: str

    def __init__(self, server: Postgres | MariaDB, url: str) -> None:
        self.server = server
        self.url = url

    @abstractmethod
    def connect(self) -> Any:
        """A connection of the test's own, in autocommit."""

    def run(self, sql: str, *params: object) -> list[tuple[Any, ...]]:
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(sql, params or None)
            return list(cursor.fetchall()) if cursor.description else []

    def fill(self, users: Sequence[User]) -> None:
        """Make the table anew, with these."""
        self.drop()
        self.run((SCHEMA / self.SCHEMA).read_text())
        if users:
            places = ", ".join(["(%s, %s)"] * len(users))
            self.run(
                f"INSERT INTO users (name, email) VALUES {places}", *(text for user in users for text in user)
            )

    def drop(self) -> None:
        self.run("DROP TABLE IF EXISTS users")

    def users(self) -> list[User]:
        return [User(*row) for row in self.run("SELECT name, email FROM users ORDER BY id")]

    def connections(self) -> int:
        """How many clients the server has besides the one who asks."""
        return len(self.run(self.OTHERS))

    def drop_connections(self) -> None:
        """End all sessions but the one who asks, and wait until they are gone."""
        for (number,) in self.run(self.OTHERS):
            self.run(self.KILL, number)
        eventually(lambda: self.connections() == 0, "the end of all sessions")


class _PostgreSQL(Database):
    SCHEMA = "postgresql.sql"
    OTHERS = (
        "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    KILL = "SELECT pg_terminate_backend(%s)"

    def connect(self) -> Any:
        return psycopg.connect(self.url, autocommit=True)


class _MariaDB(Database):
    SCHEMA = "mysql.sql"
    OTHERS = "SELECT id FROM information_schema.processlist WHERE user = 'root' AND id <> connection_id()"
    KILL = "KILL %s"

    def connect(self) -> Any:
        return pymysql.connect(
            host="127.0.0.1",
            port=self.server.port,
            user="root",
            database="test",
            charset="utf8mb4",
            autocommit=True,
        )


@contextmanager
def database(system: str) -> Iterator[Database]:
    if system == "postgresql":
        with Postgres(find_postgres("embedded")) as postgres:
            yield _PostgreSQL(postgres, postgres.url())
        return
    with MariaDB() as mariadb:
        yield _MariaDB(mariadb, mariadb.url())
