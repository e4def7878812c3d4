"""The real clocks, moved by hand: a freeze without the wait."""

from __future__ import annotations

import time

__all__ = ["ShiftedClock"]


class ShiftedClock:
    """What a pool's ``clock`` option takes. Both clocks run; ``freeze`` moves the wall alone.

    In a real freeze the monotonic clock stops and the wall goes on; a clock that is set may go back.
    """

    def __init__(self) -> None:
        self.ahead = 0.0

    def freeze(self, seconds: float) -> None:
        """Let ``seconds`` pass on the wall, less than none if negative, and none on the monotonic clock."""
        self.ahead += seconds

    def wall(self) -> float:
        return time.time() + self.ahead

    def mono(self) -> float:
        return time.monotonic()
