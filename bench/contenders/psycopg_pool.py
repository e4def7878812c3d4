"""psycopg_pool, the pool of psycopg's own authors."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any

from .base import AsyncContender, Settings, SyncContender
from .drivers import PSYCOPG, PSYCOPG_ASYNC

__all__ = ["BOUNDED", "PsycopgPool", "PsycopgPoolAsync"]

#: What bounds a psycopg connection's own waits.
BOUNDED: dict[str, Any] = {
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


class PsycopgPool(SyncContender):
    driver = PSYCOPG
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

    def close(self) -> None:
        self.pool.close()


class PsycopgPoolAsync(AsyncContender):
    driver = PSYCOPG_ASYNC
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

    async def close(self) -> None:
        await self.pool.close()
