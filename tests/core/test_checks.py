"""Suspects: what makes one, who is looked at first, and what a failure says of the others."""

from __future__ import annotations

import pytest
from tests.core.helpers import HALF, T0, at, close_doomed, give, lease, make, rest, slot_of, wait

from thawpool._core.audit import audit
from thawpool._core.policy import Instant
from thawpool._core.slot import CHECKING, CLOSING, IDLE, LEASED, OPENING, SUSPECT
from thawpool.errors import PoolClosed


@pytest.mark.parametrize("now", [at(1.0), at(0.0, wall=5.0), at(0.0, wall=-600.0)])
def test_a_gap_makes_all_suspect_and_the_youngest_is_checked(now: Instant) -> None:
    state = make(max_size=3)
    one, two, three = rest(state, 3)
    three.released_mono += 0.001
    slot = slot_of(state.claim(now))
    audit(state)
    assert slot is three
    assert [s.state for s in (one, two, three)] == [SUSPECT, SUSPECT, CHECKING]
    assert state.idle == []
    assert state.counts["thaws"] == 1
    assert state.events[-1] == ("thawed", "gap")


def test_without_a_trust_window_a_gap_is_nothing_to_report() -> None:
    state = make(trust_window=0.0)
    rest(state, 1)
    assert slot_of(state.claim(T0)).state is CHECKING
    assert state.counts["thaws"] == 0
    assert ("thawed", "gap") not in state.events


def test_a_check_that_passes_earns_a_lease_and_trust() -> None:
    state = make()
    rest(state, 1)
    slot = slot_of(state.claim(at(5)))
    state.passed(slot, at(5.2))
    audit(state)
    assert (slot.state, slot.taken_at, slot.released_wall, slot.released_mono) == (
        LEASED,
        at(5.2).wall,
        *at(5.2),
    )
    assert slot.good_until == at(6.2).wall
    assert state.counts["checks"] == 1
    give(state, slot, at(5.3))
    assert slot.state is IDLE


def test_earned_trust_ends_with_the_lifetime() -> None:
    state = make(max_lifetime=6.0)
    rest(state, 1)
    slot = slot_of(state.claim(at(5)))
    state.passed(slot, at(5.5))
    assert slot.good_until == at(6.0).wall


def test_a_failed_probe_condemns_the_older_and_spares_the_younger() -> None:
    state = make(max_size=4)
    slots = [lease(state) for _ in range(4)]
    for n, slot in enumerate(slots):
        give(state, slot, at(n / 10))
    state.thaw(at(1), "signal")
    four, three = slot_of(state.claim(at(1))), slot_of(state.claim(at(1)))
    assert [four, three] == [slots[3], slots[2]]
    state.cancel(four, at(1))
    state.failed(three, "check")
    audit(state)
    assert [s.reason for s in slots] == ["condemned", "condemned", "check", ""]
    assert four.state is SUSPECT
    assert state.suspects == [four]
    assert state.counts["checks"] == 1
    assert state.retired == {"condemned": 2, "check": 1}


@pytest.mark.parametrize("reason", ["lost", "cancelled"])
def test_a_failed_look_or_a_cancelled_probe_says_nothing_of_the_others(reason: str) -> None:
    state = make(max_size=2)
    one, two = rest(state, 2)
    slot = slot_of(state.claim(at(5)))
    state.failed(slot, reason)
    audit(state)
    other = one if slot is two else two
    assert (slot.state, slot.reason) == (CLOSING, reason)
    assert other.state is SUSPECT
    assert state.counts["checks"] == 0


@pytest.mark.parametrize("now", [at(10.0), at(0.0, wall=10.0), at(10.0, wall=-600.0)])
def test_a_suspect_beyond_idle_timeout_is_closed_and_not_checked(now: Instant) -> None:
    state = make(max_size=1)
    (slot,) = rest(state, 1)
    waiter = wait(state, now)
    audit(state)
    assert (slot.state, slot.reason) == (CLOSING, "idle")
    close_doomed(state, now)
    assert waiter.slot is not None
    assert waiter.slot.state is OPENING


