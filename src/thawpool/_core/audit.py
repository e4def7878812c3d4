"""The invariants of a pool, checked from outside: after every step of every test and simulation."""

from __future__ import annotations

from .slot import CLOSING, GONE, IDLE, LEASED, OPENING, SUSPECT
from .state import PoolState

__all__ = ["audit"]


def audit(state: PoolState) -> None:
    """Raise AssertionError, naming the rule, if ``state`` breaks one."""
    _seats(state)
    _rest(state)
    if state.waiters:
        _liveness(state)
    if state.closed:
        assert not state.idle, "a closed pool keeps trusted connections"
        assert not state.suspects, "a closed pool keeps suspect connections"
        assert not state.waiters, "a closed pool keeps waiters"


def _seats(state: PoolState) -> None:
    opening = idle = suspect = closing = 0
    for slot in state.slots:
        kind = slot.state
        if kind is OPENING:
            opening += 1
            continue
        assert slot.conn is not None or kind is LEASED, "an open slot has no connection"
        if kind is IDLE:
            idle += 1
        elif kind is SUSPECT:
            suspect += 1
        elif kind is CLOSING:
            closing += 1
        else:
            assert kind is not GONE, "a gone slot still counts"
    assert opening == state.opening, "openings are miscounted"
    assert closing == state.closing, "closings are miscounted"
    assert idle == len(state.idle), "the idle list and the slots disagree"
    assert suspect == len(state.suspects), "the suspect list and the slots disagree"
    surplus = max(0, len(state.slots) - closing - state.max_size)
    assert not (surplus and (idle or suspect)), "open + opening > max_size, and some are idle"
    assert surplus == state.surplus, "those beyond max_size are miscounted"


def _rest(state: PoolState) -> None:
    """What rests is listed once, where it belongs, and is of this generation."""
    for slots, kind in ((state.idle, IDLE), (state.suspects, SUSPECT), (state.doomed, CLOSING)):
        if slots:
            for slot in slots:
                assert slot.state is kind, f"a slot that is {slot.state.value} is listed as {kind.value}"
                assert slot in state.slots, "a listed slot does not count"
                assert slot.generation == state.generation or kind is CLOSING, (
                    "a connection survived expire()"
                )
            assert len(slots) == 1 or len(slots) == len(set(slots)), "a slot is listed twice"


def _liveness(state: PoolState) -> None:
    """If somebody waits, there is a reason to, and somebody or something will wake them."""
    head = state.waiters.head()
    assert head is not None
    assert head.slot is None, "a waiter was granted and still queues"
    assert not state.idle, "a trusted connection is idle while a request waits"
    assert not state.suspects, "a suspect connection is idle while a request waits"
    dialer = state.failures > 0 and state.connected
    if not dialer:
        # Nothing rests, so every seat is being opened, used, checked or closed, and serves the queue at its end.
        assert len(state.slots) >= state.max_size, "a request waits although another connection may be opened"
    elif len(state.slots) < state.max_size:
        assert head.ready or head.alarm <= state.dial_at(), "the first waiter sleeps through its dial"
