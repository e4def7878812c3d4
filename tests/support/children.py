"""A Python process of its own that runs a test's code, line by line as the test says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Self

from tests.support.waiting import eventually

__all__ = ["Child"]


class Child:
    """Runs ``code``, in which ``say(text)`` answers to ``hear()`` here, and ``hear()`` to ``say(text)``.

    Warnings are errors in it, development mode is on.
    """

    def __init__(self, code: str, *arguments: str) -> None:
        preamble = "import sys\nsay = lambda text: print(text, flush=True)\nhear = lambda: input()\n"
        self.process = subprocess.Popen(
            [sys.executable, "-X", "dev", "-W", "error", "-c", preamble + textwrap.dedent(code), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.process.kill()
        self.process.communicate()

    def say(self, text: str = "") -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{text}\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        """Its next line; an AssertionError with what it complained of if it ended instead."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            _, complaint = self.process.communicate()
            raise AssertionError(f"the child ended: {complaint}")
        return line.rstrip("\n")

    def freeze(self) -> None:
        """Stop it, as a platform does between two requests."""
        self._signal(signal.SIGSTOP)
        stat = Path(f"/proc/{self.process.pid}/stat")
        eventually(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T", "the freeze")

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def finish(self) -> str:
        """Wait for its end, which must be a good one. Returns what it complained of."""
        _, complaint = self.process.communicate(timeout=30)
        assert self.process.returncode == 0, complaint
        return complaint

    def _signal(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)
