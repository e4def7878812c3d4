"""thawpool: a pool at its defaults, always; ``safe`` is a time-out that a call of ``query`` is given."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from functools import partial
from typing import Any

from .base import AsyncContender, Settings, SyncContender
from .drivers import Driver, Fetch

__all__ = ["AsyncThawpool", "AsyncThawpoolQuery", "Thawpool", "ThawpoolQuery", "url_words"]

#: The drivers that a URL need not name.
UNNAMED = ("psycopg", "pymysql", "asyncmy")


def url_words(pool: str, driver: Driver) -> Settings:
    """How such a pool is made."""
    plain = "url" if driver.name in UNNAMED else f"'{driver.server}+{driver.name}://...'"
    return Settings(default=f"{pool}({plain})")


class Thawpool(SyncContender):
    """A connection is leased, and has the driver's own cursors."""

    distributions = ("thawpool",)

    def open(self) -> None:
        from thawpool import Pool

        self.pool = Pool(self.address.url(self.driver.name), max_size=self.size)
        self.connection = self.pool.connection  # type: ignore[method-assign]

    def connection(self) -> AbstractContextManager[Any]:
        return self.pool.connection()

    def close(self) -> None:
        self.pool.close()


class ThawpoolQuery(Thawpool):
    """``pool.query(sql)``, which answers with dicts."""

    settings = Settings(default="pool.query(sql)", safe="pool.query(sql, timeout=2)")

    def open(self) -> None:
        super().open()
        self.dicts: Fetch = self.driver.dicts()
        if self.safe:
            self.request = partial(self.pool.query, timeout=2)  # type: ignore[method-assign]

    def request(self, sql: str) -> Iterable[Any]:
        return self.pool.query(sql)

    def raw_rows(self, conn: Any, sql: str) -> Iterable[Any]:
        return self.dicts(conn, sql)  # type: ignore[no-any-return]


class AsyncThawpool(AsyncContender):
    """The same for asyncio."""

    distributions = ("thawpool",)

    async def open(self) -> None:
        from thawpool import AsyncPool

        self.pool = AsyncPool(self.address.url(self.driver.name), max_size=self.size)
        self.connection = self.pool.connection  # type: ignore[method-assign]

    def connection(self) -> AbstractAsyncContextManager[Any]:
        return self.pool.connection()

    async def close(self) -> None:
        await self.pool.close()


class AsyncThawpoolQuery(AsyncThawpool):
    """``await pool.query(sql)``, which answers with dicts."""

    settings = Settings(default="await pool.query(sql)", safe="await pool.query(sql, timeout=2)")

    async def open(self) -> None:
        await super().open()
        self.dicts: Fetch = self.driver.dicts()
        if self.safe:
            self.request = partial(self.pool.query, timeout=2)  # type: ignore[method-assign]

    async def request(self, sql: str) -> Iterable[Any]:
        return await self.pool.query(sql)

    async def raw_rows(self, conn: Any, sql: str) -> Iterable[Any]:
        return await self.dicts(conn, sql)  # type: ignore[no-any-return]
