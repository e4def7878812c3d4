"""A lease for asyncio; see ``_lease``."""

from __future__ import annotations

from asyncio import _get_running_loop
from typing import Any, final

from ._lease import BaseLease

__all__ = ["AsyncLease"]


@final
class AsyncLease(BaseLease):
    """What ``AsyncPool.connection`` answers: an async context manager that yields the driver's connection."""

    __slots__ = ()

    async def __aenter__(self) -> Any:
        if self._slot is not None:
            raise self._in_use()
        pool = self._pool
        if pool._marks:
            pool._refuse_if_late()
        slot = pool._take(pool._wall()) if _get_running_loop() is pool._loop else None
        if slot is None:
            slot = await pool._acquire(pool._until(self._timeout))
        self._slot = slot
        conn = slot.conn
        conn.leased = True
        if pool._marks:
            pool._mark(slot, conn)
            return pool._lent(self, slot, conn)
        return conn

    async def __aexit__(self, kind: object = None, error: object = None, traceback: object = None) -> None:
        slot = self._slot
        if slot is not None:
            self._slot = None
            owed = self._pool._return(slot)
            if owed is not None:
                await self._pool._end(slot, owed)
