"""The pool as a whole: opening ahead, expiring, resizing, lying down, closing."""

from __future__ import annotations

import pytest
from tests.core.helpers import HALF, T0, at, close_doomed, give, lease, make, outage, rest, slot_of, wait

from thawpool._core.audit import audit
from thawpool._core.slot import CHECKING, CLOSING, GONE, IDLE, LEASED, MOVES, OPENING, Slot
from thawpool._core.waiters import Waiter
from thawpool.errors import PoolClosed

INFINITY = float("inf")


def test_a_permit_is_given_up_to_max_size() -> None:
    state = make(max_size=2)
    one, two = slot_of(state.claim(T0)), slot_of(state.claim(T0))
    assert state.opening == 2
    assert state.slots == {one, two}
    wait(state)
    audit(state)


def test_a_dial_that_is_cancelled_frees_its_seat() -> None:
    state = make(max_size=1)
    slot = slot_of(state.claim(T0))
    waiter = wait(state)
    state.cancel(slot, T0)
    audit(state)
    assert slot.state is GONE
    assert waiter.slot is not None
    assert waiter.slot.state is OPENING
    assert (state.opening, state.failures) == (1, 0)


def test_what_has_ended_cannot_be_cancelled_again() -> None:
    state = make(max_size=1)
    slot = slot_of(state.claim(T0))
    state.cancel(slot, T0)
    state.cancel(slot, T0)
    assert state.opening == 0
    audit(state)


def test_reserve_opens_up_to_its_target() -> None:
    state = make(max_size=3)
    lease(state)
    slot = state.reserve(2, T0)
    assert slot is not None
    assert slot.state is OPENING
    assert state.reserve(2, T0) is None
    audit(state)


def test_reserve_never_exceeds_max_size() -> None:
    state = make(max_size=1)
    assert state.reserve(5, T0) is not None
    assert state.reserve(5, T0) is None


def test_reserve_heeds_an_outage() -> None:
    state = make(max_size=2)
    outage(state)
    assert state.reserve(2, T0) is None
    assert state.reserve(2, at(1)) is not None
    assert state.reserve(2, at(1)) is None


def test_reserve_in_a_closed_pool_is_refused() -> None:
    state = make()
    state.shut()
    with pytest.raises(PoolClosed, match="the pool is closed"):
        state.reserve(1, T0)


def test_expire_retires_idle_ones_now_and_others_on_return() -> None:
    state = make(max_size=4)
    one, two, three = rest(state, 3)
    assert state.take(T0.wall) is three
    assert state.take(T0.wall) is two
    state.retire(two, "busy")
    dialing = state.reserve(4, T0)
    assert dialing is not None
    assert state.expire(T0) == 3  # idle, leased, opening; but not the one that is closing already
    audit(state)
    assert (one.reason, two.reason, three.reason) == ("expired", "busy", "")
    give(state, three)
    assert three.reason == "expired"
    state.opened(dialing, object(), T0, HALF)
    give(state, dialing)
    assert dialing.reason == "expired"


def test_expire_retires_suspects() -> None:
    state = make()
    (slot,) = rest(state, 1)
    state.thaw(T0, "signal")
    assert state.expire(T0) == 1
    assert slot.reason == "expired"
    audit(state)


def test_expire_lets_the_waiters_dial() -> None:
    state = make(max_size=2)
    outage(state)
    waiter = wait(state)
    state.expire(at(1))
    assert waiter.slot is not None
    audit(state)


def test_a_connection_of_the_new_generation_is_kept() -> None:
    state = make()
    state.expire(T0)
    (slot,) = rest(state, 1)
    assert slot.state is IDLE


