"""The lesson's PostgreSQL, and what it knows: how many connections there are, and how many there have been."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import psycopg

from thawpool.testing.postgres import Postgres, find_postgres

from ..errors import LearnError
from .nursery import Nursery

__all__ = ["USERS", "Database", "Held", "Server"]

#: What the table ``users`` holds. One name is a trap for SQL, one for encodings.
USERS = [
    {"id": 1, "name": "Ada Thaw", "email": "ada@example.com"},
    {"id": 2, "name": "Grace O'Frost", "email": "grace@example.com"},
    {"id": 3, "name": "Zoë Winter", "email": "zoe@example.com"},
]
#: The databases: the second is where ``DATABASE_URL`` moves in step 2.
_NAMES = ("lesson", "lesson_moved")
#: A session that an answer left in a transaction is in the way of a lock, and shall not be waited for.
_IMPATIENT = "SET lock_timeout = '1s'"


class Server:
    """A server of the check's own, with temporary data; a context manager.

    Raises:
        LearnError: it did not start.
    """

    def __init__(self) -> None:
        try:
            settings = {"log_connections": "on", "max_connections": "60"}
            self._postgres = Postgres(_programs(), settings=settings)
        except OSError as error:
            raise LearnError(str(error)) from error
        #: Where the processes of the answers come from.
        self.nursery = Nursery()

    def __enter__(self) -> Self:
        try:
            # In a thread, whose end a Ctrl-C waits for: what is halfway to a server could not be closed.
            with ThreadPoolExecutor(1) as starting:
                starting.submit(self.start).result()
        except (OSError, RuntimeError) as error:
            self.close()
            raise LearnError(f"PostgreSQL did not start: {error}") from error
        except BaseException:
            self.close()
            raise
        self.databases = [Database(self, name) for name in _NAMES]
        with self.connect("postgres") as conn:
            for name in _NAMES:
                conn.execute(f"CREATE DATABASE {name}")
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def start(self) -> None:
        self._postgres.start()

    def stop(self) -> None:
        """As an operator does: every session is told, then there is nothing at the address."""
        self._postgres.stop()

    def close(self) -> None:
        self.nursery.close()
        self._postgres.close()

    def connect(self, database: str) -> psycopg.Connection[Any]:
        return psycopg.connect(self._postgres.url(database=database), autocommit=True)

    def url(self, database: str) -> str:
        return self._postgres.url(database=database)

    @property
    def allowed(self) -> list[str]:
        """The databases of the lesson, as host:port/name."""
        return [database.address for database in self.databases]

    @property
    def port(self) -> int:
        return self._postgres.port

    def opened(self) -> Counter[str]:
        """How many connections were ever opened to each database, by the server's log."""
        return Counter(re.findall(r"connection authorized: .*?\bdatabase=(\w+)", self._postgres.log))


class Database:
    """One database of the server."""

    def __init__(self, server: Server, name: str) -> None:
        self._server = server
        self.name = name

    @property
    def url(self) -> str:
        return self._server.url(self.name)

    @property
    def address(self) -> str:
        """As host:port/name."""
        return f"127.0.0.1:{self._server.port}/{self.name}"

    def fill(self) -> None:
        """Lay ``users`` out anew, whatever an earlier answer did to it, without the sessions it left."""
        with self._server.connect("postgres") as conn:
            conn.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [self.name]
            )
        with self._server.connect(self.name) as conn, conn.cursor() as cursor:
            cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            cursor.execute(
                "CREATE TABLE users (id int PRIMARY KEY, name text NOT NULL, email text NOT NULL UNIQUE)"
            )
            cursor.executemany("INSERT INTO users VALUES (%(id)s, %(name)s, %(email)s)", USERS)

    @contextmanager
    def without_users(self) -> Iterator[None]:
        """While the block runs there is no table ``users``: a query of it fails."""
        with self._server.connect(self.name) as conn:
            conn.execute(_IMPATIENT)
            conn.execute("ALTER TABLE users RENAME TO users_away")
            try:
                yield
            finally:
                conn.execute("ALTER TABLE users_away RENAME TO users")

    @contextmanager
    def held(self) -> Iterator[Held]:
        """While the block runs, whoever reads ``users`` waits, so that all who come at once are there at once.

        Raises:
            psycopg.errors.LockNotAvailable: a session of the answer's holds a lock of its own on it.
        """
        with self._server.connect(self.name) as holder, self._server.connect("postgres") as watcher:
            holder.execute(_IMPATIENT)
            with holder.transaction():
                holder.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
                yield Held(watcher, self.name, holder.info.backend_pid)

    def opened(self) -> int:
        """How many connections were ever opened to it."""
        return self._server.opened()[self.name]


class Held:
    """The server's view while ``users`` is locked."""

    def __init__(self, watcher: psycopg.Connection[Any], database: str, holder: int) -> None:
        self._watcher = watcher
        self._arguments = [database, holder]

    def counted(self) -> tuple[int, int]:
        """How many connections there are but the holder's, and how many of them wait for the table."""
        row = self._watcher.execute(
            "SELECT count(*), count(*) FILTER (WHERE wait_event_type = 'Lock') FROM pg_stat_activity "
            "WHERE datname = %s AND pid <> %s AND backend_type = 'client backend'",
            self._arguments,
        ).fetchone()
        assert row is not None
        connections, waiting = row
        return connections, waiting

    @staticmethod
    def pause() -> None:
        time.sleep(0.005)


def _programs() -> Path | None:
    """The embedded server, the same for every reader; else whichever there is."""
    try:
        return find_postgres("embedded")
    except FileNotFoundError:
        return None
