"""The fast path and its way back: who is trusted, until when, and who must go."""

from __future__ import annotations

import pytest
from tests.core.helpers import T0, at, close_doomed, give, lease, make, rest, slot_of, wait

from thawpool._core.audit import audit
from thawpool._core.policy import Instant
from thawpool._core.slot import CHECKING, CLOSING, GONE, IDLE, LEASED, OPENING, SUSPECT
from thawpool.errors import LeaseError


def test_an_empty_pool_has_nothing_to_take() -> None:
    assert make().take(T0.wall) is None


def test_the_youngest_is_taken_first() -> None:
    state = make(max_size=3)
    one, two, three = rest(state, 3)
    assert state.idle == [one, two, three]
    assert [state.take(T0.wall) for _ in range(4)] == [three, two, one, None]
    audit(state)


@pytest.mark.parametrize(
    "wall, trusted", [(-0.001, False), (0.0, True), (0.999, True), (1.0, False), (600.0, False)]
)
def test_trust_lasts_for_its_window_by_the_wall_clock(wall: float, trusted: bool) -> None:
    state = make()
    _, slot = rest(state, 2)
    assert state.take(at(0.0, wall=wall).wall) is (slot if trusted else None)


def test_what_was_taken_is_leased_from_then_on() -> None:
    state = make()
    (slot,) = rest(state, 1)
    state.take(at(0.3).wall)
    assert (slot.state, slot.taken_at) == (LEASED, at(0.3).wall)


def test_what_is_returned_in_time_is_trusted_again() -> None:
    state = make(max_uses=9)
    (slot,) = rest(state, 1)
    state.take(at(0.5).wall)
    give(state, slot, at(1.5))
    assert (slot.state, slot.uses) == (IDLE, 2)
    assert state.take(at(2.4).wall) is slot


@pytest.mark.parametrize("end", [at(1.001), at(0.0, wall=1.001), at(0.5, wall=-0.001)])
def test_what_is_returned_after_longer_than_trust_lasts_is_suspect(end: Instant) -> None:
    """The machine may have slept in the middle of the lease."""
    state = make()
    slot = lease(state)
    give(state, slot, end)
    assert slot.state is SUSPECT
    assert state.suspects == [slot]
    assert (slot.released_wall, slot.released_mono) == end
    assert slot_of(state.claim(end)).state is CHECKING


def test_a_suspect_return_goes_to_the_first_waiter_to_check() -> None:
    state = make(max_size=1)
    slot = lease(state)
    waiter = wait(state)
    give(state, slot, at(5))
    assert waiter.slot is slot
    assert slot.state is CHECKING
    assert [*state.woken] == [waiter]


def test_trust_ends_with_the_lifetime() -> None:
    state = make(max_lifetime=10.0)
    (slot,) = rest(state, 1, at(0))
    state.trust_window = 100.0
    state.take(at(0.5).wall)
    give(state, slot, at(0.6))
    assert state.take(at(9.9).wall) is slot
    give(state, slot, at(9.95))
    assert state.take(at(10.0).wall) is None


@pytest.mark.parametrize("end", [at(10.0), at(0.5, wall=10.0), Instant(10_000.5, 110.0)])
def test_a_return_at_the_end_of_the_lifetime_is_retired(end: Instant) -> None:
    state = make(max_lifetime=10.0)
    slot = lease(state)
    give(state, slot, end)
    assert (slot.state, slot.reason) == (CLOSING, "lifetime")
    assert [*state.doomed] == [slot]
    assert state.retired == {"lifetime": 1}
    assert state.events[-1] == ("retired", "lifetime")


def test_the_lifetime_is_shortened_by_up_to_five_percent() -> None:
    state = make(max_lifetime=1000.0)
    slot = slot_of(state.claim(T0))
    state.opened(slot, object(), T0, 1.0)
    assert slot.expires_wall == at(950.0).wall
    assert slot.expires_mono == at(950.0).mono