def test_a_smaller_max_size_closes_suspects_first_then_the_oldest() -> None:
    state = make(max_size=4)
    one, two, three, four = rest(state, 4)
    state.thaw(T0, "signal")
    state.passed(slot_of(state.claim(T0)), T0)
    (used,) = [s for s in state.slots if s.state is LEASED]
    give(state, used)
    assert state.idle == [used]
    oldest = state.suspects[0]
    state.resize(3, T0)
    audit(state)
    assert oldest.reason == "surplus"
    state.resize(1, T0)
    audit(state)
    assert state.idle == [used]
    assert sorted(s.reason for s in (one, two, three, four)) == ["", "surplus", "surplus", "surplus"]


def test_a_smaller_max_size_closes_the_oldest_of_those_that_are_idle() -> None:
    state = make(max_size=3)
    one, two, three = rest(state, 3)
    state.resize(2, T0)
    audit(state)
    assert state.idle == [two, three]
    assert one.reason == "surplus"


def test_a_smaller_max_size_leaves_leases_alone() -> None:
    state = make(max_size=2)
    one, two = lease(state), lease(state)
    state.resize(1, T0)
    assert one.state is two.state is LEASED
    assert len(state.slots) == 2
    audit(state)


def test_a_larger_max_size_lets_waiters_dial() -> None:
    state = make(max_size=1)
    lease(state)
    first, second, third = wait(state), wait(state), wait(state)
    state.resize(3, T0)
    audit(state)
    assert [w.slot is not None for w in (first, second, third)] == [True, True, False]
    assert [*state.woken] == [first, second]


def test_the_youngest_sleep() -> None:
    state = make(max_size=4)
    one, two, three, four = rest(state, 4)
    state.lay_down(1, T0)
    audit(state)
    assert state.idle == [four]
    assert [s.reason for s in (one, two, three)] == ["surplus"] * 3
    state.lay_down(1, T0)
    assert state.idle == [four]
    state.lay_down(0, T0)
    assert state.idle == []


@pytest.mark.parametrize(
    "limits, wall, mono, reason",
    [
        ({"idle_timeout": 10.0}, 10.0, 10.0, "idle"),
        ({"idle_timeout": 10.0}, 10.0, 0.0, "idle"),  # frozen: the monotonic clock stood still
        ({"idle_timeout": 10.0}, -600.0, 10.0, "idle"),  # somebody set the wall clock
        ({"idle_timeout": 99.0, "max_lifetime": 20.0}, 20.0, 0.0, "lifetime"),
        ({"idle_timeout": 99.0, "max_lifetime": 20.0}, 0.0, 20.0, "lifetime"),
    ],
)
def test_what_is_too_old_does_not_sleep(
    limits: dict[str, float], wall: float, mono: float, reason: str
) -> None:
    state = make(max_size=3, **limits)
    out = lease(state)
    (slot,) = rest(state, 1)
    state.lay_down(INFINITY, T0)
    assert state.idle == [slot]
    state.lay_down(INFINITY, at(mono, wall=wall))
    audit(state)
    assert (state.idle, slot.reason) == ([], reason)
    assert out.state is LEASED


def test_suspects_go_before_trusted_ones() -> None:
    state = make(max_size=2)
    rest(state, 2)
    state.thaw(T0, "signal")
    slot = slot_of(state.claim(T0))
    state.passed(slot, T0)
    give(state, slot)
    state.lay_down(1, T0)
    assert (state.idle, state.suspects) == ([slot], [])


def test_what_somebody_has_is_out() -> None:
    state = make(max_size=4)
    (slot,) = rest(state, 1)
    assert state.out() == []
    state.thaw(T0, "signal")
    assert slot_of(state.claim(T0)).state is CHECKING
    assert state.out() == [slot]
    state.passed(slot, T0)
    assert (slot.state, state.out()) == (LEASED, [slot])
    assert slot_of(state.claim(T0)).state is OPENING
    assert state.out() == [slot]


