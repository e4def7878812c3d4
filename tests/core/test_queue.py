"""Who is served, and in which order: first come, first served, through every failure in between."""

from __future__ import annotations

import pytest
from tests.core.helpers import HALF, T0, at, close_doomed, give, lease, make, rest, slot_of, wait, waiter_of

from thawpool._core.audit import audit
from thawpool._core.policy import Instant
from thawpool._core.slot import CHECKING, IDLE, LEASED, OPENING, SUSPECT
from thawpool._core.waiters import Queue, Waiter
from thawpool.errors import PoolSaturated


def test_returns_go_to_the_first_waiter_without_a_stop() -> None:
    state = make(max_size=1)
    slot = lease(state)
    first, second = wait(state), wait(state)
    give(state, slot, at(0.1))
    assert first.slot is slot
    assert first.ready
    assert [*state.woken] == [first]
    assert slot.state is LEASED
    assert second.slot is None
    assert state.woke(first, at(0.1)) is slot


def test_a_newcomer_does_not_overtake_a_waiter() -> None:
    state = make(max_size=1)
    slot = lease(state)
    wait(state)
    give(state, slot)
    wait(state)
    assert len(state.waiters) == 1


def test_a_request_keeps_its_place_when_its_check_fails() -> None:
    """An outage's pause is over when the check fails: the dial is the earlier request's, not the waiter's."""
    state = make(max_size=2)
    one, two = lease(state), lease(state)
    state.retire(two, "lost")
    close_doomed(state)
    state.open_failed(slot_of(state.claim(T0)), OSError("refused"), T0, HALF)
    give(state, one)
    checked = slot_of(state.claim(at(5)))
    assert checked is one
    assert checked.state is CHECKING
    state.retry_at = at(9).mono
    later = wait(state, at(5))
    state.failed(checked, "check")
    audit(state)
    assert later.slot is None
    assert slot_of(state.again(checked, at(9))).state is OPENING
    assert later.slot is None


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_requests_whose_dials_fail_queue_as_they_came(order: tuple[int, ...]) -> None:
    state = make(max_size=4)
    held = lease(state)
    dials = [slot_of(state.claim(T0)) for _ in range(3)]
    last = wait(state)
    back: dict[int, Waiter] = {}
    for n in order:
        state.open_failed(dials[n], OSError("refused"), T0, HALF)
        back[n] = waiter_of(state.again(dials[n], T0))
        audit(state)
    assert list(state.waiters) == [back[0], back[1], back[2], last]
    give(state, held)
    assert back[0].slot is held


def test_whoever_comes_back_waits_behind_an_earlier_request() -> None:
    """A seat is free and the pause is over, but an earlier request is in the queue: it dials."""
    state = make(max_size=2)
    held = lease(state)
    first = slot_of(state.claim(T0))
    state.open_failed(first, OSError("refused"), T0, HALF)
    earlier = waiter_of(state.again(first, T0))
    give(state, held)
    assert state.woke(earlier, T0) is held


def test_more_than_max_waiting_is_refused() -> None:
    state = make(max_size=1, max_waiting=1)
    lease(state)
    wait(state)
    with pytest.raises(
        PoolSaturated, match=r"1 requests already wait for one of 1 connections \(max_waiting=1\)"
    ):
        state.claim(T0)
    assert len(state.waiters) == 1
    audit(state)


def test_max_waiting_does_not_refuse_who_need_not_wait() -> None:
    state = make(max_size=1, max_waiting=0)
    slot = lease(state)
    with pytest.raises(PoolSaturated):
        state.claim(T0)
    give(state, slot)
    assert slot_of(state.claim(T0)) is slot


def test_max_waiting_does_not_refuse_who_was_being_served() -> None:
    state = make(max_size=2, max_waiting=1)
    lease(state)
    dial = slot_of(state.claim(T0))
    wait(state)
    state.open_failed(dial, OSError("refused"), T0, HALF)
    back = waiter_of(state.again(dial, T0))
    assert state.waiters.head() is back


