"""What do a lease and a return cost, without a query, in the form that users write?

Each sample is a fresh process with five warm connections. It times the contender and a floor in turns, in
short blocks, so that what slows the machine slows both. The floor is the least that a pool can be: a deque
behind a lock and a class with ``__enter__`` and ``__exit__``, or without the lock for asyncio.
"""

from __future__ import annotations

import asyncio
import statistics
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter_ns
from typing import Any

from ..child import contender
from ..contenders import CONTENDERS, SIZE, NodeContender, Setting, label
from ..report import NOTHING, Bar, Chart, Table, Target, number
from ..sampling import Metrics, Results, Sample
from ..stage import Stage

__all__ = ["NAME", "NOTES", "charts", "samples", "take", "tables", "targets"]

NAME = "lease"
NOTES = """
*x floor* is the contender over the floor in the same process, so that rows of different processes compare. The row
*floor* is the control: the floor over itself. A row that talks to its server at each lease or return shows mostly
a round trip.
"""
FLOOR = "floor: lock, deque, with"
ASYNC_FLOOR = "floor: deque, async with"
SYNC, ASYNCIO, UVLOOP, NODE = "threads", "asyncio", "uvloop", "node"
SETTINGS: tuple[Setting, ...] = ("default", "fast")
#: Blocks of a sample, and how long each takes, in nanoseconds.
BLOCKS = 20
BLOCK = 20_000_000
SECONDS = 2.5


def samples() -> list[Sample]:
    found = [Sample(case, _floor(case), SECONDS, {"loop": case}) for case in (SYNC, ASYNCIO, UVLOOP)]
    for name, kind in CONTENDERS.items():
        if name.endswith("query()"):
            continue
        cases = (
            (NODE,) if issubclass(kind, NodeContender) else (ASYNCIO, UVLOOP) if kind.is_async else (SYNC,)
        )
        for case in cases:
            for setting in SETTINGS:
                if kind.words(setting):
                    task = {"contender": name, "setting": setting, "loop": case}
                    found.append(Sample(case, label(name, setting), SECONDS, task))
    return found


def _floor(case: str) -> str:
    return FLOOR if case == SYNC else ASYNC_FLOOR


def take(sample: Sample, stage: Stage) -> Metrics:
    task = sample.task
    if "contender" not in task:
        return stage.ask("bench.questions.lease:measure", {**task, "contender": None})
    kind = CONTENDERS[task["contender"]]
    task = {**task, "address": stage.address(kind.server)}
    if issubclass(kind, NodeContender):
        return stage.ask_node({**task, "question": NAME, "package": kind.package})
    return stage.ask("bench.questions.lease:measure", task)


# -- in the fresh process --------------------------------------------------------------------------


class Floor:
    """The least that a pool for threads can be."""

    def __init__(self) -> None:
        self.idle = deque(range(SIZE))
        self.lock = threading.Lock()

    def connection(self) -> FloorLease:
        return FloorLease(self)


class FloorLease:
    __slots__ = ("conn", "pool")

    def __init__(self, pool: Floor) -> None:
        self.pool = pool

    def __enter__(self) -> int:
        with self.pool.lock:
            self.conn = self.pool.idle.pop()
        return self.conn

    def __exit__(self, *exc: object) -> None:
        with self.pool.lock:
            self.pool.idle.append(self.conn)


class AsyncFloor:
    """The least that a pool for asyncio can be."""

    def __init__(self) -> None:
        self.idle = deque(range(SIZE))

    def connection(self) -> AsyncFloorLease:
        return AsyncFloorLease(self)


class AsyncFloorLease:
    __slots__ = ("conn", "pool")

    def __init__(self, pool: AsyncFloor) -> None:
        self.pool = pool

    async def __aenter__(self) -> int:
        self.conn = self.pool.idle.pop()
        return self.conn

    async def __aexit__(self, *exc: object) -> None:
        self.pool.idle.append(self.conn)


def measure(task: dict[str, Any]) -> Any:
    return _measure_sync(task) if task["loop"] == SYNC else _measure_async(task)


def _measure_sync(task: dict[str, Any]) -> Metrics:
    def block(connection: Callable[[], Any], count: int) -> float:
        start = perf_counter_ns()
        for _ in range(count):
            with connection():
                pass
        return (perf_counter_ns() - start) / count

    floor = Floor().connection
    if task["contender"] is None:
        return _compared(_in_turns(block, floor, Floor().connection))
    pool = contender(task)
    pool.open()
    try:
        for lease in [pool.connection() for _ in range(SIZE)]:
            lease.__enter__()
            lease.__exit__(None, None, None)
        return _compared(_in_turns(block, floor, pool.connection))
    finally:
        pool.close()


