"""Those who wait for a connection: first come, first served, and O(1) to leave from the middle."""

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

    __slots__ = ("ready", "signal", "slot")

    def __init__(self) -> None:
        self.slot: Slot | None = None
        self.ready = False
        #: What the shell uses to wake the sleeper; the core never touches it.
        self.signal: Any = None


@final
class Queue:
    """FIFO of waiters."""

    __slots__ = ("_waiters",)

    def __init__(self) -> None:
        self._waiters: OrderedDict[Waiter, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._waiters)

    def __contains__(self, waiter: Waiter) -> bool:
        return waiter in self._waiters

    def join(self, waiter: Waiter, *, first: bool = False) -> None:
        self._waiters[waiter] = None
        if first:
            self._waiters.move_to_end(waiter, last=False)

    def leave(self, waiter: Waiter) -> None:
        self._waiters.pop(waiter, None)

    def head(self) -> Waiter | None:
        return next(iter(self._waiters), None)

    def pop(self) -> Waiter:
        return self._waiters.popitem(last=False)[0]