def test_closing_retires_what_rests_and_tells_who_waits() -> None:
    state = make(max_size=2)
    one = lease(state)
    two = lease(state)
    first, second = wait(state), wait(state)
    give_back = state.shut()
    audit(state)
    assert [*state.woken] == [first, second]
    assert first.ready
    assert first.slot is None
    with pytest.raises(PoolClosed):
        state.woke(first, T0)
    with pytest.raises(PoolClosed):
        state.claim(T0)
    with pytest.raises(PoolClosed):
        state.again(one, T0)
    give(state, one)
    assert one.reason == "closed"
    state.retire(two, "busy")
    assert not give_back.ready
    close_doomed(state)
    assert give_back.ready


def test_closing_retires_idle_and_suspect_connections() -> None:
    state = make(max_size=2)
    one, two = rest(state, 2)
    state.thaw(T0, "signal")
    slot = slot_of(state.claim(T0))
    state.passed(slot, T0)
    give(state, slot)
    state.shut()
    audit(state)
    assert one.reason == two.reason == "closed"


def test_closing_twice_retires_nothing_twice() -> None:
    state = make()
    rest(state, 1)
    state.shut()
    generation = state.generation
    state.shut()
    assert state.generation == generation
    assert state.retired == {"closed": 1}


def test_a_dial_that_succeeds_in_a_closed_pool_is_closed() -> None:
    state = make()
    slot = slot_of(state.claim(T0))
    state.shut()
    with pytest.raises(PoolClosed):
        state.opened(slot, object(), T0, HALF)
    audit(state)
    assert (slot.state, slot.reason, state.opening) == (CLOSING, "closed", 0)


def test_a_dial_that_fails_in_a_closed_pool_wakes_the_closer() -> None:
    state = make()
    slot = slot_of(state.claim(T0))
    closer = state.shut()
    state.open_failed(slot, OSError("refused"), T0, HALF)
    assert closer.ready
    assert [*state.woken] == [closer]
    assert state.events[-1] == ("open_failed", "OSError")


def test_a_lease_cancelled_in_a_closed_pool_is_closed() -> None:
    state = make(max_size=1)
    slot = lease(state)
    waiter = wait(state)
    give(state, slot)
    state.shut()
    state.cancel(waiter, T0)
    audit(state)
    assert slot.reason == "closed"


def test_a_new_pool_is_blank() -> None:
    state = make()
    assert (state.arrivals, state.generation, state.opening, state.failures) == (0, 0, 0, 0)
    assert (state.closed, state.connected, state.retry_at, state.last_error) == (False, False, 0.0, None)
    empty = (
        "slots",
        "idle",
        "suspects",
        "waiters",
        "closers",
        "woken",
        "doomed",
        "events",
        "counts",
        "retired",
    )
    assert [name for name in empty if getattr(state, name)] == []


def test_a_new_slot_is_blank() -> None:
    slot = Slot(7)
    assert (slot.state, slot.generation, slot.uses, slot.place, slot.reason) == (OPENING, 7, 0, 0, "")
    assert (slot.conn, slot.lent, slot.where) == (None, None, None)
    times = ("expires", "released")
    assert all(getattr(slot, f"{time}_{clock}") == 0.0 for time in times for clock in ("wall", "mono"))
    assert (slot.good_until, slot.taken_at) == (0.0, 0.0)


def test_a_new_waiter_is_blank_and_awake() -> None:
    waiter = Waiter(7)
    assert (waiter.place, waiter.slot, waiter.ready, waiter.signal, waiter.alarm) == (
        7,
        None,
        False,
        None,
        0.0,
    )


def test_these_moves_are_legal_and_no_others() -> None:
    assert {(a.value, b.value) for a, b in MOVES} == {
        ("opening", "leased"),
        ("opening", "closing"),
        ("opening", "gone"),
        ("leased", "leased"),
        ("leased", "idle"),
        ("leased", "suspect"),
        ("leased", "checking"),
        ("leased", "closing"),
        ("idle", "leased"),
        ("idle", "suspect"),
        ("idle", "closing"),
        ("suspect", "checking"),
        ("suspect", "closing"),
        ("checking", "leased"),
        ("checking", "suspect"),
        ("checking", "closing"),
        ("closing", "gone"),
    }
