"""thawpool: a pool at its defaults, always; ``safe`` is a time-out that a call of ``query`` is given."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from functools import partial
from typing import Any

from .asyncpg import connect_asyncpg
from .base import AsyncContender, Settings, SyncContender
from .psycopg_pool import connect_psycopg, connect_psycopg_async

__all__ = [
    "ThawpoolAsyncpg",
    "ThawpoolAsyncpgQuery",
    "ThawpoolPsycopg",
    "ThawpoolPsycopgAsync",
    "ThawpoolQuery",
]


class ThawpoolPsycopg(SyncContender):
    """``with pool.connection() as conn: conn.execute(sql).fetchall()``."""

    settings = Settings(default="Pool(url)")
    distributions = ("thawpool", "psycopg")

    def open(self) -> None:
        from thawpool import Pool

        self.pool = Pool(self.address.url(), max_size=self.size)
        self.connection = self.pool.connection  # type: ignore[method-assign]

    def connection(self) -> AbstractContextManager[Any]:
        return self.pool.connection()

    def rows(self, conn: Any, sql: str) -> Iterable[Any]:
        return conn.execute(sql).fetchall()  # type: ignore[no-any-return]

    def raw(self) -> Any:
        return connect_psycopg(self.address, safe=False)

    def close(self) -> None:
        self.pool.close()


class ThawpoolQuery(ThawpoolPsycopg):
    """``pool.query(sql)``, which answers with dicts."""

    settings = Settings(default="pool.query(sql)", safe="pool.query(sql, timeout=2)")

    def open(self) -> None:
        super().open()
        if self.safe:
            self.request = partial(self.pool.query, timeout=2)  # type: ignore[method-assign]

    def request(self, sql: str) -> Iterable[Any]:
        return self.pool.query(sql)

    def raw_rows(self, conn: Any, sql: str) -> Iterable[Any]:
        from psycopg.rows import dict_row

        return conn.cursor(row_factory=dict_row).execute(sql).fetchall()  # type: ignore[no-any-return]


class ThawpoolPsycopgAsync(AsyncContender):
    """The same for asyncio."""

    settings = Settings(default="AsyncPool(url)")
    distributions = ("thawpool", "psycopg")
    driver = ""

    async def open(self) -> None:
        from thawpool import AsyncPool

        self.pool = AsyncPool(self.address.url(self.driver), max_size=self.size)
        self.connection = self.pool.connection  # type: ignore[method-assign]

    def connection(self) -> AbstractAsyncContextManager[Any]:
        return self.pool.connection()

    async def rows(self, conn: Any, sql: str) -> Iterable[Any]:
        return await (await conn.execute(sql)).fetchall()  # type: ignore[no-any-return]

    async def raw(self) -> Any:
        return await connect_psycopg_async(self.address, safe=False)

    async def close(self) -> None:
        await self.pool.close()


class ThawpoolAsyncpg(ThawpoolPsycopgAsync):
    """``async with pool.connection() as conn: await conn.fetch(sql)``."""

    settings = Settings(default="AsyncPool('postgresql+asyncpg://...')")
    distributions = ("thawpool", "asyncpg")
    driver = "asyncpg"

    async def rows(self, conn: Any, sql: str) -> Iterable[Any]:
        return await conn.fetch(sql)  # type: ignore[no-any-return]

    async def raw(self) -> Any:
        return await connect_asyncpg(self.address, safe=False)


class ThawpoolAsyncpgQuery(ThawpoolAsyncpg):
    """``await pool.query(sql)``, which answers with dicts."""

    settings = Settings(default="await pool.query(sql)", safe="await pool.query(sql, timeout=2)")

    async def open(self) -> None:
        await super().open()
        if self.safe:
            self.request = partial(self.pool.query, timeout=2)  # type: ignore[method-assign]

    async def request(self, sql: str) -> Iterable[Any]:
        return await self.pool.query(sql)

    async def raw_rows(self, conn: Any, sql: str) -> Iterable[Any]:
        return [dict(row) for row in await conn.fetch(sql)]
