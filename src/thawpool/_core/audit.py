"""The invariants of a pool, checked from outside: after every step of every test and simulation."""

from __future__ import annotations

from .slot import CHECKING, CLOSING, IDLE, LEASED, OPENING, SUSPECT, SlotState
from .state import PoolState

__all__ = ["audit"]


def audit(state: PoolState) -> None:
    """Raise AssertionError, naming the rule, if ``state`` breaks one."""
    _seats(state)
    _trust(state)
    _liveness(state)


def _seats(state: PoolState) -> None:
    found = {s: [slot for slot in state.slots if slot.state is s] for s in SlotState}
    assert len(state.slots) <= max(state.max_size, state.limits.max_size), "open + opening > max_size"
    assert set(state.idle) == set(found[IDLE]), "the idle list and the slots disagree"
    assert len(state.idle) == len(set(state.idle)), "a slot is idle twice"
    assert set(state.suspects) == set(found[SUSPECT]), "the suspect list and the slots disagree"
    assert len(state.suspects) == len(set(state.suspects)), "a slot is suspect twice"
    assert state.opening == len(found[OPENING]), "openings are miscounted"
    assert not found[SlotState.GONE], "a gone slot still counts"
    assert set(state.doomed) <= set(found[CLOSING]), "a doomed slot is not closing"
    for slot in state.slots:
        assert slot.state in (OPENING, LEASED) or slot.conn is not None, "an open slot has no connection"


def _trust(state: PoolState) -> None:
    for slot in state.idle + state.suspects:
        assert slot.generation == state.generation, "an idle connection survived expire() or close()"
    assert not (state.closed and (state.idle or state.suspects)), "a closed pool keeps connections"
    assert not (state.closed and state.waiters), "a closed pool keeps waiters"


def _liveness(state: PoolState) -> None:
    """If somebody waits, there is a reason to, and somebody or something will wake them."""
    head = state.waiters.head()
    if head is None:
        return
    assert head.slot is None, "a waiter was granted and still queues"
    assert not state.idle, "a trusted connection is idle while a request waits"
    assert not state.suspects, "a suspect connection is idle while a request waits"
    busy = any(slot.state in (LEASED, CHECKING, CLOSING, OPENING) for slot in state.slots)
    dialer = state.failures > 0 and state.connected
    assert busy or dialer, "requests wait and nobody will wake them"
    room = len(state.slots) < state.max_size
    assert not room or dialer, "a request waits although another connection may be opened"
