"""SQLAlchemy's QueuePool and its async engine, with textual SQL: no ORM in the way."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any

from .asyncpg import BOUNDED as ASYNCPG_BOUNDED
from .asyncpg import connect_asyncpg
from .base import AsyncContender, Settings, SyncContender
from .psycopg_pool import BOUNDED, connect_psycopg

__all__ = ["SqlalchemyAsyncpg", "SqlalchemyPsycopg"]

SETTINGS = Settings(
    default="a transaction around each lease, a rollback at each return",
    fast="isolation_level='AUTOCOMMIT', pool_reset_on_return=None",
    safe="AUTOCOMMIT, pool_pre_ping=True, pool_timeout=2, the driver's time-outs of 2 s",
)


class SqlalchemyPsycopg(SyncContender):
    settings = SETTINGS
    distributions = ("SQLAlchemy", "psycopg")

    def open(self) -> None:
        from sqlalchemy import create_engine, text

        options: dict[str, Any] = {}
        if self.fast:
            options = {"isolation_level": "AUTOCOMMIT", "pool_reset_on_return": None}
        if self.safe:
            options |= {"pool_pre_ping": True, "pool_timeout": 2, "connect_args": BOUNDED}
        self.engine = create_engine(
            self.address.url("psycopg"), pool_size=self.size, max_overflow=0, **options
        )
        self.text = text
        self.connection = self.engine.connect  # type: ignore[method-assign]
        for conn in [self.engine.connect() for _ in range(self.size)]:
            conn.close()

    def connection(self) -> AbstractContextManager[Any]:
        return self.engine.connect()  # type: ignore[no-any-return]

    def rows(self, conn: Any, sql: str) -> Iterable[Any]:
        return conn.execute(self.text(sql)).fetchall()  # type: ignore[no-any-return]

    def raw(self) -> Any:
        return connect_psycopg(self.address, safe=self.safe)

    def raw_rows(self, conn: Any, sql: str) -> Iterable[Any]:
        return conn.execute(sql).fetchall()  # type: ignore[no-any-return]

    def close(self) -> None:
        self.engine.dispose()


class SqlalchemyAsyncpg(AsyncContender):
    settings = SETTINGS
    distributions = ("SQLAlchemy", "asyncpg")

    async def open(self) -> None:
        from sqlalchemy import text
        from sqlalchemy.ext.asyncio import create_async_engine

        options: dict[str, Any] = {}
        if self.fast:
            options = {"isolation_level": "AUTOCOMMIT", "pool_reset_on_return": None}
        if self.safe:
            options |= {"pool_pre_ping": True, "pool_timeout": 2, "connect_args": ASYNCPG_BOUNDED}
        self.engine = create_async_engine(
            self.address.url("asyncpg"), pool_size=self.size, max_overflow=0, **options
        )
        self.text = text
        self.connection = self.engine.connect  # type: ignore[method-assign]
        for conn in [await self.engine.connect() for _ in range(self.size)]:
            await conn.close()

    def connection(self) -> AbstractAsyncContextManager[Any]:
        return self.engine.connect()  # type: ignore[no-any-return]

    async def rows(self, conn: Any, sql: str) -> Iterable[Any]:
        return (await conn.execute(self.text(sql))).fetchall()  # type: ignore[no-any-return]

    async def raw(self) -> Any:
        return await connect_asyncpg(self.address, safe=self.safe)

    async def raw_rows(self, conn: Any, sql: str) -> Iterable[Any]:
        return await conn.fetch(sql)  # type: ignore[no-any-return]

    async def close(self) -> None:
        await self.engine.dispose()
