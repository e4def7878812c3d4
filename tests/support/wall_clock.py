"""The wall clock of a child process, to be moved while its monotonic clock goes on: what a real freeze does."""

from __future__ import annotations

import functools
import os
from pathlib import Path

__all__ = ["WallClock", "find_faketime"]


@functools.cache
def find_faketime() -> Path | None:
    """libfaketime's library for programs with threads; None where it is not installed."""
    folders = (*Path("/usr/lib").glob("*/faketime"), Path("/usr/lib/faketime"), Path("/usr/lib64/faketime"))
    return next((path for folder in folders if (path := folder / "libfaketimeMT.so.1").exists()), None)


class WallClock:
    """How far the wall clock of one process stands from this machine's.

    Its monotonic clock, and the waits of asyncio and of threads, are left alone; but its ``time.sleep`` returns at once.

    Args:
        folder: where the file that says so is kept; the process reads it at each look at its clock.
    """

    def __init__(self, folder: Path) -> None:
        library = find_faketime()
        assert library is not None, "no libfaketime here: mark the test with needs('faketime')"
        self._file = folder / "wall"
        self.shift = 0.0
        self.jump(0.0)
        self.environ = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            # Its remedy for an older C library makes the waits of threads spin.
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
        }

    def jump(self, seconds: float) -> None:
        """Move it, at once: forward, or back if negative. Jumps add up."""
        self.shift += seconds
        written = self._file.with_suffix(".new")
        written.write_text(f"{self.shift:+f}\n")
        os.replace(written, self._file)  # the process never reads half of it
