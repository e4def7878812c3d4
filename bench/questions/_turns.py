"""Loops timed in turns, in short blocks, so that what slows the machine slows all of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import perf_counter_ns

__all__ = ["BLOCKS", "async_in_turns", "in_turns"]

#: Blocks of a sample, and how long each takes, in nanoseconds.
BLOCKS = 20
BLOCK = 20_000_000
LEAST = 5


def in_turns(turns: int, *loops: Callable[[int], None]) -> list[tuple[float, ...]]:
    """Nanoseconds for each loop's turn, block by block."""

    def block(loop: Callable[[int], None], count: int) -> float:
        start = perf_counter_ns()
        loop(count)
        return (perf_counter_ns() - start) / count

    counts = [_count(block(loop, _count(block(loop, LEAST)) // 10 or LEAST)) for loop in loops]
    return [tuple(block(loop, n) for loop, n in zip(loops, counts, strict=True)) for _ in range(turns)]


async def async_in_turns(turns: int, *loops: Callable[[int], Awaitable[None]]) -> list[tuple[float, ...]]:
    """The same for loops that are awaited."""

    async def block(loop: Callable[[int], Awaitable[None]], count: int) -> float:
        start = perf_counter_ns()
        await loop(count)
        return (perf_counter_ns() - start) / count

    counts = [_count(await block(loop, _count(await block(loop, LEAST)) // 10 or LEAST)) for loop in loops]
    return [
        tuple([await block(loop, n) for loop, n in zip(loops, counts, strict=True)]) for _ in range(turns)
    ]


def _count(each: float) -> int:
    """How many cycles of so many nanoseconds make a block."""
    return max(LEAST, int(BLOCK / each))
