"""Wait for what another process or thread will do, without sleeping for a guess of its time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ["eventually"]

T = TypeVar("T")


def eventually(probe: Callable[[], T], what: str = "the condition", *, within: float = 15.0) -> T:
    """The first true value of ``probe``, asked again and again; an AssertionError after ``within`` seconds."""
    deadline = time.monotonic() + within
    while not (value := probe()):
        assert time.monotonic() < deadline, f"{what} did not come within {within} s"
        time.sleep(0.005)
    return value
