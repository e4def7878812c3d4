"""The flows, driven by hand: each trap answered, failed or interrupted, and what is left after it."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Coroutine
from typing import Any

import pytest
from tests.core.helpers import T0, at, close_doomed, give, lease, make, rest, slot_of, wait

from thawpool import _flows
from thawpool._core.audit import audit
from thawpool._core.policy import Instant
from thawpool._core.slot import CHECKING, CLOSING, GONE, IDLE, LEASED, OPENING, SUSPECT, Slot
from thawpool._core.state import PoolState
from thawpool._traps import Check, Dial, Park, Reset, Trap
from thawpool.errors import ConnectFailed, Overloaded, PoolClosed, PoolSaturated, PoolTimeout

INTERRUPTIONS = [CancelledError, KeyboardInterrupt, GeneratorExit, SystemExit, RuntimeError]


class Host:
    """A pool as far as flows can see."""

    _connect_timeout = 2.0

    def __init__(self, state: PoolState) -> None:
        self._state = state
        self.instant = T0
        self.at_rest = True

    def _now(self) -> Instant:
        return self.instant

    def _random(self) -> float:
        return 0.5

    def _owes(self, *, leases: bool) -> bool:
        return self.at_rest and (self._state.opening > 0 or (leases and bool(self._state.out())))

    def _timed_out(self, phase: str, until: float) -> PoolTimeout:
        return PoolTimeout(f"until {until}", phase=phase)


class Run:
    """One flow, and the trap that it is in."""

    def __init__(self, flow: Coroutine[Trap, Any, Any]) -> None:
        self.flow = flow
        self.ended = False
        self.result: Any = None
        self.trap: Any = None
        self.go()

    def go(self, answer: Any = None) -> Any:
        """Answer the trap; returns the next, or the result."""
        try:
            self.trap = self.flow.send(answer)
        except StopIteration as stop:
            self.ended, self.result = True, stop.value
            return stop.value
        return self.trap

    def fail(self, error: BaseException) -> Any:
        self.trap = self.flow.throw(error)
        return self.trap


def pool(max_size: int = 2, **limits: Any) -> tuple[Host, PoolState]:
    state = make(max_size, **limits)
    return Host(state), state


def start(host: Host, timeout: float = 5.0) -> Run:
    return Run(_flows.acquire(host, host.instant.mono + timeout))


REFUSED = ConnectFailed("refused", transient=True)
PASSWORD = ConnectFailed("password", transient=False)
FULL = Overloaded("full")


def connected(host: Host, state: PoolState) -> None:
    """The pool has had a connection, and has none."""
    state.retire(lease(state), "busy")
    close_doomed(state)


# -- acquire -----------------------------------------------------------------------------------------


def test_a_trusted_connection_is_had_without_a_trap() -> None:
    host, state = pool()
    (slot,) = rest(state, 1)
    assert start(host).result is slot
    assert slot.state is LEASED


def test_a_dial_may_take_connect_timeout_but_no_longer_than_the_request_has() -> None:
    host, _ = pool()
    assert start(host).trap.until == T0.mono + 2.0
    assert start(host, 0.5).trap.until == T0.mono + 0.5


def test_a_dial_gives_a_lease() -> None:
    host, state = pool()
    run = start(host)
    assert type(run.trap) is Dial
    conn = object()
    slot = run.go(conn)
    assert run.ended
    assert (slot.conn, slot.state) == (conn, LEASED)
    assert slot.expires_wall == T0.wall + 1800.0 * 0.975
    audit(state)


def test_a_probe_may_take_half_a_second_but_no_longer_than_the_request_has() -> None:
    host, state = pool()
    rest(state, 2)
    state.thaw(T0, "signal")
    assert start(host).trap.until == T0.mono + 0.5
    assert start(host, 0.2).trap.until == T0.mono + 0.2


def test_a_connection_that_passes_its_check_is_leased() -> None:
    host, state = pool()
    (slot,) = rest(state, 1)
    state.thaw(T0, "signal")
    run = start(host)
    assert type(run.trap) is Check
    assert run.trap.slot is slot
    assert run.go("") is slot
    assert (slot.state, state.counts["checks"]) == (LEASED, 1)


@pytest.mark.parametrize("failure, next_trap", [("lost", Check), ("check", Dial)])
def test_after_a_failed_check_comes_the_next_best(failure: str, next_trap: type) -> None:
    host, state = pool(max_size=3)
    rest(state, 2)
    state.thaw(T0, "signal")
    run = start(host)
    assert type(run.go(failure)) is next_trap
    assert state.retired[failure] == 1
    audit(state)


def test_a_check_that_fails_at_the_end_of_the_time_is_a_timeout() -> None:
    host, state = pool()
    rest(state, 2)
    state.thaw(T0, "signal")
    run = start(host, 0.3)
    host.instant = at(0.3)
    with pytest.raises(PoolTimeout) as caught:
        run.go("lost")
    assert caught.value.phase == "checking"
    assert state.retired == {"lost": 1}
    assert len(state.suspects) == 1
    audit(state)


def test_the_last_check_that_fails_at_the_end_of_the_time_is_a_timeout_of_checking() -> None:
    host, state = pool(max_size=1)
    rest(state, 1)
    state.thaw(T0, "signal")
    run = start(host, 0.3)
    host.instant = at(0.3)
    with pytest.raises(PoolTimeout, match=f"until {T0.mono + 0.3}") as caught:
        run.go("check")
    assert caught.value.phase == "checking"
    assert not state.waiters


@pytest.mark.parametrize("interruption", INTERRUPTIONS)
def test_an_interrupted_check_never_lets_its_connection_back(interruption: type[BaseException]) -> None:
    """A reply may still be on its way."""
    host, state = pool()
    (slot,) = rest(state, 1)
    state.thaw(T0, "signal")
    run = start(host)
    error = interruption()
    with pytest.raises(interruption) as caught:
        run.fail(error)
    assert caught.value is error
    assert (slot.state, slot.reason) == (CLOSING, "cancelled")
    audit(state)


@pytest.mark.parametrize("interruption", INTERRUPTIONS)
def test_an_interrupted_dial_frees_its_seat(interruption: type[BaseException]) -> None:
    host, state = pool(max_size=1)
    run = start(host)
    waiter = wait(state)
    error = interruption()
    with pytest.raises(interruption) as caught:
        run.fail(error)
    assert caught.value is error
    assert waiter.slot is not None
    assert waiter.slot.state is OPENING
    assert state.failures == 0
    audit(state)


@pytest.mark.parametrize("interruption", INTERRUPTIONS)
@pytest.mark.parametrize("granted", [False, True])
def test_an_interrupted_sleep_leaves_the_queue_or_gives_back(
    interruption: type[BaseException], granted: bool
) -> None:
    host, state = pool(max_size=1)
    slot = lease(state)
    run = start(host)
    assert type(run.trap) is Park
    if granted:
        give(state, slot)
    error = interruption()
    with pytest.raises(interruption) as caught:
        run.fail(error)
    assert caught.value is error
    assert not state.waiters
    assert slot.state is (IDLE if granted else LEASED)
    audit(state)


def test_a_sleep_ends_with_the_request() -> None:
    host, state = pool(max_size=1)
    lease(state)
    run = start(host)
    assert run.trap.until == T0.mono + 5.0
    assert type(run.go()) is Park  # woken for nothing
    host.instant = at(5.0)
    with pytest.raises(PoolTimeout) as caught:
        run.go()
    assert caught.value.phase == "waiting"
    assert not state.waiters
    audit(state)


def test_a_grant_is_taken_even_when_the_time_is_over() -> None:
    host, state = pool(max_size=1)
    slot = lease(state)
    run = start(host, 0.5)
    host.instant = at(0.5)
    give(state, slot, at(0.5))
    assert run.go() is slot


@pytest.mark.parametrize("owed, phase", [(CHECKING, "checking"), (OPENING, "connecting")])
def test_no_check_and_no_dial_begins_when_the_time_is_over(owed: object, phase: str) -> None:
    host, state = pool(max_size=1)
    slot = lease(state)
    run = start(host, 3.0)
    host.instant = at(3.0)
    if owed is CHECKING:
        give(state, slot, at(3.0))
    else:
        state.retire(slot, "busy")
        close_doomed(state, at(3.0))
    with pytest.raises(PoolTimeout) as caught:
        run.go()
    assert caught.value.phase == phase
    assert slot.state is (SUSPECT if owed is CHECKING else GONE)
    assert state.opening == 0
    audit(state)


def test_a_pool_that_never_connected_does_not_retry() -> None:
    host, state = pool()
    run = start(host)
    with pytest.raises(ConnectFailed) as caught:
        run.fail(REFUSED)
    assert caught.value is REFUSED
    assert (state.opening, state.failures) == (0, 1)
    audit(state)


def test_a_refused_dial_is_tried_again_after_a_pause() -> None:
    host, state = pool()
    connected(host, state)
    run = start(host)
    park = run.fail(REFUSED)
    assert type(park) is Park
    assert park.until == state.retry_at == T0.mono + 0.015
    audit(state)
    host.instant = at(0.015)
    assert type(run.go()) is Dial
    assert run.go(object()).state is LEASED


def test_a_dial_that_cannot_get_better_is_not_tried_again() -> None:
    host, state = pool()
    connected(host, state)
    run = start(host)
    with pytest.raises(ConnectFailed) as caught:
        run.fail(PASSWORD)
    assert caught.value is PASSWORD
    audit(state)


def test_a_pause_that_outlasts_the_request_is_not_waited_for() -> None:
    host, state = pool()
    connected(host, state)
    run = start(host, 0.015)
    with pytest.raises(ConnectFailed):
        run.fail(REFUSED)
    run = start(host, 10.0)
    assert type(run.trap) is Park


def test_a_dial_that_fails_at_the_end_of_the_time_is_a_timeout_that_says_why() -> None:
    host, state = pool()
    connected(host, state)
    for error in (REFUSED, PASSWORD, FULL):
        run = start(host, 1.0)
        host.instant = Instant(host.instant.wall + 1.0, host.instant.mono + 1.0)
        with pytest.raises(PoolTimeout) as caught:
            run.fail(error)
        assert caught.value.phase == "connecting"
        assert caught.value.__cause__ is error
        audit(state)
        state.failures = 0


def test_a_dial_cut_short_by_its_caller_delays_no_other() -> None:
    host, state = pool()
    connected(host, state)
    run = start(host, 1.0)  # connect_timeout is 2.0
    host.instant = Instant(host.instant.wall + 1.0, host.instant.mono + 1.0)
    with pytest.raises(PoolTimeout):
        run.fail(REFUSED)
    assert (state.failures, state.opening) == (0, 0)
    assert state.last_error is not None
    assert [type(start(host).trap) for _ in range(2)] == [Dial, Dial]
    audit(state)


def test_a_dial_that_had_its_full_time_counts_as_an_outage() -> None:
    host, state = pool()
    connected(host, state)
    run = start(host, 2.0)
    host.instant = Instant(host.instant.wall + 2.0, host.instant.mono + 2.0)
    with pytest.raises(PoolTimeout):
        run.fail(REFUSED)
    assert state.failures == 1
    audit(state)


@pytest.mark.parametrize("error, failures", [(REFUSED, 0), (PASSWORD, 1), (FULL, 1)])
@pytest.mark.parametrize("flow", ["acquire", "warm"])
def test_only_a_silence_that_the_caller_cut_short_says_nothing_of_the_server(
    flow: str, error: Exception, failures: int
) -> None:
    host, state = pool()
    connected(host, state)
    until = T0.mono + 1.0
    run = Run(_flows.acquire(host, until) if flow == "acquire" else _flows.warm(host, 1, until))
    host.instant = at(1.0)
    with pytest.raises(PoolTimeout):
        run.fail(error)
    assert state.failures == failures
    audit(state)


def test_a_full_server_is_waited_for_only_while_a_lease_may_come_back() -> None:
    host, state = pool()
    held = lease(state)
    run = start(host)
    park = run.fail(FULL)
    assert type(park) is Park
    assert park.until == T0.mono + 0.75
    give(state, held)
    assert run.go() is held
    state.retire(held, "busy")
    close_doomed(state)
    state.failures = 0
    with pytest.raises(Overloaded) as caught:
        start(host).fail(FULL)
    assert caught.value is FULL
    audit(state)


def test_a_full_pool_that_saturates_or_closes_says_so() -> None:
    host, state = pool(max_size=1, max_waiting=1)
    lease(state)
    run = start(host)
    with pytest.raises(PoolSaturated):
        start(host)
    state.shut()
    with pytest.raises(PoolClosed):
        run.go()
    with pytest.raises(PoolClosed):
        start(host)
    audit(state)


def test_a_pool_that_closes_during_a_dial_or_a_check_says_so() -> None:
    host, state = pool(max_size=3)
    rest(state, 1)
    state.thaw(T0, "signal")
    checking, dialing, failing = start(host), start(host), start(host)
    state.shut()
    with pytest.raises(PoolClosed):
        dialing.go(object())
    with pytest.raises(PoolClosed):
        checking.go("")
    with pytest.raises(ConnectFailed):
        failing.fail(PASSWORD)
    audit(state)
    close_doomed(state)
    assert not state.slots


def test_a_pool_that_closes_ends_who_would_ask_again() -> None:
    host, state = pool(max_size=2)
    rest(state, 1)
    state.thaw(T0, "signal")
    checking, dialing = start(host), start(host)
    state.shut()
    with pytest.raises(PoolClosed):
        checking.go("lost")
    with pytest.raises(PoolClosed):
        dialing.fail(REFUSED)
    audit(state)


# -- release -----------------------------------------------------------------------------------------


def test_a_clean_reset_gives_the_connection_back() -> None:
    host, state = pool()
    slot = lease(state)
    run = Run(_flows.release(host, slot))
    assert type(run.trap) is Reset
    assert (run.trap.slot, run.trap.until) == (slot, T0.mono + 1.0)
    run.go(True)
    assert run.ended
    assert slot.state is IDLE


def test_a_reset_ends_with_the_borrowers_time() -> None:
    host, state = pool()
    assert Run(_flows.release(host, lease(state), T0.mono + 0.2)).trap.until == T0.mono + 0.2


def test_a_reset_that_fails_retires_the_connection() -> None:
    host, state = pool()
    slot = lease(state)
    Run(_flows.release(host, slot)).go(False)
    assert (slot.state, slot.reason) == (CLOSING, "dirty")
    audit(state)


@pytest.mark.parametrize("interruption", INTERRUPTIONS)
def test_an_interrupted_reset_retires_the_connection(interruption: type[BaseException]) -> None:
    host, state = pool(max_size=1)
    slot = lease(state)
    run = Run(_flows.release(host, slot))
    error = interruption()
    with pytest.raises(interruption) as caught:
        run.fail(error)
    assert caught.value is error
    assert (slot.state, slot.reason) == (CLOSING, "cancelled")
    audit(state)


def test_a_connection_that_another_state_took_over_is_left_alone() -> None:
    """A fork, or the end of an event loop, has forgotten it meanwhile."""
    host, state = pool()
    slot = lease(state)
    run = Run(_flows.release(host, slot))
    slot.state = GONE
    state.slots.clear()
    run.go(True)
    assert run.ended
    assert slot.state is GONE


# -- warm --------------------------------------------------------------------------------------------


def test_warm_opens_what_is_missing() -> None:
    host, state = pool(max_size=4)
    rest(state, 1)
    run = Run(_flows.warm(host, 3, T0.mono + 5.0))
    assert type(run.trap) is Dial
    assert run.trap.until == T0.mono + 2.0
    run.go(object())
    run.go(object())
    assert run.result == 2
    assert len(state.idle) == 3
    assert state.opening == 0
    audit(state)


def test_what_warm_opened_was_not_used() -> None:
    host, state = pool(max_uses=1)
    assert Run(_flows.warm(host, 1, T0.mono + 5.0)).go(object()) == 1
    (slot,) = state.idle
    assert slot.uses == 0


def test_what_warm_opened_goes_to_whoever_waits() -> None:
    host, _state = pool(max_size=1)
    run = Run(_flows.warm(host, 1, T0.mono + 5.0))
    other = start(host)
    assert run.go(object()) == 1
    assert other.go().state is LEASED


def test_warm_has_nothing_to_do_when_enough_are_open() -> None:
    host, state = pool()
    rest(state, 2)
    assert Run(_flows.warm(host, 2, T0.mono + 5.0)).result == 0


def test_warm_ends_with_its_time() -> None:
    host, state = pool(max_size=3)
    run = Run(_flows.warm(host, 3, T0.mono + 1.0))
    assert run.trap.until == T0.mono + 1.0
    host.instant = at(1.0)
    with pytest.raises(PoolTimeout) as caught:
        run.go(object())
    assert caught.value.phase == "connecting"
    assert len(state.idle) == 1
    assert state.opening == 0
    audit(state)


@pytest.mark.parametrize("error", [REFUSED, PASSWORD, FULL])
def test_warm_passes_on_why_a_dial_failed(error: Exception) -> None:
    host, state = pool()
    run = Run(_flows.warm(host, 2, T0.mono + 5.0))
    with pytest.raises(type(error)) as caught:
        run.fail(error)
    assert caught.value is error
    assert (state.opening, state.failures) == (0, 1)
    assert state.retry_at == T0.mono + (0.75 if error is FULL else 0.015)
    audit(state)


@pytest.mark.parametrize("error", [REFUSED, PASSWORD, FULL])
def test_a_dial_of_warm_that_fails_too_late_is_a_timeout(error: Exception) -> None:
    host, state = pool()
    run = Run(_flows.warm(host, 2, T0.mono + 1.0))
    host.instant = at(1.0)
    with pytest.raises(PoolTimeout) as caught:
        run.fail(error)
    assert caught.value.__cause__ is error
    audit(state)


@pytest.mark.parametrize("interruption", INTERRUPTIONS)
def test_an_interrupted_warm_frees_its_seat(interruption: type[BaseException]) -> None:
    host, state = pool()
    run = Run(_flows.warm(host, 2, T0.mono + 5.0))
    error = interruption()
    with pytest.raises(interruption) as caught:
        run.fail(error)
    assert caught.value is error
    assert not state.slots
    assert state.failures == 0
    audit(state)


def test_warm_in_a_pool_that_closes_says_so() -> None:
    host, state = pool()
    run = Run(_flows.warm(host, 2, T0.mono + 5.0))
    state.shut()
    with pytest.raises(PoolClosed):
        run.go(object())
    close_doomed(state)
    assert not state.slots
    with pytest.raises(PoolClosed):
        Run(_flows.warm(host, 2, T0.mono + 5.0))


# -- settle ------------------------------------------------------------------------------------------


def test_nothing_under_way_is_settled_at_once() -> None:
    host, state = pool()
    rest(state, 1)
    assert Run(_flows.settle(host, T0.mono + 5.0)).ended


def test_a_lease_that_is_out_is_waited_for() -> None:
    host, state = pool()
    slot = lease(state)
    run = Run(_flows.settle(host, T0.mono + 5.0))
    assert type(run.trap) is Park
    assert run.trap.until == pytest.approx(T0.mono + _flows.SETTLE_STEP)
    host.instant = at(_flows.SETTLE_STEP)
    assert type(run.go()) is Park, "still out"
    give(state, slot)
    run.go()
    assert run.ended


def test_leases_may_be_left_alone_and_dials_not() -> None:
    host, state = pool()
    lease(state)
    assert Run(_flows.settle(host, T0.mono + 5.0, leases=False)).ended
    opening = state.claim(T0)
    run = Run(_flows.settle(host, T0.mono + 5.0, leases=False))
    assert not run.ended
    state.cancel(opening, T0)
    run.go()
    assert run.ended


def test_the_next_invocation_ends_the_waiting() -> None:
    host, state = pool()
    lease(state)
    run = Run(_flows.settle(host, T0.mono + 5.0))
    host.at_rest = False
    run.go()
    assert run.ended


def test_settling_gives_up_at_its_time_and_no_earlier() -> None:
    host, state = pool()
    lease(state)
    run = Run(_flows.settle(host, T0.mono + 0.007))
    host.instant = at(0.005)
    trap = run.go()
    assert type(trap) is Park
    assert trap.until == T0.mono + 0.007
    host.instant = at(0.007)
    run.go()
    assert run.ended


# -- close -------------------------------------------------------------------------------------------


def test_an_empty_pool_closes_at_once() -> None:
    host, state = pool()
    assert Run(_flows.close(host, T0.mono + 5.0)).result is True
    assert state.closed


def test_close_waits_for_what_is_out() -> None:
    host, state = pool()
    slot = lease(state)
    run = Run(_flows.close(host, T0.mono + 5.0))
    assert type(run.trap) is Park
    assert run.trap.until == T0.mono + 5.0
    assert type(run.go()) is Park  # woken for nothing
    give(state, slot)
    close_doomed(state)
    assert run.trap.waiter.ready
    assert run.go() is True


def test_close_gives_up_at_its_time() -> None:
    host, state = pool()
    lease(state)
    run = Run(_flows.close(host, T0.mono + 5.0))
    host.instant = at(5.0)
    assert run.go() is False
    assert run.ended


def test_an_interrupted_close_leaves_the_pool_closed() -> None:
    host, state = pool()
    slot: Slot = slot_of(lease(state))
    run = Run(_flows.close(host, T0.mono + 5.0))
    with pytest.raises(CancelledError):
        run.fail(CancelledError())
    give(state, slot)
    close_doomed(state)
    assert Run(_flows.close(host, T0.mono + 5.0)).result is True
