"""The fast path, measured in calls instead of time: a number that no busy machine can blur."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

import pytest

from thawpool.testing import AsyncFakeDriver, FakeDriver

#: What a driver does to judge a return is not the pool's.
FAKES = {"thawpool.testing.driver", "thawpool.testing._fake_connection"}
#: Calls of Python and of C that one lease and its return take, on the versions that were counted.
EXACTLY = {
    (3, 11): {"sync": (7, 6), "async": (7, 5)},
    (3, 12): {"sync": (7, 6), "async": (7, 5)},
    (3, 13): {"sync": (7, 6), "async": (7, 5)},
}
#: On any other.
AT_MOST = {"sync": (8, 10), "async": (8, 10)}


class Counter:
    """Counts calls while it is the profiler."""

    def __init__(self) -> None:
        self.python: list[str] = []
        self.c: list[str] = []

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "call" and frame.f_globals["__name__"] not in FAKES:
            self.python.append(frame.f_code.co_qualname)
        elif event == "c_call":
            self.c.append(argument.__qualname__)

    def __enter__(self) -> Self:
        sys.setprofile(self)
        return self

    def __exit__(self, *exc: object) -> None:
        sys.setprofile(None)
        assert self.c.pop() == "setprofile"
        assert self.python.pop() == "Counter.__exit__"


def sync_calls() -> Counter:
    pool = FakeDriver().pool()
    pool.warm(1)
    with pool.connection():
        pass
    with Counter() as counter:
        with pool.connection():
            pass
    assert pool.stats().waits == 0
    return counter


def async_calls() -> Counter:
    async def main() -> Counter:
        pool = AsyncFakeDriver().pool()
        await pool.warm(1)
        async with pool.connection():
            pass
        with Counter() as counter:
            async with pool.connection():
                pass
        assert pool.stats().waits == 0
        return counter

    return asyncio.run(main())


@pytest.mark.parametrize("flavour, count", [("sync", sync_calls), ("async", async_calls)])
def test_a_lease_takes_so_many_calls(flavour: str, count: Callable[[], Counter]) -> None:
    counter = count()
    calls = (len(counter.python), len(counter.c))
    told = f"Python: {counter.python}; C: {counter.c}"
    if sys.version_info[:2] in EXACTLY:
        assert calls == EXACTLY[sys.version_info[:2]][flavour], told
    else:
        most = AT_MOST[flavour]
        assert all(count <= limit for count, limit in zip(calls, most, strict=True)), told
