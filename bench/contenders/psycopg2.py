"""ThreadedConnectionPool, the pool of psycopg2's own authors."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

from .base import Settings, SyncContender
from .drivers import PSYCOPG2

__all__ = ["Psycopg2Pool"]


class Psycopg2Pool(SyncContender):
    """``conn = pool.getconn()`` and, in the end, ``pool.putconn(conn)``."""

    driver = PSYCOPG2
    settings = Settings(
        default="a transaction around each lease, a rollback at each return; it does not wait",
        fast="every connection in autocommit; it does not wait",
    )
    distributions = ("psycopg2-binary",)

    def open(self) -> None:
        from psycopg2.pool import ThreadedConnectionPool

        self.pool = ThreadedConnectionPool(self.size, self.size, self.address.url())
        taken = [self.pool.getconn() for _ in range(self.size)]
        for conn in taken:
            conn.autocommit = self.fast
            self.pool.putconn(conn)

    def connection(self) -> AbstractContextManager[Any]:
        return Taken(self.pool)

    def request(self, sql: str) -> Iterable[Any]:
        conn = self.pool.getconn()
        try:
            return self.rows(conn, sql)
        finally:
            self.pool.putconn(conn)

    def close(self) -> None:
        self.pool.closeall()


class Taken:
    """The block that it lacks, as light as one can be."""

    __slots__ = ("conn", "pool")

    def __init__(self, pool: Any) -> None:
        self.pool = pool

    def __enter__(self) -> Any:
        self.conn = self.pool.getconn()
        return self.conn

    def __exit__(self, *exc: object) -> None:
        self.pool.putconn(self.conn)
