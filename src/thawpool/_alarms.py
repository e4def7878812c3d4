"""One timer of the event loop for all who wait for a connection.

A timer for each would cost as much as the rest of a hand-over. Who comes later nearly always waits until
later, so that one timer, set for the first in line, is enough; who does not gets one of its own.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, TimerHandle
    from collections.abc import Callable

    from ._core.waiters import Waiter

__all__ = ["Alarms", "wake"]

INFINITY = float("inf")


@final
class Alarms:
    """Wakes sleepers at their time. A waiter sleeps while it has a ``signal``, which is a future."""

    __slots__ = ("_line", "_loop", "_mono", "_timer")

    def __init__(self, loop: AbstractEventLoop, mono: Callable[[], float]) -> None:
        self._loop = loop
        self._mono = mono
        #: The sleepers by the time at which each must wake; some are awake already.
        self._line: deque[tuple[float, Waiter]] = deque()
        self._timer: TimerHandle | None = None

    async def sleep(self, waiter: Waiter, until: float) -> None:
        """Sleep until woken, or until that time of the pool's monotonic clock."""
        waiter.signal = signal = self._loop.create_future()
        own = self._set(waiter, until) if until != INFINITY else None
        try:
            await signal
        finally:
            waiter.signal = None
            if own is not None:
                own.cancel()
            self._advance()

    def _set(self, waiter: Waiter, until: float) -> TimerHandle | None:
        line = self._line
        if line and until < line[-1][0]:
            return self._loop.call_later(until - self._mono(), wake, waiter)
        line.append((until, waiter))
        if self._timer is None:
            self._timer = self._loop.call_later(until - self._mono(), self._ring)
        return None

    def _advance(self) -> None:
        """Let those out of the line who are awake, and leave no timer behind when none is left."""
        line = self._line
        while line and line[0][1].signal is None:
            line.popleft()
        if self._timer is not None and not line:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        """Wake whose time has come, and sleep until the next."""
        line, now = self._line, self._mono()
        while line and line[0][0] <= now:
            wake(line.popleft()[1])
        self._timer = self._loop.call_later(line[0][0] - now, self._ring) if line else None


def wake(waiter: Any) -> None:
    """End a waiter's sleep, if it sleeps."""
    signal = waiter.signal
    if signal is not None and not signal.done():
        signal.set_result(None)
