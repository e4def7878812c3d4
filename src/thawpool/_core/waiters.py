"""Those who wait for a connection: first come, first served, and O(1) to join and to leave from the middle."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, final

from .slot import Slot

__all__ = ["Queue", "Waiter"]


@final
class Waiter:
    """One request in the queue.

    A grant is a change of state made at the moment of assignment: the core sets ``slot`` and ``ready``,
    and only then does a shell wake the sleeper. Whoever cancels a waiter must therefore look at
    ``slot``: that race, a cancelled sleeper that had already been served, is how other pools lost
    connections. ``ready`` without a slot is a nudge: look again, you may now be the one to dial.
    """

    __slots__ = ("alarm", "place", "ready", "signal", "slot")

    def __init__(self, place: int) -> None:
        #: The number of the arrival: whoever comes back to the queue stands where it stood.
        self.place = place
        self.slot: Slot | None = None
        self.ready = False
        #: The monotonic time until which it sleeps unless woken; 0 while it is awake.
        self.alarm = 0.0
        #: What the shell uses to wake the sleeper; the core never touches it.
        self.signal: Any = None


@final
class Queue(OrderedDict[Waiter, None]):
    """FIFO of waiters. It is a dict so that asking whether anybody waits costs the fast path no call."""

    __slots__ = ()

    def join(self, waiter: Waiter) -> None:
        """Stand at the end."""
        self[waiter] = None

    def rejoin(self, waiter: Waiter) -> None:
        """Stand where the arrival says: before all but the few that came earlier and came back as well."""
        earlier = []
        for other in self:
            if other.place > waiter.place:
                break
            earlier.append(other)
        self[waiter] = None
        for first in waiter, *reversed(earlier):
            self.move_to_end(first, last=False)

    def leave(self, waiter: Waiter) -> None:
        self.pop(waiter, None)

    def head(self) -> Waiter | None:
        return next(iter(self), None)

    def next(self) -> Waiter:
        """Take the first out of the queue."""
        return self.popitem(last=False)[0]
