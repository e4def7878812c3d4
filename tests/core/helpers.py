"""A state, a clock that only tests move, and the moves they make most."""

from __future__ import annotations

from typing import Any

from thawpool._core.audit import audit
from thawpool._core.policy import Instant, Limits
from thawpool._core.slot import Slot
from thawpool._core.state import PoolState
from thawpool._core.waiters import Waiter

#: Half way through every range of jitter.
HALF = 0.5


def at(seconds: float, *, wall: float | None = None) -> Instant:
    """That long after the start: by both clocks, or by the wall clock as told."""
    return Instant(10_000.0 + (seconds if wall is None else wall), 100.0 + seconds)


T0 = at(0.0)


def make(max_size: int = 2, **limits: Any) -> PoolState:
    return PoolState(Limits(max_size=max_size, **limits))


def slot_of(claim: Slot | Waiter) -> Slot:
    assert isinstance(claim, Slot), "the request has to wait"
    return claim


def waiter_of(claim: Slot | Waiter) -> Waiter:
    assert isinstance(claim, Waiter), "the request was served"
    return claim


def wait(state: PoolState, now: Instant = T0) -> Waiter:
    """Claim, find nothing, and fall asleep."""
    waiter = waiter_of(state.claim(now))
    state.wake_at(waiter)
    return waiter


def lease(state: PoolState, now: Instant = T0) -> Slot:
    """Claim, dial, and have it."""
    slot = slot_of(state.claim(now))
    state.opened(slot, object(), now, 0.0)
    audit(state)
    return slot


def rest(state: PoolState, count: int, now: Instant = T0) -> list[Slot]:
    """Open that many and give them back; the last of the list was given back last."""
    slots = [lease(state, now) for _ in range(count)]
    for slot in slots:
        give(state, slot, now)
    return slots


def give(state: PoolState, slot: Slot, now: Instant = T0) -> None:
    state.give(slot, now.wall, now.mono)
    audit(state)


def close_doomed(state: PoolState, now: Instant = T0) -> list[Slot]:
    """What the shell does after every step; returns what was closed."""
    closed = []
    while state.doomed:
        slot = state.doomed.popleft()
        state.gone(slot, now)
        closed.append(slot)
    audit(state)
    return closed


def outage(state: PoolState, now: Instant = T0) -> None:
    """The pool has had a connection, has none now, and a dial has just failed."""
    slot = lease(state, now)
    state.retire(slot, "lost")
    close_doomed(state, now)
    state.open_failed(slot_of(state.claim(now)), OSError("refused"), now, HALF)
    audit(state)
