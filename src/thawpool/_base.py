"""What ``Pool`` and ``AsyncPool`` share: options, state, statistics, explanations, the end of an invocation.

Nothing here waits. What waits is in the shells, ``_sync`` and ``_async``, and in the flows they run.
"""

from __future__ import annotations

import os
import sys
import weakref
from typing import TYPE_CHECKING, Any, ClassVar

from . import _explain
from ._arguments import check_seconds, encodable
from ._asleep import Sleeper
from ._core.policy import Instant, Limits
from ._core.slot import CHECKING, GONE, LEASED, SUSPECT, Slot
from ._core.state import PoolState
from ._invocation import Invocation, deadline
from .clock import SystemClock, monotonic
from .config import PoolConfig
from .errors import ParamsError, PoolError, PoolTimeout
from .stats import PoolStats

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Unpack

    from ._option_types import PoolOptions
    from .drivers.base import Common, Verdict

__all__ = ["PoolBase"]

INFINITY = float("inf")

#: Every living pool, for the fork hook.
_pools: weakref.WeakSet[PoolBase] = weakref.WeakSet()


class PoolBase(Sleeper):
    """A pool of database connections that lives as a serverless function does.

    It opens nothing, starts nothing and imports no driver when it is made; all decisions are taken when
    a connection is leased and when it is returned. At most ``max_size`` connections are open or being
    opened at any time.

    Args:
        url: the database. None: ``DATABASE_URL``, ``POSTGRES_URL`` or ``MYSQL_URL`` of the environment,
            read at first use.
        **options: see ``docs/options.md``; all have defaults made for serverless functions.

    Raises:
        ConfigError: an option that is unknown or out of range. What is wrong with the URL or the
            driver shows at first use, as a ``ConfigError`` too.
    """

    _is_async: ClassVar[bool]
    #: Whether leases are to be marked at all; the fast path looks at nothing else. Once there was an invocation they are,
    #: in every pool and for good: what it left behind goes on with its deadline, and one request may use two pools.
    _marks = False
    _driver: Common | None
    _verdict: Callable[[Any], Verdict]

    def __init__(self, url: str | None = None, **options: Unpack[PoolOptions]) -> None:
        self._config = config = PoolConfig.make(url, is_async=self._is_async, **options)
        self.name = config.name or "thawpool"
        self._connect_timeout = config.connect_timeout
        clock = config.clock or SystemClock()
        self._wall = clock.wall
        self._mono = clock.mono
        self._driver = None
        #: Leases that the garbage collector found; appending is atomic, so a finalizer needs no lock.
        self._leaked: list[Slot] = []
        self._invocations = set()
        self._reported = {}
        if config.debug:
            self._marks = True
        self._waits = 0
        self._wait_seconds = 0.0
        self._adopt(PoolState(self._limits()))
        _pools.add(self)

    def _limits(self) -> Limits:
        config = self._config
        return Limits(
            max_size=config.max_size,
            trust_window=config.trust_window,
            idle_timeout=config.idle_timeout,
            max_lifetime=INFINITY if config.max_lifetime is None else config.max_lifetime,
            max_uses=INFINITY if config.max_uses is None else config.max_uses,
            max_waiting=INFINITY if config.max_waiting is None else config.max_waiting,
        )

    def _adopt(self, state: PoolState) -> None:
        """Work on this state; its hottest verbs are bound once."""
        self._state = state
        self._take = state.take
        self._give = state.give
        self._retire = state.retire

    def __repr__(self) -> str:
        stats = self._count()
        return (
            f"<{type(self).__name__} {self.name!r} max_size={stats.max_size} idle={stats.idle} "
            f"used={stats.used} opening={stats.opening} waiting={stats.waiting}>"
        )

    # -- time ------------------------------------------------------------------------------------

    def _now(self) -> Instant:
        """One reading of both of the pool's clocks."""
        return Instant(self._wall(), self._mono())

    def _until(self, timeout: float | None) -> float:
        """The absolute end of a wait: the option or the argument, clipped to the invocation."""
        if timeout is None:
            timeout = self._config.timeout
        else:
            check_seconds("timeout", timeout)
        return min(self._mono() + timeout, deadline.get())

    def _refuse_if_late(self) -> None:
        """Begin nothing after the end of the invocation: a trusted connection would go into it, and not come back.

        Raises:
            PoolTimeout: it is over.
        """
        if deadline.get() <= self._mono():
            self._state.counts["timeouts"] += 1
            raise _explain.too_late()

    @staticmethod
    def _random() -> float:
        """A number in [0, 1) for jitter. No generator keeps state: forks and restored snapshots would share it."""
        return int.from_bytes(os.urandom(4)) / 2**32

    # -- the driver ------------------------------------------------------------------------------

    def _load(self) -> Any:
        """Find out where to connect and load the driver: at first use, never at construction."""
        from .drivers import load

        target = self._config.resolve_target(is_async=self._is_async)
        driver = load(target, self._config, is_async=self._is_async)
        self._connect_timeout = target.connect_timeout
        self._verdict = driver.verdict
        self._driver = driver
        return driver

    # -- numbers and words -----------------------------------------------------------------------

    def _count(self) -> PoolStats:
        """The numbers of this moment. Threads call it under the lock."""
        state = self._state
        states = [slot.state for slot in tuple(state.slots)]
        counts = state.counts
        return PoolStats(
            max_size=state.max_size,
            total=len(states),
            idle=len(state.idle),
            used=states.count(LEASED),
            opening=state.opening,
            suspect=states.count(SUSPECT) + states.count(CHECKING),
            waiting=len(state.waiters),
            opened=counts["opened"],
            open_failed=counts["open_failed"],
            retired=dict(state.retired),
            thaws=counts["thaws"],
            checks=counts["checks"],
            timeouts=counts["timeouts"],
            waits=self._waits,
            wait_seconds=self._wait_seconds,
        )

    def _timed_out(self, phase: str, until: float) -> PoolTimeout:
        """Explain a lease that was not had in time."""
        state = self._state
        state.counts["timeouts"] += 1
        taken = [slot.where for slot in state.slots if slot.where and slot.state is LEASED]
        late = until >= deadline.get()
        return _explain.no_connection(self._count(), phase, state.last_error, taken, invocation=late)

    # -- events ----------------------------------------------------------------------------------

    def _report(self, events: list[tuple[str, str]]) -> None:
        """Log what happened and tell the observer; called outside of the lock."""
        # Where nobody has loaded logging nobody hears of debugging, and a cold start is spared it.
        log = sys.modules["logging"].getLogger("thawpool") if "logging" in sys.modules else None
        observer = self._config.observer
        for event, detail in events:
            if log is not None:
                log.debug("%s: %s %s", self.name, event, detail)
            if observer is not None:
                self._tell(event, detail) if detail else self._tell(event)

    def _waited(self, since: float) -> None:
        seconds = max(0.0, self._mono() - since)
        self._waits += 1
        self._wait_seconds += seconds
        if self._config.observer is not None:
            self._tell("waited", seconds)

    def _flush(self) -> None:
        if hasattr(self._config.observer, "flush"):
            self._tell("flush")

    def _tell(self, event: str, *about: object) -> None:
        """Tell the observer, whose mistakes go no further."""
        try:
            getattr(self._config.observer, event)(self.name, *about)
        except Exception:
            import logging

            logging.getLogger("thawpool").exception("%s: the observer failed at %r", self.name, event)

    # -- marks: what is written on a lease in an invocation, or with ``debug`` ---------------------

    @staticmethod
    def _mark_from_now_on() -> None:
        PoolBase._marks = True

    def _mark(self, slot: Slot, conn: Any) -> None:
        """Note where a lease was taken and when its invocation ends."""
        slot.where = _explain.caller()
        end = deadline.get()
        if end < INFINITY:
            conn.until = self._real(end)

    def _lent(self, lease: Any, slot: Slot, conn: Any) -> Any:
        """What a borrower gets: the connection, or with ``debug`` a stand-in that ends with the lease."""
        if not self._config.debug:
            return conn
        from ._debug import stand_in

        return stand_in(lease, conn, slot.where)

    def _real(self, until: float) -> float:
        """A time of this pool's clock as one of the real clock, which drivers wait by."""
        return monotonic() + (until - self._mono())

    def _unreal(self, until: float) -> float:
        """A time of the real clock as one of this pool's clock."""
        return self._mono() + (until - monotonic())

    def _hold(self, lease: Any, lent: Any) -> Any:
        """From here on what was lent is all that keeps its lease alive: losing one loses both."""
        slot = lease._slot
        conn, slot.conn = slot.conn, None
        slot.lent = weakref.ref(conn)
        if lent is conn:
            conn.holder = lease
        else:
            lease._conn = conn  # the stand-in of ``debug`` holds the lease
        return lent

    def _unhold(self, lent: Any) -> Any:
        """The lease of a connection that ``putconn`` gives back."""
        if self._config.debug:
            from ._debug import LeasedConnection

            if issubclass(type(lent), LeasedConnection):
                lease = self._ours(LeasedConnection.lease_of(lent))
                conn = getattr(lease, "_conn", None)
                if conn is None:  # it is the connection of a `with` block, which gives it back itself
                    raise _explain.not_out_on_lease(self.name)
                lease._slot.conn, lease._conn = conn, None
                return lease
        lease = self._ours(getattr(lent, "holder", None))
        lent.holder = None
        lease._slot.conn = lent
        return lease

    def _ours(self, lease: Any) -> Any:
        if lease is None or lease._slot is None or lease._pool is not self:
            raise _explain.not_out_on_lease(self.name)
        return lease

    @staticmethod
    def _lent_by(slot: Slot) -> Any:
        """The connection of a slot, also one that its borrower alone holds; None once it is lost."""
        return slot.lent() if slot.conn is None and slot.lent is not None else slot.conn

    # -- statements ------------------------------------------------------------------------------

    def _statement_ends(self, sql: str, params: object, timeout: float | None) -> tuple[float, float]:
        """Until when a statement may wait for its connection, and until when (real clock) it may run."""
        if not isinstance(sql, str):
            raise ParamsError(f"sql must be a string, not {type(sql).__name__}")
        if "\0" in sql or not (sql.isascii() or encodable(sql)):
            raise ParamsError("sql holds a NUL or half of a surrogate pair, which no server can be sent")
        if isinstance(params, (str, bytes, bytearray)):
            raise ParamsError("params is a bare string: a sequence of parameters is meant, so write (value,)")
        if self._marks:
            self._refuse_if_late()
        wait_until = self._until(timeout)
        end = deadline.get() if timeout is None else wait_until
        return wait_until, self._real(end) if end < INFINITY else INFINITY

    def _raise_if_lost(self, error: BaseException, lost: bool) -> None:
        """Raise ``ConnectionLost`` if that is what a statement's error means.

        No caller keeps the error in a variable: the cycle with its frame would keep the connection alive.
        """
        if lost and isinstance(error, Exception) and not isinstance(error, PoolError):
            why = self._driver.explain(error)  # type: ignore[union-attr]
            raise _explain.connection_lost(error, why) from error

    def _repeatable(self, error: BaseException, idempotent: bool) -> bool:
        """Whether a statement whose connection was lost may run again, once.

        One whose caller gave up or whose time ran out is over, repeatable or not.
        """
        if not isinstance(error, Exception) or isinstance(error, PoolError):
            return False
        return idempotent or self._driver.unsent(error)  # type: ignore[union-attr]

    # -- invocations -----------------------------------------------------------------------------

    def invocation(self, remaining: float | Callable[[], float] | None = None) -> Invocation:
        """One request of a serverless function: a context manager, for ``with`` and ``async with``.

        Within it every wait and statement ends before the invocation does, less a margin of 0.1 s or 2 %.
        Several may overlap. When the last one ends the instance may be frozen, so then the pool lies down: it
        closes idle connections that are too old and those beyond ``keep`` (at least ``min_size``), reports
        a connection still out on lease with the line that took it, and calls the observer's ``flush``.

        On a platform that freezes, dials and leases that are still under way then, as of a task that was left
        behind, are waited for first, for ``timeout`` at most: after the response where the platform
        can do that (Vercel with its package ``vercel``), else by ``async with``. Without either,
        ``with`` waits for dials alone in threads, and for nothing in asyncio.

        Args:
            remaining: the seconds that the invocation has left, as a number or a function that
                tells. None: what the platform says, and no limit where it says nothing.

        Raises:
            ConfigError: on entry, if ``remaining`` is no number of seconds.
            PoolError: on entry, if this very object is entered already.
        """
        return Invocation(self, remaining)

    # -- fork ------------------------------------------------------------------------------------

    def _forked(self) -> None:
        """In a child process: forget what belongs to the parent without a word on its sockets."""
        slots, driver = self._state.slots, self._driver
        self._invocations.clear()  # those of the parent's other threads do not go on here
        self._renew("forked")
        for slot in slots:
            conn = self._lent_by(slot)
            if conn is not None and driver is not None:
                driver.abandon(conn)

    def _renew(self, why: str) -> None:
        """Start afresh: what was open is no longer ours to use, and who waited no longer exists."""
        old = self._state
        self._leaked = []
        for slot in old.slots:
            slot.state = GONE
        state = PoolState(self._limits())
        state.max_size, state.closed = old.max_size, old.closed
        state.counts, state.retired = old.counts, old.retired
        state.counts["thaws"] += 1
        state.retired[why] += len(old.slots)
        state.events.append(("thawed", why))
        self._adopt(state)


def _after_fork_in_child() -> None:
    for pool in tuple(_pools):
        pool._forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
