"""The bugs that pools are known for, put in on purpose: the simulator must find each, and soon."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable, Generator
from typing import Any

import pytest

from thawpool import _flows
from thawpool._core.policy import Instant
from thawpool._core.slot import CLOSING, IDLE, LEASED, OPENING, SUSPECT, Slot
from thawpool._core.state import PoolState
from thawpool._core.waiters import Queue, Waiter
from thawpool._traps import Dial, Park, Reset
from thawpool.errors import PoolTimeout
from thawpool.testing.simulator import Simulator, Violation

#: Seeds among which each bug must show; most need one or two.
ENOUGH = 150

Patch = Callable[[pytest.MonkeyPatch], None]
BUGS: list[Any] = []

cancel, give, retire, gone, thaw = (
    PoolState.cancel,
    PoolState.give,
    PoolState.retire,
    PoolState.gone,
    PoolState.thaw,
)
acquire, release = _flows.acquire, _flows.release


def bug(rules: str) -> Callable[[Patch], Patch]:
    """A bug, and the rules any of which may report it."""

    def register(patch: Patch) -> Patch:
        BUGS.append(pytest.param(patch, rules, id=patch.__name__))
        return patch

    return register


# -- slots that are lost -----------------------------------------------------------------------------


@bug("a slot was lost|a flow sleeps|a request waits")
def a_slot_is_forgotten_when_cancelled_after_the_grant(patch: pytest.MonkeyPatch) -> None:
    def broken(self: PoolState, claim: Slot | Waiter, now: Any) -> None:
        if isinstance(claim, Waiter) and claim.slot is not None:
            return
        cancel(self, claim, now)

    patch.setattr(PoolState, "cancel", broken)


@bug("a slot was lost|a flow sleeps|a request waits")
def a_cancelled_dial_leaves_its_seat_taken(patch: pytest.MonkeyPatch) -> None:
    def broken(self: PoolState, claim: Slot | Waiter, now: Any) -> None:
        if isinstance(claim, Slot) and claim.state is OPENING:
            return
        cancel(self, claim, now)

    patch.setattr(PoolState, "cancel", broken)


@bug("a connection is open and has no seat|another connection may be opened")
def a_closed_connection_is_forgotten_before_it_is_closed(patch: pytest.MonkeyPatch) -> None:
    def broken(self: PoolState, slot: Slot, reason: str) -> None:
        retire(self, slot, reason)
        if slot.state is CLOSING and reason == "leaked":
            self.doomed.remove(slot)
            self._leave(slot)

    patch.setattr(PoolState, "retire", broken)


@bug("a slot was lost|is idle while|disagree|a flow sleeps")
def a_lease_lost_to_the_collector_keeps_its_seat(patch: pytest.MonkeyPatch) -> None:
    def broken(self: PoolState, slot: Slot, reason: str) -> None:
        if reason != "leaked":
            retire(self, slot, reason)

    patch.setattr(PoolState, "retire", broken)


# -- the ceiling -------------------------------------------------------------------------------------


@bug("max_size")
def one_more_is_opened_than_may_be(patch: pytest.MonkeyPatch) -> None:
    pick = PoolState._pick

    def broken(self: PoolState, now: Any) -> Slot | None:
        return pick(self, now) or (self._permit() if len(self.slots) == self.max_size else None)

    patch.setattr(PoolState, "_pick", broken)


@bug("max_size")
def a_smaller_max_size_is_ignored_by_what_rests(patch: pytest.MonkeyPatch) -> None:
    def broken(self: PoolState, max_size: int, now: Any) -> None:
        self.max_size = max_size
        self._serve(now)

    patch.setattr(PoolState, "resize", broken)


# -- waiters -----------------------------------------------------------------------------------------


@bug("is idle while a request waits")
def a_return_ignores_the_waiters(patch: pytest.MonkeyPatch) -> None:
    def broken(self: PoolState, slot: Slot, wall: float, mono: float) -> None:
        waiters, self.waiters = self.waiters, Queue()
        give(self, slot, wall, mono)
        self.waiters = waiters

    patch.setattr(PoolState, "give", broken)


@bug("a slot was lost|a flow sleeps|a request waits|out of order|queues|was granted")
def a_dead_waiter_is_served(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Queue, "leave", lambda self, waiter: None)


@bug("although another connection may be opened|nobody will wake|a request waits")
def a_seat_that_becomes_free_serves_nobody(patch: pytest.MonkeyPatch) -> None:
    def broken(self: PoolState, slot: Slot, now: Any) -> None:
        slot.conn = None
        self._leave(slot)

    patch.setattr(PoolState, "gone", broken)


@bug("sleeps through its dial|nobody will wake")
def whoever_comes_first_in_an_outage_is_not_told(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(PoolState, "_nudge", lambda self: None)


@bug("spins|past its alarm")
def in_an_outage_without_room_the_first_spins(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(PoolState, "_pausing", lambda self: self.failures > 0)


@bug("out of order|before the first")
def whoever_dialed_in_vain_goes_to_the_end(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Queue, "rejoin", Queue.join)


@bug("out of order|before the first")
def whoever_dialed_in_vain_goes_to_the_front(patch: pytest.MonkeyPatch) -> None:
    def broken(self: Queue, waiter: Waiter) -> None:
        self.join(waiter)
        self.move_to_end(waiter, last=False)

    patch.setattr(Queue, "rejoin", broken)


@bug("before the first|disagree|is idle while")
def the_last_waiter_is_served_first(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Queue, "next", lambda self: self.popitem()[0])


@bug("not the youngest")
def the_oldest_connection_is_taken(patch: pytest.MonkeyPatch) -> None:
    def broken(self: PoolState, wall: float) -> Slot | None:
        for slot in self.idle:
            if slot.released_wall <= wall < slot.good_until:
                self.idle.remove(slot)
                slot.state = LEASED
                slot.taken_at = wall
                return slot
        return None

    patch.setattr(PoolState, "take", broken)


@bug("was not told")
def only_the_last_closer_is_woken(patch: pytest.MonkeyPatch) -> None:
    shut = PoolState.shut

    def broken(self: PoolState) -> Waiter:
        closer = shut(self)
        self.closers = [closer]
        return closer

    patch.setattr(PoolState, "shut", broken)


# -- interruptions -----------------------------------------------------------------------------------


@bug("an interrupted flow")
def a_cancellation_is_swallowed(patch: pytest.MonkeyPatch) -> None:
    async def broken(pool: Any, until: float) -> Slot:
        try:
            return await acquire(pool, until)
        except CancelledError:
            return await acquire(pool, until)

    patch.setattr(_flows, "acquire", broken)


@bug("which nobody had raised")
def a_cancellation_becomes_a_timeout(patch: pytest.MonkeyPatch) -> None:
    async def broken(pool: Any, until: float) -> Slot:
        try:
            return await acquire(pool, until)
        except CancelledError:
            raise PoolTimeout("no connection", phase="waiting") from None

    patch.setattr(_flows, "acquire", broken)


@bug("went on waiting|an interrupted flow")
def a_dial_is_shielded_from_cancellation(patch: pytest.MonkeyPatch) -> None:
    def broken(self: Dial) -> Generator[Dial, Any, object]:
        while True:
            try:
                return (yield self)
            except CancelledError:
                pass

    patch.setattr(Dial, "__await__", broken)


@bug("unread reply|may not move")
def a_connection_whose_reset_was_cut_short_is_leased_again(patch: pytest.MonkeyPatch) -> None:
    async def broken(pool: Any, slot: Slot, until: float = float("inf")) -> None:
        now = pool._now()
        try:
            await Reset(slot, min(until, now.mono + _flows.RESET_TIMEOUT))
        finally:
            pool._state.give(slot, now.wall, now.mono)

    patch.setattr(_flows, "release", broken)


@bug("unread reply|may not move")
def a_connection_whose_check_was_cut_short_is_leased_again(patch: pytest.MonkeyPatch) -> None:
    failed = PoolState.failed

    def broken(self: PoolState, slot: Slot, reason: str) -> None:
        if reason == "cancelled":
            self._put_back(slot, Instant(0.0, 0.0))
        else:
            failed(self, slot, reason)

    patch.setattr(PoolState, "failed", broken)


@bug("may not move|disagree|is listed")
def a_lost_connection_rests_again(patch: pytest.MonkeyPatch) -> None:
    def broken(self: PoolState, slot: Slot, reason: str) -> None:
        retire(self, slot, reason)
        if reason == "lost":
            self.doomed.remove(slot)
            slot.state = IDLE
            self.idle.append(slot)

    patch.setattr(PoolState, "retire", broken)


# -- trust -------------------------------------------------------------------------------------------


@bug("unchecked after a thaw")
def a_thaw_forgets_what_was_just_granted(patch: pytest.MonkeyPatch) -> None:
    def broken(self: PoolState, now: Any, why: str, frozen_for: float = 0.0) -> None:
        kept = {slot: (slot.taken_at, slot.good_until) for slot in self.slots}
        thaw(self, now, why, frozen_for)
        for slot, times in kept.items():
            slot.taken_at, slot.good_until = times

    patch.setattr(PoolState, "thaw", broken)


@bug("unchecked after")
def a_clock_that_went_backwards_is_trusted(patch: pytest.MonkeyPatch) -> None:
    def broken(self: PoolState, wall: float) -> Slot | None:
        if self.idle and wall < self.idle[-1].good_until:
            slot = self.idle.pop()
            slot.state = LEASED
            slot.taken_at = wall
            return slot
        return None

    patch.setattr(PoolState, "take", broken)


@bug("unchecked after")
def a_long_lease_returns_trusted(patch: pytest.MonkeyPatch) -> None:
    def broken(self: PoolState, slot: Slot, wall: float, mono: float) -> None:
        slot.taken_at = wall
        give(self, slot, wall, mono)

    patch.setattr(PoolState, "give", broken)


@bug("a dead one's elders|a younger one was dead")
def a_failed_probe_says_nothing_of_the_older(patch: pytest.MonkeyPatch) -> None:
    def broken(self: PoolState, slot: Slot, reason: str) -> None:
        self._retire(slot, reason)
        self.counts["checks"] += reason == "check"

    patch.setattr(PoolState, "failed", broken)


@bug("idle_timeout|max_lifetime")
def only_the_monotonic_clock_tells_age(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("thawpool._core.seats.age", lambda wall, mono, now: now.mono - mono)


@bug("survived expire|max_size|unchecked")
def a_doubted_connection_of_an_ended_generation_rests(patch: pytest.MonkeyPatch) -> None:
    def broken(self: PoolState, slot: Slot, now: Any) -> None:
        self._distrust()
        slot.state = SUSPECT
        self.suspects.append(slot)
        self._serve(now)

    patch.setattr(PoolState, "doubt", broken)


# -- time and numbers --------------------------------------------------------------------------------


@bug("waits past its own end")
def a_wait_has_no_end(patch: pytest.MonkeyPatch) -> None:
    class Endless(Park):  # type: ignore[misc]
        def __new__(cls, waiter: Waiter, until: float) -> Any:
            return Park(waiter, float("inf"))

    patch.setattr(_flows, "Park", Endless)


@bug("after its end|before the first")
def the_end_of_a_wait_is_not_noticed(patch: pytest.MonkeyPatch) -> None:
    async def broken(pool: Any, until: float) -> Slot:
        try:
            return await acquire(pool, until)
        except PoolTimeout:
            return await acquire(pool, until)

    patch.setattr(_flows, "acquire", broken)


@bug("opened connections are miscounted")
def openings_are_counted_twice(patch: pytest.MonkeyPatch) -> None:
    opened = PoolState.opened

    def broken(self: PoolState, *args: Any) -> None:
        self.counts["opened"] += 1
        opened(self, *args)

    patch.setattr(PoolState, "opened", broken)


@bug("a connection was closed twice|may not move|miscounted|is listed")
def a_connection_is_closed_twice(patch: pytest.MonkeyPatch) -> None:
    inner = PoolState._retire

    def broken(self: PoolState, slot: Slot, reason: str) -> None:
        inner(self, slot, reason)
        if reason == "dirty":
            self.doomed.append(slot)

    patch.setattr(PoolState, "_retire", broken)


@pytest.mark.parametrize("patch, rules", BUGS)
def test_a_known_bug_is_found(patch: Patch, rules: str, monkeypatch: pytest.MonkeyPatch) -> None:
    patch(monkeypatch)
    for seed in range(ENOUGH):
        try:
            Simulator(seed).run()
        except Violation as violation:
            assert_names(violation, rules)
            return
    pytest.fail(f"not found in {ENOUGH} seeds")


def assert_names(violation: Violation, rules: str) -> None:
    rule = str(violation).splitlines()[0]
    assert any(part in rule for part in rules.split("|")), f"found, but as: {rule}"
