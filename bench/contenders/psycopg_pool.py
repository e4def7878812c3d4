"""psycopg_pool, the pool of psycopg's own authors."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any

from .base import Address, AsyncContender, Settings, SyncContender

__all__ = ["PsycopgPool", "PsycopgPoolAsync", "connect_psycopg", "connect_psycopg_async"]

#: What bounds a psycopg connection's own waits.
BOUNDED = {
    "connect_timeout": 2,
    "keepalives_idle": 1,
    "keepalives_interval": 1,
    "keepalives_count": 2,
    "tcp_user_timeout": 2000,
}
SETTINGS = Settings(
    default="a transaction around each lease",
    fast="kwargs={'autocommit': True}",
    safe="autocommit, check=check_connection, timeout=2, connect_timeout=2, keepalives, tcp_user_timeout=2000",
)


def connect_psycopg(address: Address, *, safe: bool) -> Any:
    import psycopg

    return psycopg.connect(address.url(), autocommit=True, **(BOUNDED if safe else {}))  # type: ignore[arg-type]


async def connect_psycopg_async(address: Address, *, safe: bool) -> Any:
    import psycopg

    options: dict[str, Any] = BOUNDED if safe else {}
    return await psycopg.AsyncConnection.connect(address.url(), autocommit=True, **options)


class PsycopgPool(SyncContender):
    settings = SETTINGS
    distributions = ("psycopg-pool", "psycopg")

    def open(self) -> None:
        from psycopg_pool import ConnectionPool

        options = {"check": ConnectionPool.check_connection, "timeout": 2} if self.safe else {}
        kwargs = {**({"autocommit": True} if self.fast else {}), **(BOUNDED if self.safe else {})}
        self.pool = ConnectionPool(
            self.address.url(), min_size=self.size, max_size=self.size, open=False, kwargs=kwargs, **options
        )
        self.pool.open(wait=True)
        self.connection = self.pool.connection  # type: ignore[method-assign]

    def connection(self) -> AbstractContextManager[Any]:
        return self.pool.connection()  # type: ignore[no-any-return]

    def rows(self, conn: Any, sql: str) -> Iterable[Any]:
        return conn.execute(sql).fetchall()  # type: ignore[no-any-return]

    def raw(self) -> Any:
        return connect_psycopg(self.address, safe=self.safe)

    def close(self) -> None:
        self.pool.close()


class PsycopgPoolAsync(AsyncContender):
    settings = SETTINGS
    distributions = ("psycopg-pool", "psycopg")

    async def open(self) -> None:
        from psycopg_pool import AsyncConnectionPool

        options = {"check": AsyncConnectionPool.check_connection, "timeout": 2} if self.safe else {}
        kwargs = {**({"autocommit": True} if self.fast else {}), **(BOUNDED if self.safe else {})}
        self.pool = AsyncConnectionPool(
            self.address.url(), min_size=self.size, max_size=self.size, open=False, kwargs=kwargs, **options
        )
        await self.pool.open(wait=True)
        self.connection = self.pool.connection  # type: ignore[method-assign]

    def connection(self) -> AbstractAsyncContextManager[Any]:
        return self.pool.connection()  # type: ignore[no-any-return]

    async def rows(self, conn: Any, sql: str) -> Iterable[Any]:
        return await (await conn.execute(sql)).fetchall()  # type: ignore[no-any-return]

    async def raw(self) -> Any:
        return await connect_psycopg_async(self.address, safe=self.safe)

    async def close(self) -> None:
        await self.pool.close()
