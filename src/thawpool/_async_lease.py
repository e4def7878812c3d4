"""A lease for asyncio; see ``_lease``."""

from __future__ import annotations

from asyncio import _get_running_loop
from typing import TYPE_CHECKING, Any, final

from ._lease import BaseLease

if TYPE_CHECKING:
    from ._async_runner import AsyncRunner

__all__ = ["AsyncLease"]


@final
class AsyncLease(BaseLease):
    """What ``AsyncPool.connection`` answers: an async context manager that yields the driver's connection."""

    __slots__ = ()

    def __init__(self, pool: AsyncRunner, timeout: float | None) -> None:
        self._pool = pool
        self._timeout = timeout
        self._slot = None

    async def __aenter__(self) -> Any:
        if self._slot is not None:
            raise self._in_use()
        pool = self._pool
        slot = pool._take(pool._wall()) if _get_running_loop() is pool._loop else None
        if slot is None:
            slot = await pool._acquire(pool._until(self._timeout))
        self._slot = slot
        self._conn = conn = slot.conn
        conn.leased = True
        if pool._marks:
            pool._mark(slot, conn)
            return pool._lent(self, slot, conn)
        return conn

    async def __aexit__(self, *exc: object) -> None:
        slot = self._slot
        if slot is not None:
            conn, self._slot, self._conn = self._conn, None, None
            pool = self._pool
            owed = pool._return(slot, conn)
            if owed is not None:
                await pool._end(slot, conn, owed)
