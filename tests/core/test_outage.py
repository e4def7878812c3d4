"""Failed dials: who tries again, when, and who is told."""

from __future__ import annotations

import pytest
from tests.core.helpers import HALF, T0, at, close_doomed, give, lease, make, outage, slot_of, wait, waiter_of

from thawpool._core.audit import audit
from thawpool._core.policy import HUNG_DIAL
from thawpool._core.slot import GONE, OPENING

INFINITY = float("inf")


def test_in_an_outage_nobody_dials_before_the_pause_is_over() -> None:
    state = make()
    outage(state)
    waiter = wait(state)
    assert state.wake_at(waiter) == state.retry_at == T0.mono + 0.015
    assert state.woke(waiter, at(0.0149)) is waiter
    assert slot_of(state.woke(waiter, at(0.015))).state is OPENING
    audit(state)


def test_in_an_outage_one_dials_and_the_others_wait_for_news() -> None:
    state = make()
    outage(state)
    first, second = wait(state), wait(state)
    assert state.wake_at(first) == state.retry_at
    assert state.wake_at(second) == INFINITY
    slot = slot_of(state.woke(first, at(1)))
    assert state.woke(second, at(1)) is second
    assert state.wake_at(second) == at(1).mono + HUNG_DIAL
    state.opened(slot, object(), at(1), HALF)
    audit(state)
    assert second.slot is not None
    assert second.slot.state is OPENING


def test_a_dial_that_hangs_does_not_hold_up_the_others() -> None:
    """A server that is well again is found, though an older dial still waits for the word of a dead one."""
    state = make()
    outage(state)
    first, second = wait(state), wait(state)
    hung = slot_of(state.woke(first, at(1)))
    assert second.ready, "it is told to wake in time"
    assert state.woke(second, at(1)) is second
    state.wake_at(second)
    assert state.woke(second, at(1.999)) is second
    slot = slot_of(state.woke(second, at(2)))
    assert (slot.state, hung.state) == (OPENING, OPENING)
    state.opened(slot, object(), at(2), HALF)
    audit(state)
    assert state.failures == 0
    state.open_failed(hung, OSError("timed out"), at(5), HALF)
    audit(state)


def test_one_that_hangs_in_a_full_pool_holds_its_seat() -> None:
    state = make(max_size=1)
    outage(state)
    first, second = wait(state), wait(state)
    hung = slot_of(state.woke(first, at(1)))
    assert state.woke(second, at(9)) is second
    assert state.wake_at(second) == INFINITY
    state.cancel(hung, at(9))
    assert second.slot is not None
    assert second.slot.state is OPENING
    audit(state)


def test_after_a_hung_dial_was_given_up_the_next_need_not_wait_for_it() -> None:
    state = make()
    outage(state)
    first, second = wait(state), wait(state)
    hung = slot_of(state.woke(first, at(1)))
    state.woke(second, at(1))
    state.wake_at(second)
    state.cancel(hung, at(1.2))
    assert second.slot is not None
    assert second.slot.state is OPENING
    audit(state)


def test_whoever_becomes_first_in_an_outage_is_told() -> None:
    state = make()
    outage(state)
    first, second = wait(state), wait(state)
    state.cancel(first, T0)
    assert [*state.woken] == [second]
    assert (second.ready, second.slot) == (True, None)
    assert state.woke(second, T0) is second
    assert (second.ready, second.slot) == (False, None)
    assert state.wake_at(second) == state.retry_at
    audit(state)


def test_the_next_in_line_is_told_once_and_after_who_was_served() -> None:
    state = make(max_size=2)
    held = lease(state)
    state.open_failed(slot_of(state.claim(T0)), OSError("refused"), T0, HALF)
    first, second, third = wait(state), wait(state), wait(state)
    give(state, held)
    assert [*state.woken] == [first, second]
    state.cancel(third, T0)
    assert [*state.woken] == [first, second]


def test_whoever_woke_to_dial_is_not_woken_for_it() -> None:
    state = make()
    outage(state)
    first = wait(state)
    assert slot_of(state.woke(first, at(1))).state is OPENING
    assert not state.woken


