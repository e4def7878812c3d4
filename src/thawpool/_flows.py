"""The slow path, written once: acquire, release, warm, settle, close.

Theory of operation. Each flow is a coroutine over traps (``_traps``). Between two traps it runs
atomically, because its runner resumes it under the pool's lock or on the pool's one loop; so a flow
calls verbs of ``PoolState`` freely and never mentions a lock. An exception, a cancellation included,
arrives at the trap that was awaited. Every flow therefore has one duty: whatever it holds when it is
interrupted goes back to the state, and the interruption goes on. A cancelled flow ends cancelled.

What may never happen here: I/O, reading a clock other than ``pool._now()``, a log line, or a wait
without ``until``.
"""

from __future__ import annotations

from typing import Protocol

from ._core.policy import Instant
from ._core.slot import CHECKING, LEASED, Slot
from ._core.state import PoolState
from ._core.waiters import Waiter
from ._traps import Check, Dial, Park, Reset
from .errors import ConnectFailed, Overloaded, PoolTimeout

__all__ = ["Host", "acquire", "close", "release", "settle", "warm"]

#: The longest a probe may take. A healthy database answers within milliseconds, and behind a black
#: hole this is what the first request after a thaw pays.
PROBE_TIMEOUT = 0.5
#: The longest a reset may take before the connection is not worth saving.
RESET_TIMEOUT = 1.0
#: How often the end of an invocation looks whether what is under way has ended. A waiter that returns would wake costs
#: every return something.
SETTLE_STEP = 0.005
INFINITY = float("inf")


class Host(Protocol):
    """What a flow needs of the pool it runs for."""

    @property
    def _state(self) -> PoolState: ...

    @property
    def _connect_timeout(self) -> float: ...

    def _now(self) -> Instant: ...

    def _random(self) -> float: ...

    def _owes(self, *, leases: bool) -> bool:
        """Whether no invocation runs and yet a dial is under way, or with ``leases`` a lease."""
        ...

    def _timed_out(self, phase: str, until: float) -> PoolTimeout:
        """The explained error for a wait that ran out in ``phase``."""
        ...


async def acquire(pool: Host, until: float) -> Slot:
    """Get a leased slot before ``until``.

    Raises:
        PoolTimeout: the time ran out, waiting, connecting or checking.
        PoolSaturated: ``max_waiting`` requests wait already.
        PoolClosed: the pool is closed, or was while this waited.
        ConnectFailed: a dial failed and another would be no use, or came too late.
        Overloaded: the server has no slot left and this pool has none to share.
    """
    state = pool._state
    claim = state.claim(pool._now())
    try:
        while True:
            if isinstance(claim, Waiter):
                await Park(claim, min(until, state.wake_at(claim)))
                claim = state.woke(claim, pool._now())
                if isinstance(claim, Waiter) and pool._now().mono >= until:
                    raise pool._timed_out("waiting", until)
            elif claim.state is LEASED:
                return claim
            elif pool._now().mono >= until:
                raise pool._timed_out("checking" if claim.state is CHECKING else "connecting", until)
            elif claim.state is CHECKING:
                claim = await _check(pool, claim, until)
            else:
                claim = await _dial(pool, claim, until)
    except BaseException:
        state.cancel(claim, pool._now())
        raise


async def _check(pool: Host, slot: Slot, until: float) -> Slot | Waiter:
    """Look at a suspect and probe it; if it is dead, go on to the next best."""
    state = pool._state
    try:
        failure = await Check(slot, min(until, pool._now().mono + PROBE_TIMEOUT))
    except BaseException:
        state.failed(slot, "cancelled")  # a reply may still be on its way: never again
        raise
    if not failure:
        state.passed(slot, pool._now())
        return slot
    state.failed(slot, failure)
    if pool._now().mono >= until:
        raise pool._timed_out("checking", until)
    return state.again(slot, pool._now())


async def _dial(pool: Host, slot: Slot, until: float) -> Slot | Waiter:
    """Open a connection; on a failure that may pass, keep the place in the queue and try again."""
    state = pool._state
    ends = pool._now().mono + pool._connect_timeout
    try:
        conn = await Dial(slot, min(until, ends))
    except (ConnectFailed, Overloaded) as error:
        _dial_failed(pool, slot, error, until, ends)
        if not _worth_waiting(pool, error, until):
            raise
    else:
        state.opened(slot, conn, pool._now(), pool._random())
        return slot
    return state.again(slot, pool._now())


def _dial_failed(
    pool: Host, slot: Slot, error: ConnectFailed | Overloaded, until: float, ends: float
) -> None:
    """Tell the state that a dial failed, which had until ``ends`` but for its caller's own ``until``.

    Raises:
        PoolTimeout: the caller's time is up. That cut the dial short and says nothing of the server,
            so it is no outage, in which others would have to wait their turn.
    """
    state, now = pool._state, pool._now()
    if until < ends and now.mono >= until and isinstance(error, ConnectFailed) and error.transient:
        state.open_cut(slot, error.bare(), now)
    else:
        state.open_failed(slot, error.bare(), now, pool._random(), full=isinstance(error, Overloaded))
    if now.mono >= until:
        raise pool._timed_out("connecting", until) from error


def _worth_waiting(pool: Host, error: ConnectFailed | Overloaded, until: float) -> bool:
    """Whether a request whose dial failed may still be served before ``until``."""
    state = pool._state
    if isinstance(error, Overloaded):
        # Our own leases come back far sooner than a full server frees a slot.
        return any(slot.state is LEASED for slot in state.slots)
    # A pool that never had a connection has no reason to hope for one.
    return state.connected and error.transient and state.retry_at < until


async def release(pool: Host, slot: Slot, until: float = INFINITY) -> None:
    """Give a connection back after clearing what its borrower left behind.

    One that cannot be cleared before ``until``, when the borrower's time is up, is closed.
    """
    state = pool._state
    try:
        clean = await Reset(slot, min(until, pool._now().mono + RESET_TIMEOUT))
    except BaseException:
        state.retire(slot, "cancelled")
        raise
    if not clean:
        state.retire(slot, "dirty")
    elif slot.state is LEASED:
        now = pool._now()
        state.give(slot, now.wall, now.mono)


async def warm(pool: Host, target: int, until: float) -> int:
    """Open connections until ``target`` are open. Returns how many were opened.

    Raises:
        ConnectFailed, Overloaded, PoolTimeout, PoolClosed: as for ``acquire``.
    """
    state = pool._state
    opened = 0
    while (slot := state.reserve(target, pool._now())) is not None:
        ends = pool._now().mono + pool._connect_timeout
        try:
            if pool._now().mono >= until:
                raise pool._timed_out("connecting", until)
            conn = await Dial(slot, min(until, ends))
            state.opened(slot, conn, pool._now(), pool._random())
        except (ConnectFailed, Overloaded) as error:
            _dial_failed(pool, slot, error, until, ends)
            raise
        except BaseException:
            state.cancel(slot, pool._now())
            raise
        state.cancel(slot, pool._now())  # not a use
        opened += 1
    return opened


async def settle(pool: Host, until: float, *, leases: bool = True) -> None:
    """Wait for the dials and leases that are under way after the last invocation, or until the next one begins."""
    waiter = Waiter(0)
    while pool._owes(leases=leases) and (now := pool._now().mono) < until:
        await Park(waiter, min(until, now + SETTLE_STEP))


async def close(pool: Host, until: float) -> bool:
    """Shut the pool and wait for what is out to come back. Returns whether all did before ``until``."""
    state = pool._state
    closer = state.shut()
    while state.slots and pool._now().mono < until:
        await Park(closer, until)
    return not state.slots
