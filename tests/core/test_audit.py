"""The invariants themselves: each is broken on purpose, and must be noticed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.core.helpers import HALF, T0, lease, make, outage, rest, slot_of, wait

from thawpool._core.audit import audit
from thawpool._core.policy import HUNG_DIAL
from thawpool._core.slot import CLOSING, GONE, IDLE, LEASED, SUSPECT, Slot
from thawpool._core.state import PoolState
from thawpool._core.waiters import Waiter


def resting() -> PoolState:
    state = make(max_size=3)
    rest(state, 2)
    return state


def waiting() -> PoolState:
    state = make(max_size=1)
    lease(state)
    wait(state)
    return state


def idle_unlisted(state: PoolState) -> None:
    state.idle.pop()


def suspect_unlisted(state: PoolState) -> None:
    state.thaw(T0, "signal")
    state.suspects.pop()


def idle_listed_twice(state: PoolState) -> None:
    state.idle[0] = state.idle[1]


def idle_but_leased(state: PoolState) -> None:
    other = Slot(state.generation)
    other.state, other.conn = IDLE, object()
    state.slots.add(other)
    state.idle[0].state = LEASED


def suspect_but_idle(state: PoolState) -> None:
    state.thaw(T0, "signal")
    state.idle = [state.suspects.pop()]
    state.idle[0].state = SUSPECT
    state.suspects[0].state = IDLE


def uncounted(state: PoolState) -> None:
    other = Slot(state.generation)
    other.state, other.conn = IDLE, object()
    state.idle[0] = other


def opening_miscounted(state: PoolState) -> None:
    state.opening += 1


def closing_miscounted(state: PoolState) -> None:
    state.closing += 1


def surplus_miscounted(state: PoolState) -> None:
    state.surplus += 1


def gone_still_counts(state: PoolState) -> None:
    state.idle.pop().state = GONE


def open_without_connection(state: PoolState) -> None:
    state.idle[0].conn = None


def surplus_idle(state: PoolState) -> None:
    state.max_size = 1


def surplus_suspect(state: PoolState) -> None:
    state.thaw(T0, "signal")
    state.max_size = 1


def older_generation(state: PoolState) -> None:
    state.idle[0].generation -= 1


def doomed_but_open(state: PoolState) -> None:
    state.doomed.append(state.idle[0])


def closed_with_idle(state: PoolState) -> None:
    state.closed = True


def closed_with_suspects(state: PoolState) -> None:
    state.thaw(T0, "signal")
    state.closed = True


@pytest.mark.parametrize(
    "spoil, rule",
    [
        (idle_unlisted, "the idle list and the slots disagree"),
        (suspect_unlisted, "the suspect list and the slots disagree"),
        (idle_listed_twice, "a slot is listed twice"),
        (idle_but_leased, "a slot that is leased is listed as idle"),
        (suspect_but_idle, "a slot that is suspect is listed as idle"),
        (uncounted, "a listed slot does not count"),
        (opening_miscounted, "openings are miscounted"),
        (closing_miscounted, "closings are miscounted"),
        (surplus_miscounted, "those beyond max_size are miscounted"),
        (gone_still_counts, "a gone slot still counts"),
        (open_without_connection, "an open slot has no connection"),
        (surplus_idle, r"open \+ opening > max_size"),
        (surplus_suspect, r"open \+ opening > max_size"),
        (older_generation, r"a connection survived expire\(\)"),
        (doomed_but_open, "a slot that is idle is listed as closing"),
        (closed_with_idle, "a closed pool keeps trusted connections"),
        (closed_with_suspects, "a closed pool keeps suspect connections"),
    ],
)
def test_what_rests_is_audited(spoil: Callable[[PoolState], None], rule: str) -> None:
    state = resting()
    audit(state)
    spoil(state)
    with pytest.raises(AssertionError, match=rule):
        audit(state)


def granted_and_queueing(state: PoolState) -> None:
    head = state.waiters.head()
    assert head is not None
    (head.slot,) = state.slots


def idle_while_waiting(state: PoolState) -> None:
    (slot,) = state.slots
    slot.state = IDLE
    state.idle.append(slot)


def suspect_while_waiting(state: PoolState) -> None:
    (slot,) = state.slots
    slot.state = SUSPECT
    state.suspects.append(slot)


def room_while_waiting(state: PoolState) -> None:
    state.max_size = 2


def closed_while_waiting(state: PoolState) -> None:
    state.closed = True


@pytest.mark.parametrize(
    "spoil, rule",
    [
        (granted_and_queueing, "a waiter was granted and still queues"),
        (idle_while_waiting, "a trusted connection is idle while a request waits"),
        (suspect_while_waiting, "a suspect connection is idle while a request waits"),
        (room_while_waiting, "a request waits although another connection may be opened"),
        (closed_while_waiting, "a closed pool keeps waiters"),
    ],
)
def test_whoever_waits_is_audited(spoil: Callable[[PoolState], None], rule: str) -> None:
    state = waiting()
    audit(state)
    spoil(state)
    with pytest.raises(AssertionError, match=rule):
        audit(state)


def paused() -> tuple[PoolState, Waiter]:
    state = make()
    outage(state)
    return state, wait(state)


def test_in_an_outage_the_first_waiter_must_wake_in_time() -> None:
    state, waiter = paused()
    audit(state)
    waiter.alarm = state.retry_at + 1
    with pytest.raises(AssertionError, match="the first waiter sleeps through its dial"):
        audit(state)
    waiter.ready = True
    audit(state)


def test_in_an_outage_a_dial_under_way_is_reason_enough_to_wait_for_a_while() -> None:
    state, waiter = paused()
    dialing = state._let_dial(T0)
    waiter.alarm = T0.mono + HUNG_DIAL
    audit(state)
    waiter.alarm = T0.mono + HUNG_DIAL + 0.001
    with pytest.raises(AssertionError, match="the first waiter sleeps through its dial"):
        audit(state)
    state.open_failed(dialing, OSError("refused"), T0, HALF)
    audit(state)


def test_without_room_an_outage_is_no_reason_to_wake() -> None:
    state, waiter = paused()
    waiter.alarm = float("inf")
    slot = Slot(state.generation)
    slot.state, slot.conn = LEASED, object()
    state.slots.add(slot)
    state.max_size = 1
    audit(state)


def test_an_outage_is_no_excuse_for_a_pool_that_never_connected() -> None:
    state, _ = paused()
    state.connected = False
    with pytest.raises(AssertionError, match="although another connection may be opened"):
        audit(state)


def test_a_lease_may_have_lent_its_connection_to_its_holder() -> None:
    """``getconn`` takes the connection out of the slot, so that losing it loses the lease."""
    state = make()
    lease(state).conn = None
    audit(state)


def test_what_is_closing_may_be_of_any_generation() -> None:
    state = resting()
    state.expire(T0)
    state.expire(T0)
    assert all(slot.state is CLOSING for slot in state.doomed)
    audit(state)


def test_a_surplus_that_is_closing_is_no_surplus() -> None:
    state = make(max_size=2)
    rest(state, 2)
    state.max_size = 1
    state.lay_down(1, T0)
    audit(state)
    assert slot_of(state.claim(T0)) in state.slots


def test_what_is_closing_is_not_counted_twice() -> None:
    state = make(max_size=4)
    rest(state, 4)
    state.lay_down(3, T0)
    state.max_size = 2
    with pytest.raises(AssertionError, match="max_size"):
        audit(state)
