"""The slow path, written once: acquire, release, warm, close.

Theory of operation. Each flow is a coroutine over traps (``_traps``). Between two traps it runs
atomically, because its runner resumes it under the pool's lock or on the pool's one loop; so a flow
calls verbs of ``PoolState`` freely and never mentions a lock. An exception, a cancellation included,
arrives at the trap that was awaited. Every flow therefore has one duty: whatever it holds when it is
interrupted goes back to the state, and the interruption goes on. A cancelled flow ends cancelled.

What may never happen here: I/O, reading a clock other than ``pool.now()``, a log line, or a wait
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

__all__ = ["Host", "acquire", "close", "release", "warm"]

#: The longest a probe may take. A healthy database answers within milliseconds, and behind a black
#: hole this is what the first request after a thaw pays.
PROBE_TIMEOUT = 0.5
#: The longest a reset may take before the connection is not worth saving.
RESET_TIMEOUT = 1.0
INFINITY = float("inf")


class Host(Protocol):
    """What a flow needs of the pool it runs for."""

    @property
    def state(self) -> PoolState: ...

    @property
    def connect_timeout(self) -> float: ...

    def now(self) -> Instant: ...

    def random(self) -> float: ...

    def timed_out(self, phase: str, until: float) -> PoolTimeout:
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
    state = pool.state
    claim = state.claim(pool.now())
    try:
        while True:
            if isinstance(claim, Waiter):
                await Park(claim, min(until, state.wake_at(claim)))
                claim = state.woke(claim, pool.now())
                if isinstance(claim, Waiter) and pool.now().mono >= until:
                    raise pool.timed_out("waiting", until)
            elif claim.state is LEASED:
                return claim
            elif pool.now().mono >= until:
                raise pool.timed_out("checking" if claim.state is CHECKING else "connecting", until)
            elif claim.state is CHECKING:
                claim = await _check(pool, claim, until)
            else:
                claim = await _dial(pool, claim, until)
    except BaseException:
        state.cancel(claim, pool.now())
        raise


async def _check(pool: Host, slot: Slot, until: float) -> Slot | Waiter:
    """Look at a suspect and probe it; if it is dead, go on to the next best."""
    state = pool.state
    try:
        failure = await Check(slot, min(until, pool.now().mono + PROBE_TIMEOUT))
    except BaseException:
        state.failed(slot, "cancelled")  # a reply may still be on its way: never again
        raise
    if not failure:
        state.passed(slot, pool.now())
        return slot
    state.failed(slot, failure)
    if pool.now().mono >= until:
        raise pool.timed_out("checking", until)
    return state.again(slot, pool.now())


async def _dial(pool: Host, slot: Slot, until: float) -> Slot | Waiter:
    """Open a connection; on a failure that may pass, keep the place in the queue and try again."""
    state = pool.state
    ends = pool.now().mono + pool.connect_timeout
    try:
        conn = await Dial(slot, min(until, ends))
    except (ConnectFailed, Overloaded) as error:
        _dial_failed(pool, slot, error, until, ends)
        if not _worth_waiting(pool, error, until):
            raise
    else:
        state.opened(slot, conn, pool.now(), pool.random())
        return slot
    return state.again(slot, pool.now())


def _dial_failed(
    pool: Host, slot: Slot, error: ConnectFailed | Overloaded, until: float, ends: float
) -> None:
    """Tell the state that a dial failed, which had until ``ends`` but for its caller's own ``until``.

    Raises:
        PoolTimeout: the caller's time is up. That cut the dial short and says nothing of the server,
            so it is no outage, in which others would have to wait their turn.
    """
    state, now = pool.state, pool.now()
    if until < ends and now.mono >= until and isinstance(error, ConnectFailed) and error.transient:
        state.open_cut(slot, error.bare(), now)
    else:
        state.open_failed(slot, error.bare(), now, pool.random(), full=isinstance(error, Overloaded))
    if now.mono >= until:
        raise pool.timed_out("connecting", until) from error


def _worth_waiting(pool: Host, error: ConnectFailed | Overloaded, until: float) -> bool:
    """Whether a request whose dial failed may still be served before ``until``."""
    state = pool.state
    if isinstance(error, Overloaded):
        # Our own leases come back far sooner than a full server frees a slot.
        return any(slot.state is LEASED for slot in state.slots)
    # A pool that never had a connection has no reason to hope for one.
    return state.connected and error.transient and state.retry_at < until


async def release(pool: Host, slot: Slot, until: float = INFINITY) -> None:
    """Give a connection back after clearing what its borrower left behind.

    One that cannot be cleared before ``until``, when the borrower's time is up, is closed.
    """
    state = pool.state
    try:
        clean = await Reset(slot, min(until, pool.now().mono + RESET_TIMEOUT))
    except BaseException:
        state.retire(slot, "cancelled")
        raise
    if not clean:
        state.retire(slot, "dirty")
    elif slot.state is LEASED:
        now = pool.now()
        state.give(slot, now.wall, now.mono)


async def warm(pool: Host, target: int, until: float) -> int:
    """Open connections until ``target`` are open. Returns how many were opened.

    Raises:
        ConnectFailed, Overloaded, PoolTimeout, PoolClosed: as for ``acquire``.
    """
    state = pool.state
    opened = 0
    while (slot := state.reserve(target, pool.now())) is not None:
        ends = pool.now().mono + pool.connect_timeout
        try:
            if pool.now().mono >= until:
                raise pool.timed_out("connecting", until)
            conn = await Dial(slot, min(until, ends))
            state.opened(slot, conn, pool.now(), pool.random())
        except (ConnectFailed, Overloaded) as error:
            _dial_failed(pool, slot, error, until, ends)
            raise
        except BaseException:
            state.cancel(slot, pool.now())
            raise
        state.cancel(slot, pool.now())  # not a use
        opened += 1
    return opened


async def close(pool: Host, until: float) -> bool:
    """Shut the pool and wait for what is out to come back. Returns whether all did before ``until``."""
    state = pool.state
    closer = state.shut()
    while state.slots and pool.now().mono < until:
        await Park(closer, until)
    return not state.slots
