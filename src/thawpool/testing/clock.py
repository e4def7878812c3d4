"""Clocks that tests move."""

from __future__ import annotations

import time
from typing import Final, Self, final

__all__ = ["FakeClock"]

#: A wall clock's start that is easy to read in a failure: 2001-09-09.
EPOCH: Final = 1_000_000_000.0


@final
class FakeClock:
    """A wall clock and a monotonic clock, as an option: ``Pool(..., clock=FakeClock())``.

    They stand still until a test moves them. A pool decides by its clock, but drivers and sleepers wait in
    real time: where a pool must wait (a full pool, a silent server), use ``FakeClock.running()``, or a
    deadline never comes.

    Args:
        wall: where the wall clock starts, in seconds.
        mono: where the monotonic clock starts.
    """

    __slots__ = ("_mono", "_runs", "_wall")

    def __init__(self, wall: float = EPOCH, mono: float = 1_000.0) -> None:
        self._wall = wall
        self._mono = mono
        self._runs = False

    @classmethod
    def running(cls) -> Self:
        """One that runs like the real clocks, and can be moved as well."""
        clock = cls(0.0, 0.0)
        clock._runs = True
        return clock

    def wall(self) -> float:
        return self._wall + time.time() if self._runs else self._wall

    def mono(self) -> float:
        return self._mono + time.monotonic() if self._runs else self._mono

    def advance(self, seconds: float) -> None:
        """Time passes: both clocks go on.

        Raises:
            ValueError: less than 0; only ``jump_wall`` turns a clock back.
        """
        self.freeze(seconds)
        self._mono += seconds

    def freeze(self, seconds: float) -> None:
        """The machine sleeps: the wall clock goes on, the monotonic clock stands still.

        Raises:
            ValueError: less than 0.
        """
        if seconds < 0:
            raise ValueError(
                f"time does not go back: {seconds} seconds; jump_wall({seconds}) sets the wall clock"
            )
        self._wall += seconds

    def jump_wall(self, delta: float) -> None:
        """Somebody sets the wall clock, forward or back."""
        self._wall += delta