def test_the_last_use_is_the_end() -> None:
    state = make(max_uses=2)
    slot = lease(state)
    give(state, slot)
    assert state.take(T0.wall) is slot
    give(state, slot)
    assert (slot.state, slot.reason, slot.uses) == (CLOSING, "uses", 2)


def test_without_a_limit_uses_are_not_counted() -> None:
    (slot,) = rest(make(), 1)
    assert (slot.state, slot.uses) == (IDLE, 0)


def test_a_return_tells_whether_it_left_something_to_settle() -> None:
    state = make(max_size=1)
    slot = lease(state)
    assert state.give(slot, T0.wall, T0.mono) is False
    assert state.take(T0.wall) is slot
    assert state.give(slot, at(5).wall, at(5).mono) is False  # nobody waits for the suspect that it is now
    slot = slot_of(state.claim(at(5)))
    state.passed(slot, at(5))
    wait(state, at(5))
    assert state.give(slot, at(9).wall, at(9).mono) is True
    wait(state, at(9))
    state.passed(slot, at(9))
    assert state.give(slot, at(9).wall, at(9).mono) is True
    state.expire(at(9))
    assert state.give(slot, at(9).wall, at(9).mono) is True
    assert [*state.doomed] == [slot]


def test_a_return_beyond_a_smaller_max_size_is_surplus() -> None:
    state = make(max_size=2)
    one, two = lease(state), lease(state)
    state.resize(1, T0)
    give(state, one)
    assert (one.state, one.reason) == (CLOSING, "surplus")
    give(state, two)
    assert two.state is IDLE


def test_a_second_return_is_an_error_and_changes_nothing() -> None:
    state = make(max_uses=9)
    (slot,) = rest(state, 1)
    with pytest.raises(LeaseError, match="returned already"):
        state.give(slot, T0.wall, T0.mono)
    assert (slot.state, slot.uses) == (IDLE, 1)
    audit(state)


def test_what_is_retired_keeps_its_seat_until_it_is_closed() -> None:
    state = make(max_size=1)
    slot = lease(state)
    conn = slot.conn
    state.retire(slot, "busy")
    audit(state)
    assert slot.conn is conn
    assert state.slots == {slot}
    waiter = wait(state)
    assert close_doomed(state) == [slot]
    assert (slot.state, slot.conn) == (GONE, None)
    assert waiter.slot is not None
    assert waiter.slot.state is OPENING


def test_only_a_lease_can_be_retired() -> None:
    state = make()
    (slot,) = rest(state, 1)
    state.retire(slot, "leaked")
    assert slot.state is IDLE
    audit(state)


@pytest.mark.parametrize("reason", ["busy", "leaked", "dirty", "cancelled"])
def test_the_end_of_one_lease_says_nothing_of_others(reason: str) -> None:
    state = make()
    one, two = rest(state, 2)
    assert state.take(T0.wall) is two
    state.retire(two, reason)
    assert one.state is IDLE
    assert state.retired == {reason: 1}


def test_a_lost_lease_casts_doubt_on_all() -> None:
    state = make()
    one, two = rest(state, 2)
    assert state.take(T0.wall) is two
    state.retire(two, "lost")
    audit(state)
    assert one.state is SUSPECT


def test_a_retired_lease_leaves_the_first_waiter_a_dial() -> None:
    state = make(max_size=2)
    one, two = lease(state), lease(state)
    waiter = wait(state)
    state.retire(one, "busy")
    assert len(state.waiters) == 1
    close_doomed(state)
    assert waiter.slot is not None
    assert two.state is LEASED


def test_counts_and_events() -> None:
    state = make()
    one = lease(state)
    assert state.counts == {"opened": 1}
    assert state.events == [("opened", "")]
    assert repr(one) == "<Slot leased uses=0>"


def test_the_reasons_of_retirement_are_said_once() -> None:
    state = make(max_size=3)
    for slot, reason in zip([lease(state) for _ in range(3)], ("busy", "busy", "dirty"), strict=True):
        state.retire(slot, reason)
    assert state.retired == {"busy": 2, "dirty": 1}
