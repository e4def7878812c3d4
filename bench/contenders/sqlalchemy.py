"""SQLAlchemy's QueuePool and its async engine, with textual SQL: no ORM in the way."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, ClassVar

from .asyncpg import BOUNDED as ASYNCPG_BOUNDED
from .base import AsyncContender, Contender, Settings, SyncContender
from .drivers import ASYNCPG, PSYCOPG
from .psycopg_pool import BOUNDED as PSYCOPG_BOUNDED

__all__ = ["Sqlalchemy", "SqlalchemyAsyncpg", "SqlalchemyPsycopg"]

SETTINGS = Settings(
    default="a transaction around each lease, a rollback at each return",
    fast="isolation_level='AUTOCOMMIT', pool_reset_on_return=None",
)
BOUNDED_SETTINGS = SETTINGS._replace(
    safe="AUTOCOMMIT, pool_pre_ping=True, pool_timeout=2, the driver's time-outs of 2 s"
)


class Engine(Contender):
    """What both engines are made with."""

    distributions: ClassVar[tuple[str, ...]] = ("SQLAlchemy",)
    settings = SETTINGS
    #: The driver's own time-outs.
    bounded: ClassVar[dict[str, Any]] = {}

    @property
    def options(self) -> dict[str, Any]:
        options: dict[str, Any] = {"pool_size": self.size, "max_overflow": 0}
        if self.fast:
            options |= {"isolation_level": "AUTOCOMMIT", "pool_reset_on_return": None}
        if self.safe:
            options |= {"pool_pre_ping": True, "pool_timeout": 2, "connect_args": self.bounded}
        return options


class Sqlalchemy(Engine, SyncContender):
    def open(self) -> None:
        from sqlalchemy import create_engine, text

        self.engine = create_engine(self.address.url(self.driver.name), **self.options)
        self.text = text
        self.connection = self.engine.connect  # type: ignore[method-assign]
        for conn in [self.engine.connect() for _ in range(self.size)]:
            conn.close()

    def connection(self) -> AbstractContextManager[Any]:
        return self.engine.connect()  # type: ignore[no-any-return]

    def rows(self, conn: Any, sql: str) -> Iterable[Any]:
        return conn.execute(self.text(sql)).fetchall()  # type: ignore[no-any-return]

    def close(self) -> None:
        self.engine.dispose()


class SqlalchemyPsycopg(Sqlalchemy):
    driver = PSYCOPG
    settings = BOUNDED_SETTINGS
    distributions = ("SQLAlchemy", "psycopg")
    bounded = PSYCOPG_BOUNDED


class SqlalchemyAsyncpg(Engine, AsyncContender):
    driver = ASYNCPG
    settings = BOUNDED_SETTINGS
    distributions = ("SQLAlchemy", "asyncpg")
    bounded = ASYNCPG_BOUNDED

    async def open(self) -> None:
        from sqlalchemy import text
        from sqlalchemy.ext.asyncio import create_async_engine

        self.engine = create_async_engine(self.address.url(self.driver.name), **self.options)
        self.text = text
        self.connection = self.engine.connect  # type: ignore[method-assign]
        for conn in [await self.engine.connect() for _ in range(self.size)]:
            await conn.close()

    def connection(self) -> AbstractAsyncContextManager[Any]:
        return self.engine.connect()  # type: ignore[no-any-return]

    async def rows(self, conn: Any, sql: str) -> Iterable[Any]:
        return (await conn.execute(self.text(sql))).fetchall()  # type: ignore[no-any-return]

    async def close(self) -> None:
        await self.engine.dispose()
