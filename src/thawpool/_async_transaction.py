"""Transactions as ``async with`` blocks. The decisions are ``BaseTransaction``'s."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from ._flows import RESET_TIMEOUT
from ._transaction import BaseTransaction
from .drivers.base import Sight

if TYPE_CHECKING:
    from ._async_lease import AsyncLease
    from ._async_runner import AsyncRunner
    from .drivers.base import Params, Row

__all__ = ["AsyncTransaction"]


@final
class AsyncTransaction(BaseTransaction):
    """What ``AsyncPool.transaction`` answers and its block yields."""

    __slots__ = ()
    _pool: AsyncRunner
    _lease: AsyncLease

    async def __aenter__(self) -> AsyncTransaction:
        self._refuse_reuse()
        pool = self._pool
        for last in (False, True):
            conn = await self._lease.__aenter__()
            driver = pool._driver
            assert driver is not None
            try:
                await pool._watched(conn, driver.begin(conn, *self._options))
            except BaseException as error:
                lost = driver.lost(conn)
                await self._lease.__aexit__()
                if last or not self._begin_again(error, lost):
                    pool._raise_if_lost(error, lost)
                    raise
            else:
                self._began(conn)
                break
        return self

    async def __aexit__(self, exc_type: type[BaseException] | None, *exc: object) -> None:
        conn, driver = self._conn, self._pool._driver
        assert driver is not None
        try:
            if exc_type is None:
                if not await self._call(driver.commit, conn):
                    raise self._rolled_back()
            elif driver.in_transaction(conn) and driver.look(conn) is not Sight.GONE:
                try:
                    await driver.rollback(conn, RESET_TIMEOUT)
                except Exception:
                    pass  # the block's own exception matters; the lease retires the connection
        finally:
            self._conn = None
            await self._lease.__aexit__()

    async def _call(self, verb: Any, conn: Any, *args: Any) -> Any:
        try:
            return await self._pool._watched(conn, verb(conn, *args))
        except BaseException as error:
            self._pool._raise_if_lost(error, self._pool._driver.lost(conn))  # type: ignore[union-attr]
            raise
        finally:
            conn.until = self._until  # the timeout of one statement does not bind the next

    async def query(
        self,
        sql: str,
        params: Params | None = None,
        *,
        timeout: float | None = None,
        idempotent: bool = False,
    ) -> list[Row]:
        """As ``AsyncPool.query``, in this transaction, where nothing is ever repeated, ``idempotent`` or not."""
        conn = self._limit(sql, params, timeout)
        return await self._call(self._pool._driver.fetch, conn, sql, params)  # type: ignore[union-attr,no-any-return]

    async def query_one(
        self,
        sql: str,
        params: Params | None = None,
        *,
        timeout: float | None = None,
        idempotent: bool = False,
    ) -> Row | None:
        """As ``AsyncPool.query_one``, in this transaction."""
        rows = await self.query(sql, params, timeout=timeout)
        return rows[0] if rows else None

    async def execute(
        self,
        sql: str,
        params: Params | None = None,
        *,
        timeout: float | None = None,
        idempotent: bool = False,
    ) -> int:
        """As ``AsyncPool.execute``, in this transaction."""
        conn = self._limit(sql, params, timeout)
        return await self._call(self._pool._driver.execute, conn, sql, params)  # type: ignore[union-attr,no-any-return]