def test_a_waiter_that_leaves_is_not_granted() -> None:
    state = make(max_size=1)
    slot = lease(state)
    first, second = wait(state), wait(state)
    state.cancel(first, T0)
    audit(state)
    give(state, slot)
    assert first.slot is None
    assert second.slot is slot


def test_a_grant_that_is_cancelled_goes_to_the_next() -> None:
    """The race that other pools lost connections by: served, and cancelled before it knew."""
    state = make(max_size=1)
    slot = lease(state)
    first, second = wait(state), wait(state)
    give(state, slot)
    state.cancel(first, T0)
    audit(state)
    assert second.slot is slot


def test_a_grant_that_is_cancelled_rests_with_the_trust_it_had() -> None:
    state = make(max_size=1)
    slot = lease(state)
    first = wait(state)
    give(state, slot)
    state.cancel(first, at(0.5))
    audit(state)
    assert slot.state is IDLE
    assert state.take(at(0.9).wall) is slot


@pytest.mark.parametrize("late", [at(1.0), at(0.0, wall=600.0), at(0.5, wall=-600.0)])
def test_a_grant_that_is_cancelled_too_late_for_trust_is_suspect(late: Instant) -> None:
    state = make(max_size=1)
    slot = lease(state)
    first = wait(state)
    give(state, slot)
    state.cancel(first, late)
    audit(state)
    assert slot.state is SUSPECT


@pytest.mark.parametrize("late", [at(1.0), at(0.0, wall=600.0), at(0.5, wall=-600.0)])
def test_a_grant_that_is_noticed_too_late_is_checked(late: Instant) -> None:
    state = make(max_size=1)
    slot = lease(state)
    first = wait(state)
    give(state, slot)
    assert state.woke(first, late) is slot
    assert slot.state is CHECKING
    audit(state)


def test_a_granted_lease_begins_when_it_is_noticed() -> None:
    state = make(max_size=1)
    slot = lease(state)
    first = wait(state)
    give(state, slot)
    assert state.woke(first, at(0.5)) is slot
    assert slot.taken_at == at(0.5).wall
    give(state, slot, at(1.4))
    assert slot.state is IDLE


def test_who_is_awake_is_not_woken() -> None:
    state = make(max_size=2)
    held = lease(state)
    assert slot_of(state.claim(T0)).state is OPENING
    first = wait(state)
    state.retire(held, "busy")
    close_doomed(state)
    assert [*state.woken] == [first]
    state.woken.clear()
    state.cancel(slot_of(state.woke(first, T0)), T0)
    assert not state.woken


def test_the_queue_keeps_the_order_of_arrival() -> None:
    queue = Queue()
    waiters = [Waiter(place) for place in range(5)]
    queue.join(waiters[4])
    for place in (1, 3, 0, 2):
        queue.rejoin(waiters[place])
    assert list(queue) == waiters
    assert queue.head() is waiters[0]
    assert queue.next() is waiters[0]
    queue.leave(waiters[2])
    queue.leave(waiters[2])
    assert list(queue) == [waiters[1], waiters[3], waiters[4]]
    assert Queue().head() is None


def test_max_waiting_does_not_count_who_waits_for_a_seat_that_is_being_closed() -> None:
    """After a long sleep the first request closes what is too old: it must not be refused for that."""
    state = make(max_size=2, max_waiting=0)
    rest(state, 2)
    first, second = wait(state, at(60)), wait(state, at(60))
    with pytest.raises(PoolSaturated):
        state.claim(at(60))
    close_doomed(state, at(60))
    assert first.slot is not None
    assert second.slot is not None


@pytest.mark.parametrize("waiting", [0, 1])
def test_max_waiting_counts_who_waits_for_a_seat_that_will_not_be_free(waiting: int) -> None:
    state = make(max_size=3, max_waiting=waiting)
    one, _, _ = lease(state), lease(state), lease(state)
    state.resize(1, T0)
    give(state, one)
    for _ in range(waiting):
        wait(state)
    with pytest.raises(PoolSaturated):
        state.claim(T0)
