"""What arrives while something else is going on: a thaw before a grant is noticed, an expiry before a doubt."""

from __future__ import annotations

import pytest
from tests.core.helpers import T0, at, close_doomed, give, lease, make, rest, slot_of, wait

from thawpool._core.audit import audit
from thawpool._core.slot import CHECKING, CLOSING, IDLE, LEASED, SUSPECT
from thawpool.errors import PoolClosed


def test_a_grant_noticed_after_a_thaw_is_checked() -> None:
    state = make(max_size=1)
    slot = lease(state)
    waiter = wait(state)
    give(state, slot)
    state.thaw(T0, "signal")
    assert state.woke(waiter, T0) is slot
    assert slot.state is CHECKING
    audit(state)


def test_a_grant_cancelled_after_a_thaw_is_suspect() -> None:
    state = make(max_size=1)
    slot = lease(state)
    waiter = wait(state)
    give(state, slot)
    state.thaw(T0, "signal")
    state.cancel(waiter, T0)
    audit(state)
    assert slot.state is SUSPECT
    assert state.take(T0.wall) is None


@pytest.mark.parametrize("end", ["expire", "shut"])
def test_a_connection_doubted_after_its_generation_ended_is_retired(end: str) -> None:
    """The look happens outside of the lock; an ``expire`` or ``close`` may come in between."""
    state = make(max_size=1)
    rest(state, 1)
    slot = state.take(T0.wall)
    assert slot is not None
    state.expire(T0) if end == "expire" else state.shut()
    state.doubt(slot, T0)
    audit(state)
    assert slot.state is CLOSING
    assert state.suspects == []


def test_a_doubted_connection_does_not_rest_beyond_a_smaller_max_size() -> None:
    state = make(max_size=2)
    one, two = rest(state, 2)
    assert state.take(T0.wall) is two
    assert state.take(T0.wall) is one
    state.resize(1, T0)
    state.doubt(two, T0)
    audit(state)
    assert two.reason == "surplus"


def test_a_grant_cancelled_does_not_rest_beyond_a_smaller_max_size() -> None:
    state = make(max_size=2)
    one, two = lease(state), lease(state)
    waiter = wait(state)
    give(state, one)
    state.resize(1, T0)
    state.cancel(waiter, T0)
    audit(state)
    assert one.reason == "surplus"
    assert two.state is LEASED


def test_what_is_closing_does_not_make_others_surplus() -> None:
    state = make(max_size=3)
    one, two, three = (lease(state) for _ in range(3))
    state.resize(2, T0)
    give(state, one)
    assert one.reason == "surplus"
    give(state, two)
    assert two.state is IDLE
    state.doomed.clear()  # the shell is closing the first one at this moment
    state.resize(2, T0)
    assert two.state is IDLE
    give(state, three)
    assert three.state is IDLE


def test_every_closer_is_woken() -> None:
    state = make(max_size=1)
    slot = lease(state)
    closers = [state.shut(), state.shut()]
    assert closers[0] is not closers[1]
    give(state, slot)
    assert not any(closer.ready for closer in closers)
    close_doomed(state)
    assert all(closer.ready for closer in closers)
    assert [*state.woken] == closers


def test_a_waiter_that_is_granted_and_then_shut_out_gives_its_grant_back() -> None:
    state = make(max_size=1)
    slot = lease(state)
    waiter = wait(state)
    give(state, slot)
    state.shut()
    with pytest.raises(PoolClosed):
        state.woke(waiter, T0)
    state.cancel(waiter, T0)
    audit(state)
    assert slot.state is CLOSING
    assert slot.reason == "closed"


def test_a_check_that_passes_after_an_expiry_serves_once_more() -> None:
    state = make(max_size=1)
    rest(state, 1)
    slot = slot_of(state.claim(at(5)))
    state.expire(at(5))
    state.passed(slot, at(5))
    assert slot.state is LEASED
    give(state, slot, at(5))
    assert slot.reason == "expired"