def test_a_suspect_younger_than_idle_timeout_is_checked() -> None:
    state = make()
    (slot,) = rest(state, 1)
    assert slot_of(state.claim(at(9.999))) is slot


def test_a_suspect_at_the_end_of_its_lifetime_is_closed_by_either_clock() -> None:
    for now in (Instant(T0.wall + 8.0, T0.mono + 1.5), Instant(T0.wall + 1.5, T0.mono + 8.0)):
        state = make(max_lifetime=8.0, max_size=1)
        (slot,) = rest(state, 1)
        wait(state, now)
        assert slot.reason == "lifetime"
        audit(state)


def test_when_all_that_rests_is_too_old_a_dial_is_due() -> None:
    state = make(max_size=3)
    one, two = rest(state, 2)
    assert slot_of(state.claim(at(20))).state is OPENING
    assert one.reason == two.reason == "idle"
    audit(state)


def test_a_thaw_makes_all_suspect_whatever_the_clocks_say() -> None:
    state = make(max_size=3)
    one, two, three = rest(state, 3)
    assert state.take(T0.wall) is three
    state.thaw(T0, "signal")
    audit(state)
    assert [s.state for s in (one, two, three)] == [SUSPECT, SUSPECT, LEASED]
    assert state.take(T0.wall) is None
    assert state.counts["thaws"] == 1
    assert state.events[-1] == ("thawed", "signal")
    give(state, three)
    assert three.state is SUSPECT


def test_a_thaw_that_tells_how_long_ages_what_is_open() -> None:
    state = make(max_size=2, max_lifetime=100.0)
    one, two = rest(state, 2)
    assert state.take(T0.wall) is two
    state.thaw(T0, "signal", 10.0)
    assert (one.released_mono, one.expires_mono) == (T0.mono - 10.0, T0.mono + 90.0)
    wait(state)
    assert one.reason == "idle"


def test_a_thaw_that_does_not_tell_ages_nothing() -> None:
    state = make()
    (slot,) = rest(state, 1)
    state.thaw(T0, "signal")
    assert slot.released_mono == T0.mono
    assert slot_of(state.claim(T0)) is slot


def test_a_thaw_serves_the_first_waiter_whose_pause_is_over() -> None:
    state = make()
    held = lease(state)
    state.open_failed(slot_of(state.claim(T0)), OSError("refused"), T0, HALF)
    waiter = wait(state)
    state.thaw(at(1), "signal")
    assert waiter.slot is not None
    assert held.state is LEASED
    audit(state)


def test_a_doubted_lease_is_checked_before_all_others() -> None:
    state = make(max_size=3, max_uses=9)
    rest(state, 3)
    slot = state.take(at(0.1).wall)
    assert slot is not None
    slot.released_mono += 0.001
    state.doubt(slot, at(0.1))
    audit(state)
    assert slot.state is SUSPECT
    assert state.idle == []
    assert slot_of(state.claim(at(0.1))) is slot
    assert slot.uses == 1


def test_a_doubted_lease_goes_to_the_first_waiter_to_check() -> None:
    state = make(max_size=1)
    rest(state, 1)
    slot = state.take(T0.wall)
    assert slot is not None
    waiter = wait(state)
    state.doubt(slot, T0)
    assert waiter.slot is slot
    assert slot.state is CHECKING
    audit(state)


def test_a_check_whose_borrower_leaves_before_it_begins_stays_suspect() -> None:
    state = make(max_size=1)
    (slot,) = rest(state, 1)
    assert slot_of(state.claim(at(5))) is slot
    state.cancel(slot, at(5))
    audit(state)
    assert slot.state is SUSPECT


def test_suspects_rest_in_the_order_of_their_return() -> None:
    state = make(max_size=2)
    one, two = lease(state), lease(state)
    give(state, one, at(0.1))
    give(state, two, at(0.2))
    state.thaw(at(0.3), "signal")
    assert slot_of(state.claim(at(0.3))) is two
    assert slot_of(state.claim(at(0.3))) is one
    state.cancel(two, at(0.3))
    state.cancel(one, at(0.3))
    assert state.suspects == [one, two]


