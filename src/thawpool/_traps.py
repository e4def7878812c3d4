"""What a flow may wait for, as values.

A flow (see ``_flows``) is a coroutine that never touches a socket, a lock or an event loop. Where it
must wait it awaits a *trap*; the trap's ``__await__`` yields the trap itself, so whoever runs the
flow receives it as data, performs it in its own way, and sends back the result or throws the error.
There are three runners: threads (``_sync``), asyncio (``_async``) and the seeded simulator
(``testing.simulator``). All three run the same flows.

``until`` is always an absolute time of the monotonic clock: at it the runner must have given up.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import final

from ._core.slot import Slot
from ._core.waiters import Waiter

__all__ = ["Check", "Dial", "Park", "Reset", "Trap"]


class Trap:
    """Base of the four."""

    __slots__ = ("slot", "until")

    def __init__(self, slot: Slot, until: float) -> None:
        self.slot = slot
        self.until = until


@final
class Dial(Trap):
    """Open a connection for a slot. Answers with the connection or raises; never leaves one half open."""

    __slots__ = ()

    def __await__(self) -> Generator[Trap, object, object]:
        return (yield self)


@final
class Check(Trap):
    """Look, then probe. Answers ``""`` if the connection lives, else ``"lost"`` or ``"check"``."""

    __slots__ = ()

    def __await__(self) -> Generator[Trap, str, str]:
        return (yield self)


@final
class Reset(Trap):
    """Clear what a borrower left behind. Answers whether the connection is as new."""

    __slots__ = ()

    def __await__(self) -> Generator[Trap, bool, bool]:
        return (yield self)


@final
class Park(Trap):
    """Sleep until the waiter is ``ready`` or the time has come; the flow looks which it was."""

    __slots__ = ("waiter",)

    def __init__(self, waiter: Waiter, until: float) -> None:
        self.waiter = waiter
        self.until = until

    def __await__(self) -> Generator[Trap, None, None]:
        return (yield self)
