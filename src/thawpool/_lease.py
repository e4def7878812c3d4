"""A lease: the time for which a borrower has a connection. Class-based, because a generator-based
context manager would cost as much as everything else on the fast path together.

The life of the lease object is the life of the lease: while it is alive the connection is the
borrower's; when it is lost to the garbage collector, its seat is freed and its connection closed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from .errors import LeaseError

if TYPE_CHECKING:
    from ._core.slot import Slot

__all__ = ["BaseLease", "Lease"]


class BaseLease:
    """What both kinds of lease share: the slot, and what happens when the lease itself is lost.

    A pool fills it in, since an ``__init__`` would cost as much as the decision whom to lend.
    """

    __slots__ = ("_conn", "_pool", "_slot", "_timeout")

    #: The connection, if only a stand-in (``debug``) keeps this lease alive.
    _conn: Any
    _pool: Any
    _slot: Slot | None
    _timeout: float | None

    def __del__(self) -> None:
        slot = self._slot
        if slot is not None:
            self._pool._leak(slot)

    def _in_use(self) -> LeaseError:
        return LeaseError("this lease is in use already; call pool.connection() for each `with` block")


@final
class Lease(BaseLease):
    """What ``Pool.connection`` answers: a context manager that yields the driver's connection."""

    __slots__ = ()

    def __enter__(self) -> Any:
        if self._slot is not None:
            raise self._in_use()
        pool = self._pool
        if pool._marks:
            pool._refuse_if_late()
        with pool._lock:
            slot = pool._take(pool._wall())
        if slot is None:
            slot = pool._acquire(pool._until(self._timeout))
        self._slot = slot
        conn = slot.conn
        conn.leased = True
        if pool._marks:
            pool._mark(slot, conn)
            return pool._lent(self, slot, conn)
        return conn

    def __exit__(self, kind: object = None, error: object = None, traceback: object = None) -> None:
        slot = self._slot
        if slot is not None:
            self._slot = None
            self._pool._return(slot)
