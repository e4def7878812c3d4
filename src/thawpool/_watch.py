"""Watches over the statements of an event loop that have no deadline: a slow one may go on, a dead server's ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from .clock import monotonic

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task, TimerHandle

    from .drivers.base import AsyncDriver

__all__ = ["Watch", "Watched"]

#: How much too early, in seconds, a timer of an event loop may ring.
EARLY = 0.002


@final
class Watched:
    """A statement that runs: on which connection, since when nothing was heard, and who asks the server now."""

    __slots__ = ("_running", "asking", "conn", "driver", "since")

    def __init__(self, running: set[Watched], driver: AsyncDriver, conn: Any) -> None:
        self._running = running
        self.driver = driver
        self.conn = conn
        self.since = monotonic()
        self.asking: Task[None] | None = None

    def end(self) -> None:
        """The statement has ended, in whatever way, and be it after its loop."""
        self._running.remove(self)
        if self.asking is not None:
            self.asking.cancel()


@final
class Watch:
    """Asks the server whether it is there, each time that a statement has taken another ``silence`` seconds.

    A timer for each statement would cost more than the lease of its connection. So one timer serves all: the first
    statement sets it, and when it rings it is set for whichever has been silent for longest. If none runs then, it is
    not set again: after the last statement it rings once at most, for nothing, and no task ever outlives one.
    """

    __slots__ = ("_loop", "_running", "_silence", "_timer")

    def __init__(self, loop: AbstractEventLoop, silence: float) -> None:
        self._loop = loop
        self._silence = silence
        self._running: set[Watched] = set()
        self._timer: TimerHandle | None = None

    def begin(self, driver: AsyncDriver, conn: Any) -> Watched:
        """Watch over a statement from here until its ``end``."""
        watched = Watched(self._running, driver, conn)
        self._running.add(watched)
        if self._timer is None:
            self._timer = self._loop.call_later(self._silence, self._ring)
        return watched

    def rest(self) -> None:
        """Leave no timer behind where no statement runs."""
        if self._timer is not None and not self._running:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        due = monotonic() - self._silence + EARLY
        for watched in self._running:
            if watched.asking is None and watched.since <= due:
                watched.asking = self._loop.create_task(self._ask(watched))
        self._set()

    def _set(self) -> None:
        waiting = [watched.since for watched in self._running if watched.asking is None]
        if waiting and self._timer is None:
            self._timer = self._loop.call_later(min(waiting) + self._silence - monotonic(), self._ring)

    async def _ask(self, watched: Watched) -> None:
        try:
            there = await watched.driver.answers(watched.conn)
        except Exception:  # as when the password cannot be had: nothing is known
            there = True
        if there:
            watched.asking = None
            watched.since = monotonic()
            self._set()
        else:
            watched.driver.abort(watched.conn)
