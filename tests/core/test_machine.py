"""Hypothesis plays every verb in every order and shrinks what breaks an invariant."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from thawpool._core.audit import audit
from thawpool._core.policy import Instant, Limits
from thawpool._core.slot import CHECKING, CLOSING, LEASED, OPENING, Slot
from thawpool._core.state import PoolState
from thawpool._core.waiters import Waiter
from thawpool.errors import PoolClosed, PoolSaturated

U = st.floats(0.0, 1.0, exclude_max=True)
SECONDS = st.sampled_from([0.0, 0.001, 0.02, 0.5, 1.0, 3.0, 11.0, 600.0])
INFINITY = float("inf")


class PoolMachine(RuleBasedStateMachine):
    """A shell without flows: it holds claims and leases, and does with them whatever is allowed."""

    def __init__(self) -> None:
        super().__init__()
        self.now = Instant(10_000.0, 100.0)
        self.state = PoolState(Limits())
        self.claims: list[Slot | Waiter] = []
        self.leases: list[Slot] = []

    @initialize(
        size=st.integers(1, 4),
        trust=st.sampled_from([0.0, 1.0]),
        uses=st.sampled_from([1.0, 3.0, INFINITY]),
        waiting=st.sampled_from([0.0, 2.0, INFINITY]),
        life=st.sampled_from([3.0, 1800.0]),
    )
    def begin(self, size: int, trust: float, uses: float, waiting: float, life: float) -> None:
        self.state = PoolState(Limits(size, trust, 10.0, life, uses, waiting))

    def pick(self, data: st.DataObject, *kinds: object) -> Slot:
        """One of the claims whose slot is in one of these states; the waiter's grant counts as such."""
        slots = [c for c in self.claims if isinstance(c, Slot) and c.state in kinds]
        slot: Slot = data.draw(st.sampled_from(slots))
        self.claims.remove(slot)
        return slot

    def keep(self, claim: Slot | Waiter) -> None:
        if isinstance(claim, Waiter):
            self.state.wake_at(claim)
            self.claims.append(claim)
        elif claim.state is LEASED:
            self.leases.append(claim)
        else:
            self.claims.append(claim)

    def holds(self, *kinds: object) -> bool:
        return any(isinstance(c, Slot) and c.state in kinds for c in self.claims)

    # -- requests --------------------------------------------------------------------------------

    @rule()
    def take(self) -> None:
        slot = self.state.take(self.now.wall)
        if slot is not None:
            self.leases.append(slot)

    @rule()
    def claim(self) -> None:
        living = sum(slot.state is not CLOSING for slot in self.state.slots)
        before = len(self.state.waiters) - max(0, self.state.max_size - living)
        try:
            self.keep(self.state.claim(self.now))
        except PoolClosed:
            assert self.state.closed
        except PoolSaturated:
            assert before >= self.state.limits.max_waiting

    @precondition(lambda self: any(isinstance(c, Waiter) for c in self.claims))
    @rule(data=st.data())
    def wake(self, data: st.DataObject) -> None:
        waiter = data.draw(st.sampled_from([c for c in self.claims if isinstance(c, Waiter)]))
        self.claims.remove(waiter)
        try:
            claim = self.state.woke(waiter, self.now)
        except PoolClosed:
            self.state.cancel(waiter, self.now)
        else:
            self.keep(claim)

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        claim = data.draw(st.sampled_from(self.claims))
        self.claims.remove(claim)
        self.state.cancel(claim, self.now)

    @precondition(lambda self: self.holds(OPENING))
    @rule(data=st.data(), u=U)
    def opened(self, data: st.DataObject, u: float) -> None:
        slot = self.pick(data, OPENING)
        try:
            self.state.opened(slot, object(), self.now, u)
        except PoolClosed:
            return
        self.leases.append(slot)

    @precondition(lambda self: self.holds(OPENING))
    @rule(data=st.data(), u=U, full=st.booleans(), again=st.booleans())
    def open_failed(self, data: st.DataObject, u: float, full: bool, again: bool) -> None:
        slot = self.pick(data, OPENING)
        self.state.open_failed(slot, OSError("refused"), self.now, u, full=full)
        if again and not self.state.closed:
            self.keep(self.state.again(slot, self.now))

    @precondition(lambda self: self.holds(CHECKING))
    @rule(data=st.data())
    def passed(self, data: st.DataObject) -> None:
        slot = self.pick(data, CHECKING)
        try:
            self.state.passed(slot, self.now)
        except PoolClosed:
            return
        self.leases.append(slot)

    @precondition(lambda self: self.holds(CHECKING))
    @rule(data=st.data(), reason=st.sampled_from(["lost", "check", "cancelled"]))
    def failed(self, data: st.DataObject, reason: str) -> None:
        slot = self.pick(data, CHECKING)
        self.state.failed(slot, reason)
        if reason != "cancelled" and not self.state.closed:
            self.keep(self.state.again(slot, self.now))

    # -- returns ---------------------------------------------------------------------------------

    @precondition(lambda self: self.leases)
    @rule(data=st.data())
    def give(self, data: st.DataObject) -> None:
        slot = data.draw(st.sampled_from(self.leases))
        self.leases.remove(slot)
        self.state.give(slot, self.now.wall, self.now.mono)

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), reason=st.sampled_from(["lost", "busy", "leaked"]))
    def retire(self, data: st.DataObject, reason: str) -> None:
        slot = data.draw(st.sampled_from(self.leases))
        self.leases.remove(slot)
        self.state.retire(slot, reason)

    @precondition(lambda self: self.leases)
    @rule(data=st.data())
    def doubt(self, data: st.DataObject) -> None:
        slot = data.draw(st.sampled_from(self.leases))
        self.leases.remove(slot)
        self.state.doubt(slot, self.now)

    # -- the pool as a whole, and time -----------------------------------------------------------

    @precondition(lambda self: self.state.doomed)
    @rule()
    def close_one(self) -> None:
        self.state.gone(self.state.doomed.popleft(), self.now)

    @precondition(lambda self: not self.state.closed)
    @rule(size=st.integers(0, 4))
    def reserve(self, size: int) -> None:
        slot = self.state.reserve(size, self.now)
        if slot is not None:
            self.claims.append(slot)

    @rule(frozen_for=SECONDS)
    def thaw(self, frozen_for: float) -> None:
        self.state.thaw(self.now, "signal", frozen_for)

    @rule()
    def expire(self) -> None:
        self.state.expire(self.now)

    @rule(size=st.integers(1, 5))
    def resize(self, size: int) -> None:
        self.state.resize(size, self.now)

    @rule(keep=st.integers(0, 2))
    def lay_down(self, keep: int) -> None:
        self.state.lay_down(keep, self.now)
        assert len(self.state.idle) + len(self.state.suspects) <= keep

    @precondition(lambda self: len(self.state.slots) > 2)
    @rule()
    def shut(self) -> None:
        self.state.shut()

    @rule(wall=SECONDS, mono=SECONDS, back=st.booleans())
    def time(self, wall: float, mono: float, back: bool) -> None:
        self.now = Instant(self.now.wall + (-wall if back else wall), self.now.mono + mono)

    # -- what holds at all times -----------------------------------------------------------------

    @invariant()
    def is_sound(self) -> None:
        audit(self.state)

    @invariant()
    def every_slot_is_somebodys(self) -> None:
        """No slot that is at work is without one who will end its work, and none has two."""
        granted = [c.slot for c in self.claims if isinstance(c, Waiter) and c.slot is not None]
        held = self.leases + [c for c in self.claims if isinstance(c, Slot)] + granted
        assert len(held) == len(set(held))
        at_work = {slot for slot in self.state.slots if slot.state in (OPENING, LEASED, CHECKING)}
        assert at_work == set(held)

    @invariant()
    def the_queue_is_in_order(self) -> None:
        places = [waiter.place for waiter in self.state.waiters]
        assert places == sorted(places)


TestPoolMachine = PoolMachine.TestCase
TestPoolMachine.settings = settings(max_examples=60, stateful_step_count=60, deadline=None, derandomize=True)