def test_suspect_returns_rest_in_the_order_of_their_return() -> None:
    state = make(max_size=2)
    one, two = lease(state), lease(state)
    give(state, one, at(5.0))
    give(state, two, at(5.1))
    assert state.suspects == [one, two]


def test_the_order_of_returns_is_told_by_the_monotonic_clock() -> None:
    """Between the two returns somebody set the wall clock back."""
    state = make(max_size=2)
    one, two = lease(state), lease(state)
    give(state, one, at(0.1))
    two.taken_at = at(0.2, wall=-600.0).wall
    give(state, two, at(0.2, wall=-600.0))
    state.thaw(at(0.3, wall=-600.0), "signal")
    assert state.suspects == [one, two]


def test_a_check_that_passes_in_a_closed_pool_is_retired() -> None:
    state = make()
    rest(state, 1)
    slot = slot_of(state.claim(at(5)))
    state.shut()
    with pytest.raises(PoolClosed):
        state.passed(slot, at(5))
    audit(state)
    assert (slot.state, slot.reason) == (CLOSING, "closed")
    assert state.counts["checks"] == 1


def test_what_comes_to_rest_unused_after_a_younger_one_failed_its_probe_has_none_of_its_own() -> None:
    state = make(3)
    older, younger = lease(state), lease(state)
    give(state, older, at(0.2))
    assert slot_of(state.claim(at(0.3))) is older  # granted, and not used
    state.thaw(at(0.3), "signal")
    give(state, younger, at(0.4))
    assert slot_of(state.claim(at(0.4))).state is CHECKING
    state.failed(younger, "check")
    state.cancel(older, at(0.9))
    close_doomed(state)
    assert slot_of(state.claim(at(1.0))).state is OPENING
    audit(state)


def test_a_failed_probe_says_nothing_of_a_younger_one_that_comes_to_rest_unused() -> None:
    state = make(3)
    older, younger = lease(state), lease(state)
    give(state, older, at(0.2))
    give(state, younger, at(0.4))
    assert slot_of(state.claim(at(0.4))) is younger  # granted, and not used
    state.thaw(at(0.4), "signal")
    assert slot_of(state.claim(at(0.5))) is older
    state.failed(older, "check")
    close_doomed(state)
    state.cancel(younger, at(0.9))
    assert slot_of(state.claim(at(1.0))) is younger
    assert younger.state is CHECKING


@pytest.mark.parametrize("back", [0.0, -1.0])
def test_a_failed_probe_speaks_for_what_is_still_trusted_and_was_returned_before(back: float) -> None:
    """Told by the monotonic clock, be the wall clock what it may: one return is as old as the other, or older."""
    state = make(3)
    trusted, doubtful = lease(state), lease(state)
    give(state, trusted, at(5.0, wall=5.0))
    assert state.suspects == [trusted]  # out for longer than trust lasts
    assert slot_of(state.claim(at(5.0))) is trusted
    state.passed(trusted, at(5.0))
    state.give(trusted, at(5.1).wall, at(5.1).mono)
    assert state.idle == [trusted]
    state.give(doubtful, at(5.1, wall=5.1 + back).wall, at(5.1).mono)
    assert state.suspects == [doubtful]
    assert slot_of(state.claim(at(5.1))) is trusted
    claimed = slot_of(state.claim(at(5.1)))
    assert claimed is doubtful
    state.cancel(trusted, at(5.1))
    assert state.idle == [trusted]
    state.failed(doubtful, "check")
    close_doomed(state)
    assert slot_of(state.claim(at(7.0))).state is OPENING  # and no probe of the other
    assert trusted.reason == "idle"


def test_asking_in_vain_leaves_the_order_of_what_is_idle() -> None:
    state = make(2)
    older, younger = rest(state, 2)
    assert state.take(at(5.0).wall) is None
    assert state.idle == [older, younger]