def test_events_are_told_in_order() -> None:
    state = make()
    lease(state)
    state.thaw(T0, "signal")
    lease(state)
    state.expire(T0)
    state.resize(3, T0)
    state.open_failed(slot_of(state.claim(T0)), OSError("refused"), T0, HALF)
    assert state.events == [("opened", ""), ("thawed", "signal"), ("opened", ""), ("open_failed", "OSError")]


def test_whoever_sleeps_until_the_next_dial_is_not_woken_before() -> None:
    """Each newcomer would wake the first waiter otherwise, and it would find nothing new."""
    state = make()
    outage(state)
    first = wait(state)
    state.wake_at(first)
    first.ready = False
    state.woken.clear()
    for _ in range(3):
        state.claim(T0)
    assert not first.ready
    assert not state.woken


def test_whoever_sleeps_longer_than_the_new_pause_is_woken() -> None:
    """After a full server's long pause a dial came off and another failed: the new pause is short."""
    state = make(max_size=3)
    outage(state)
    full = slot_of(state.claim(at(1)))
    state.open_failed(full, OSError("full"), at(1), HALF, full=True)
    first = wait(state, at(1))
    assert state.wake_at(first) == at(1).mono + 0.75
    first.ready = False
    state.retry_at = at(1).mono + 0.02
    state.cancel(wait(state, at(1)), at(1))
    assert first.ready


def test_without_room_nobody_sleeps_until_the_next_dial() -> None:
    """A smaller ``max_size`` in an outage left no seat, and the first waiter spun on a pause that was over."""
    state = make(max_size=2)
    held = lease(state)
    dial = slot_of(state.claim(T0))
    state.open_failed(dial, OSError("refused"), T0, HALF)
    state.resize(1, T0)
    waiter = waiter_of(state.again(dial, T0))
    assert state.wake_at(waiter) == INFINITY
    state.retire(held, "lost")
    close_doomed(state, at(1))
    assert waiter.slot is not None
    assert waiter.slot.state is OPENING


def test_room_in_an_outage_wakes_the_first_waiter() -> None:
    state = make(max_size=1)
    outage(state)
    slot = slot_of(state.claim(at(1)))
    waiter = wait(state, at(1))
    assert state.wake_at(waiter) == INFINITY
    waiter.ready = False
    state.open_failed(slot, OSError("refused"), at(1), HALF)
    assert waiter.ready
    state.woke(waiter, at(1))
    assert state.wake_at(waiter) == state.retry_at
    audit(state)


@pytest.mark.parametrize("failures", [0, 1, 3])
def test_a_pool_that_never_connected_dials_for_everybody(failures: int) -> None:
    state = make(max_size=2)
    for _ in range(failures):
        state.open_failed(slot_of(state.claim(T0)), OSError("refused"), T0, HALF)
        audit(state)
    first, second = slot_of(state.claim(T0)), slot_of(state.claim(T0))
    third = wait(state)
    assert first.state is second.state is OPENING
    state.open_failed(first, OSError("refused"), T0, HALF)
    assert third.slot is not None
    assert third.slot.state is OPENING
    audit(state)


def test_a_dial_that_succeeds_ends_the_outage() -> None:
    state = make(max_size=3)
    outage(state)
    assert (state.failures, type(state.last_error)) == (1, OSError)
    slot = slot_of(state.claim(at(1)))
    waiting = [wait(state, at(1)) for _ in range(3)]
    state.opened(slot, object(), at(1), HALF)
    assert (state.failures, state.last_error) == (0, None)
    assert [w.slot is not None for w in waiting] == [True, True, False]
    audit(state)
    give(state, slot, at(1))
    assert waiting[2].slot is slot


def test_a_dial_cut_short_by_its_caller_is_no_outage() -> None:
    state = make(max_size=1)
    state.retire(lease(state), "busy")
    close_doomed(state)
    dialing = slot_of(state.claim(T0))
    waiter = wait(state)
    error = OSError("no answer so far")
    state.open_cut(dialing, error, at(1))
    audit(state)
    assert (dialing.state, state.failures, state.last_error) == (GONE, 0, error)
    assert (state.counts["open_failed"], state.events[-1]) == (1, ("open_failed", "OSError"))
    assert waiter.slot is not None
    assert waiter.slot.state is OPENING
