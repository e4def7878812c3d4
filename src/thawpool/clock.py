"""Time, read in exactly one place.

Two clocks are needed because neither can be trusted across a freeze: a monotonic clock may stop while
the machine is paused, a wall clock may be set. Ages are the larger of both deltas, and a wall clock
that went backwards means "old".
"""

from __future__ import annotations

import time
from typing import Protocol

__all__ = ["Clock", "SystemClock", "monotonic", "wall"]

#: The clock that real waits are measured with, whatever clock a pool decides by.
monotonic = time.monotonic
#: The clock that platforms state deadlines by.
wall = time.time


class Clock(Protocol):
    """What a pool asks for the time. Both methods return seconds as a float."""

    def wall(self) -> float: ...

    def mono(self) -> float: ...


class SystemClock:
    """The operating system's clocks."""

    __slots__ = ()

    wall = staticmethod(time.time)
    mono = staticmethod(time.monotonic)
