"""The seats of a pool: which connection is where, who is trusted, who must go.

Nothing here knows of requests, queues or outages; ``PoolState`` adds those. A connection that must go is
marked and left in ``doomed`` for the shell, and keeps its seat until the shell has closed it.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable

from .policy import Instant, Limits, age
from .slot import CHECKING, CLOSING, GONE, IDLE, LEASED, SUSPECT, Slot
from .waiters import Waiter

__all__ = ["Seats"]

INFINITY = float("inf")


class Seats:
    """Slots by what they do, and how they come to rest and go."""

    __slots__ = (
        "closed",
        "closers",
        "closing",
        "counts",
        "doomed",
        "events",
        "generation",
        "idle",
        "limits",
        "make_slot",
        "max_size",
        "max_uses",
        "opening",
        "retired",
        "slots",
        "surplus",
        "suspects",
        "trust_window",
        "woken",
    )

    def __init__(self, limits: Limits, make_slot: Callable[[int], Slot] = Slot) -> None:
        self.limits = limits
        #: What a permit is made with, given the generation; the simulator's slots record their moves.
        self.make_slot = make_slot
        self.max_size = limits.max_size
        self.max_uses = limits.max_uses
        self.trust_window = limits.trust_window
        self.slots: set[Slot] = set()
        #: Trusted, oldest first; the youngest is taken first, so that the others may age and go.
        self.idle: list[Slot] = []
        #: Idle without trust, oldest first.
        self.suspects: list[Slot] = []
        self.opening = 0
        #: How many are retired, and not closed yet.
        self.closing = 0
        #: How many more are open than ``max_size`` allows since it became smaller: they go as they come back.
        self.surplus = 0
        self.generation = 0
        self.closed = False
        #: Those who wait for the last slot to go, once the pool is closed.
        self.closers: list[Waiter] = []
        # Left for the shell to settle, in order.
        self.woken: deque[Waiter] = deque()
        self.doomed: deque[Slot] = deque()
        self.events: list[tuple[str, str]] = []
        self.counts: Counter[str] = Counter()
        self.retired: Counter[str] = Counter()

    # -- verbs that serve nobody -----------------------------------------------------------------

    def take(self, wall: float) -> Slot | None:
        """Lease the youngest idle connection if it is trusted at ``wall``; else None, ask ``claim``."""
        idle = self.idle
        if idle:
            slot = idle[-1]
            if slot.released_wall <= wall < slot.good_until:
                del idle[-1]  # and no call before the slot counts as leased: Ctrl-C may come in with one
                slot.state = LEASED
                slot.taken_at = wall
                return slot
        return None

    def lay_down(self, keep: float, now: Instant) -> None:
        """Close what should not sleep: whatever is too old to be used again, and the oldest beyond ``keep``."""
        resting = self.suspects + self.idle
        surplus = len(resting) - keep
        for place, slot in enumerate(resting):
            reason = self._outlived(slot, now) or ("surplus" if place < surplus else "")
            if reason:
                (self.idle if slot.state is IDLE else self.suspects).remove(slot)
                self._retire(slot, reason)

    def out(self) -> list[Slot]:
        """The seats whose connection somebody has, or is about to have after a check."""
        return [slot for slot in tuple(self.slots) if slot.state is LEASED or slot.state is CHECKING]

    def failed(self, slot: Slot, reason: str) -> None:
        """The check failed: ``lost`` at the look, ``check`` at the probe, or ``cancelled`` in between.

        A look that finds a closed socket says nothing of the others, and costs so little that each
        may have its own. A failed probe cost up to half a second, and N of them would be an outage:
        after one, all that are older are condemned with it. No seat is free before the shell has closed
        them, so nobody is served yet.
        """
        self._retire(slot, reason)
        if reason == "check":
            self.counts["checks"] += 1
            # By the monotonic clock, which at least never runs backwards.
            older = [s for s in self.suspects if s.released_mono <= slot.released_mono]
            self.suspects = [s for s in self.suspects if s.released_mono > slot.released_mono]
            for sibling in older:
                self._retire(sibling, "condemned")
            for sibling in self.slots:
                # Still trusted, or granted to somebody who may yet go away: if it comes to rest unused, it is too
                # old for a probe of its own.
                if sibling.state in (IDLE, LEASED) and sibling.released_mono <= slot.released_mono:
                    sibling.released_mono = -INFINITY

    def retire(self, slot: Slot, reason: str) -> None:
        """End a lease whose connection must not be used again. Reason ``lost`` casts doubt on all."""
        if slot.state is LEASED:
            self._retire(slot, reason)
            if reason == "lost":
                self._distrust()

    # -- a seat is taken, and left ---------------------------------------------------------------

    def _permit(self) -> Slot:
        slot = self.make_slot(self.generation)
        self.slots.add(slot)
        self.opening += 1
        return slot

    def _forget(self, slot: Slot) -> None:
        """An opening ended without a connection."""
        self.opening -= 1
        self.surplus -= self.surplus > 0
        self._leave(slot)

    def _leave(self, slot: Slot) -> None:
        self.closing -= slot.state is CLOSING
        slot.state = GONE
        self.slots.discard(slot)
        if not self.slots:
            for closer in self.closers:
                closer.ready = True
            self.woken += self.closers

    def _living(self) -> int:
        """How many are open or being opened, and not closing yet."""
        return len(self.slots) - self.closing

    # -- a connection rests, and goes ------------------------------------------------------------

    def _earn(self, slot: Slot, now: Instant) -> None:
        """A round trip succeeded just now: the slot is leased and trusted."""
        slot.state = LEASED
        slot.taken_at = slot.released_wall = now.wall
        slot.released_mono = now.mono
        slot.good_until = min(now.wall + self.trust_window, slot.expires_wall)

    def _put_back(self, slot: Slot, now: Instant) -> None:
        """Let a connection rest that nobody used; it keeps the trust that it had."""
        if slot.generation != self.generation:
            self._retire(slot, "closed" if self.closed else "expired")
        elif self.surplus:
            self._retire(slot, "surplus")
        elif slot.state is LEASED and slot.released_wall <= now.wall < slot.good_until:
            slot.state = IDLE
            self.idle.append(slot)
        else:
            slot.state = SUSPECT
            self.suspects = sorted([*self.suspects, slot], key=_released)

    def _distrust(self) -> None:
        for slot in self.idle:
            slot.state = SUSPECT
        # The youngest is checked first, for it vouches for the older ones; it may have been a suspect before.
        self.suspects = sorted(self.suspects + self.idle, key=_released)
        self.idle.clear()

    def _outlived(self, slot: Slot, now: Instant) -> str:
        """Why a connection at rest is too old to be leased again; empty if it is not."""
        if age(slot.released_wall, slot.released_mono, now) >= self.limits.idle_timeout:
            return "idle"
        return "lifetime" if now.wall >= slot.expires_wall or now.mono >= slot.expires_mono else ""

    def _used_up(self, slot: Slot) -> bool:
        """Count a use."""
        slot.uses += 1
        return slot.uses >= self.max_uses

    def _spent(self, slot: Slot, wall: float, mono: float) -> str:
        """Why a connection that ``give`` found spent must go."""
        if slot.generation != self.generation:
            return "closed" if self.closed else "expired"
        if wall >= slot.expires_wall or mono >= slot.expires_mono:
            return "lifetime"
        return "uses" if slot.uses >= self.max_uses else "surplus"

    def _retire(self, slot: Slot, reason: str) -> None:
        slot.state = CLOSING
        slot.reason = reason
        self.closing += 1
        self.surplus -= self.surplus > 0
        self.doomed.append(slot)
        self.retired[reason] += 1
        self.events.append(("retired", reason))

    def _retire_idle(self, reason: str) -> None:
        for slot in self.suspects + self.idle:
            self._retire(slot, reason)
        self.suspects.clear()
        self.idle.clear()


def _released(slot: Slot) -> float:
    return slot.released_mono