def _in_turns(
    block: Callable[[Callable[[], Any], int], float], floor: Callable[[], Any], connection: Callable[[], Any]
) -> list[tuple[float, float]]:
    counts = [
        max(5, int(BLOCK / block(each, max(5, int(BLOCK / 10 / block(each, 5))))))
        for each in (floor, connection)
    ]
    return [(block(floor, counts[0]), block(connection, counts[1])) for _ in range(BLOCKS)]


async def _measure_async(task: dict[str, Any]) -> Metrics:
    async def block(connection: Callable[[], Any], count: int) -> float:
        start = perf_counter_ns()
        for _ in range(count):
            async with connection():
                pass
        return (perf_counter_ns() - start) / count

    floor = AsyncFloor().connection
    if task["contender"] is None:
        return _compared(await _async_in_turns(block, floor, AsyncFloor().connection))
    pool = contender(task)
    await pool.open()
    try:
        return _compared(await _async_in_turns(block, floor, pool.connection))
    finally:
        await asyncio.wait_for(pool.close(), 10)


async def _async_in_turns(
    block: Callable[[Callable[[], Any], int], Awaitable[float]],
    floor: Callable[[], Any],
    connection: Callable[[], Any],
) -> list[tuple[float, float]]:
    counts = [
        max(5, int(BLOCK / await block(each, max(5, int(BLOCK / 10 / await block(each, 5))))))
        for each in (floor, connection)
    ]
    return [(await block(floor, counts[0]), await block(connection, counts[1])) for _ in range(BLOCKS)]


def _compared(pairs: Sequence[tuple[float, float]]) -> Metrics:
    return {
        "ns": statistics.median(mine for _, mine in pairs),
        "floor": statistics.median(floor for floor, _ in pairs),
        "ratio": statistics.median(mine / floor for floor, mine in pairs),
    }


# -- the report ------------------------------------------------------------------------------------


def tables(results: Results) -> list[Table]:
    head = ("contender", "µs (median)", "min..max", "x floor", "min..max", "setting")
    return [Table(f"Lease + return, {case}", head, _rows(results, case)) for case in results.cases()]


def _rows(results: Results, case: str) -> list[list[str]]:
    rows = []
    for row in results.rows(case):
        if error := results.error(case, row):
            rows.append([row, error, "", "", "", ""])
            continue
        time, ratio = results.spread(case, row, "ns"), results.spread(case, row, "ratio")
        assert time is not None
        cells = [number(time.median / 1e3), f"{number(time.low / 1e3)}..{number(time.high / 1e3)}"]
        if ratio is None:
            cells += ["", ""]
        else:
            cells += [number(ratio.median), f"{number(ratio.low)}..{number(ratio.high)}"]
        rows.append([row, *cells, _words(row)])
    return rows


def _words(row: str) -> str:
    for name, kind in CONTENDERS.items():
        for setting in SETTINGS:
            if row == label(name, setting):
                return kind.words(setting)
    return "the control"


def targets(results: Results) -> list[Target]:
    found = [
        _below(
            results, case, ours, "asyncmy.Pool, fast", 1.0, f"lease + return, {case}: {ours} / asyncmy.Pool"
        )
        for case in (ASYNCIO, UVLOOP)
        for ours in ("thawpool psycopg async", "thawpool asyncpg")
    ]
    sync = "lease + return, threads: thawpool psycopg / psycopg_pool at its best"
    return [*found, _below(results, SYNC, "thawpool psycopg", "psycopg_pool, fast", 1 / 3, sync)]


def _below(results: Results, case: str, ours: str, peer: str, wanted: float, measure: str) -> Target:
    ratio, control = results.ratio(case, ours, peer, "ratio"), results.spread(case, _floor(case), "ratio")
    mine = results.spread(case, ours, "ns")
    if ratio is None or control is None or mine is None:
        return Target(measure, f"< {wanted:.2f}", NOTHING, "not measured")
    return Target.judged(
        measure,
        f"< {wanted:.2f}",
        f"{ratio.median:.2f} ({mine.median / 1e3:.2f} µs)",
        reached=ratio.median < wanted,
        margin=1 - ratio.median / wanted,
        control=control.median,
    )


def charts(results: Results) -> list[Chart]:
    found = []
    for case in results.cases():
        spreads = [(row, results.spread(case, row, "ns")) for row in results.rows(case)]
        bars = [Bar(row, s.median / 1e3, s.low / 1e3, s.high / 1e3) for row, s in spreads if s is not None]
        found.append(Chart(f"lease-{case}", f"Lease + return, {case}", "µs", bars, logarithmic=True))
    return found
