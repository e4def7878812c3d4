"""One request after the other, through a pool and on a connection held for good: in a fresh process."""

from __future__ import annotations

import asyncio
import random
import statistics
from collections.abc import Awaitable, Callable
from time import perf_counter_ns, process_time_ns
from typing import Any

from ..child import contender

__all__ = ["measure"]

Metrics = dict[str, float]
#: Nanoseconds of a request, by the clock and of this process.
Cost = tuple[float, float]
ORDER = ("raw", "pool", "control")


def measure(task: dict[str, Any]) -> Any:
    """For each statement: blocks through the pool and on two raw connections, in turns."""
    return _measure_async(task) if task["loop"] in ("asyncio", "uvloop") else _measure_sync(task)


def _measure_sync(task: dict[str, Any]) -> Metrics:
    pool = contender(task)
    pool.open()
    first, second = pool.raw(), pool.raw()

    def block(who: str, sql: str, count: int) -> Cost:
        request: Callable[[], Any]
        if who == "pool":
            request = lambda: pool.request(sql)  # noqa: E731
        else:
            conn = first if who == "raw" else second
            request = lambda: pool.raw_rows(conn, sql)  # noqa: E731
        start, spent = perf_counter_ns(), process_time_ns()
        for _ in range(count):
            request()
        return (perf_counter_ns() - start) / count, (process_time_ns() - spent) / count

    try:
        return _summary({name: _turns(block, sql, task) for name, sql in task["statements"].items()})
    finally:
        pool.close()


def _turns(block: Callable[[str, str, int], Cost], sql: str, task: dict[str, Any]) -> list[dict[str, Cost]]:
    for who in ORDER:
        block(who, sql, task["warm"])
    count = max(5, int(task["block"] / block("raw", sql, task["warm"])[0]))
    return [{who: block(who, sql, count) for who in _shuffled()} for _ in range(task["blocks"])]


async def _measure_async(task: dict[str, Any]) -> Metrics:
    pool = contender(task)
    await pool.open()
    first, second = await pool.raw(), await pool.raw()

    async def block(who: str, sql: str, count: int) -> Cost:
        request: Callable[[], Awaitable[Any]]
        if who == "pool":
            request = lambda: pool.request(sql)  # noqa: E731
        else:
            conn = first if who == "raw" else second
            request = lambda: pool.raw_rows(conn, sql)  # noqa: E731
        start, spent = perf_counter_ns(), process_time_ns()
        for _ in range(count):
            await request()
        return (perf_counter_ns() - start) / count, (process_time_ns() - spent) / count

    async def turns(sql: str) -> list[dict[str, Cost]]:
        for who in ORDER:
            await block(who, sql, task["warm"])
        count = max(5, int(task["block"] / (await block("raw", sql, task["warm"]))[0]))
        return [{who: await block(who, sql, count) for who in _shuffled()} for _ in range(task["blocks"])]

    try:
        return _summary({name: await turns(sql) for name, sql in task["statements"].items()})
    finally:
        await asyncio.wait_for(pool.close(), 10)


def _shuffled() -> list[str]:
    return random.sample(ORDER, len(ORDER))


def _summary(turns: dict[str, list[dict[str, Cost]]]) -> Metrics:
    found: Metrics = {}
    for statement, blocks in turns.items():
        for who in ("raw", "pool"):
            found[f"{statement}: {who} q/s"] = 1e9 / statistics.median(turn[who][0] for turn in blocks)
            found[f"{statement}: {who} CPU"] = statistics.median(turn[who][1] for turn in blocks)
        for who, name in (("pool", "ratio"), ("control", "control")):
            found[f"{statement}: {name}"] = statistics.median(t["raw"][0] / t[who][0] for t in blocks)
    return found
