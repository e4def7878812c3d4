"""What do a lease and a return cost, without a query, in the form that users write?

Each sample is a fresh process with five warm connections. It times the contender and a floor in turns, in
short blocks, so that what slows the machine slows both. The floor is the least that a pool can be: a deque
behind a lock and a class with `__enter__` and `__exit__`, or without the lock for asyncio.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Sequence
from contextlib import AsyncExitStack, ExitStack
from typing import Any

from ..child import contender
from ..contenders import CONTENDERS, EVERY, SIZE, NodeContender, label, words
from ..contenders.floor import ASYNC_FLOOR, ASYNC_FLOORS, FLOOR, FLOORS, AsyncFloor, Floor
from ..report import NOTHING, Bar, Chart, Table, Target, number
from ..sampling import Metrics, Results, Sample
from ..stage import Stage
from ._one_by_one import ASYNCIO, THREADS, UVLOOP, loop_of, settings_of
from ._turns import BLOCKS, async_in_turns, in_turns

__all__ = ["HEADLINES", "NAME", "NOTES", "below", "charts", "samples", "table", "take", "tables", "targets"]

NAME = "lease"
HEADLINES = (
    "lease + return, asyncio: thawpool asyncpg",
    "lease + return, threads",
)
NOTES = """
*x floor* is the contender over the floor in the same process, so that rows of different processes compare. The row of
the floor itself is the control: the floor over itself. A row that talks to its server at each lease or return shows
mostly a round trip.
"""
SECONDS = 1.4


def samples() -> list[Sample]:
    found = [
        Sample(case, row, SECONDS, {"floor": row, "loop": case})
        for case in (THREADS, ASYNCIO, UVLOOP)
        for row in (FLOORS if case == THREADS else ASYNC_FLOORS)
    ]
    for name, kind in CONTENDERS.items():
        if not name.endswith("query()"):
            loop = loop_of(kind)
            found += [
                Sample(
                    case,
                    label(name, setting),
                    SECONDS,
                    {"contender": name, "setting": setting, "loop": case},
                )
                for case in ((ASYNCIO, UVLOOP) if loop == ASYNCIO else (loop,))
                for setting in settings_of(kind)
            ]
    return found


def _control(case: str) -> str:
    return FLOOR if case == THREADS else ASYNC_FLOOR


def take(sample: Sample, stage: Stage) -> Metrics:
    task = sample.task
    if "floor" in task:
        return stage.ask("bench.questions.lease:measure", task)
    kind = EVERY[task["contender"]]
    task = {**task, "address": stage.address(kind.server)}
    if issubclass(kind, NodeContender):
        return stage.ask_node({**task, "question": NAME, "package": kind.package})
    return stage.ask("bench.questions.lease:measure", task)


# -- in the fresh process --------------------------------------------------------------------------


def measure(task: dict[str, Any]) -> Any:
    return _measure_sync(task) if task["loop"] == THREADS else _measure_async(task)


def _measure_sync(task: dict[str, Any]) -> Metrics:
    turns = task.get("turns", BLOCKS)
    if "floor" in task:
        return _compared(in_turns(turns, Floor().loop, FLOORS[task["floor"]]().loop))
    pool = contender(task)
    pool.open()
    try:
        with ExitStack() as leases:
            for _ in range(SIZE):
                leases.enter_context(pool.connection())

        def loop(count: int) -> None:
            connection = pool.connection
            for _ in range(count):
                with connection():
                    pass

        return _compared(in_turns(turns, Floor().loop, loop))
    finally:
        pool.close()


async def _measure_async(task: dict[str, Any]) -> Metrics:
    turns = task.get("turns", BLOCKS)
    if "floor" in task:
        return _compared(await async_in_turns(turns, AsyncFloor().loop, ASYNC_FLOORS[task["floor"]]().loop))
    pool = contender(task)
    await pool.open()
    try:
        async with AsyncExitStack() as leases:
            for _ in range(SIZE):
                await leases.enter_async_context(pool.connection())

        async def loop(count: int) -> None:
            connection = pool.connection
            for _ in range(count):
                async with connection():
                    pass

        return _compared(await async_in_turns(turns, AsyncFloor().loop, loop))
    finally:
        await asyncio.wait_for(pool.close(), 10)


def _compared(blocks: Sequence[tuple[float, ...]]) -> Metrics:
    return {
        "ns": statistics.median(mine for _, mine in blocks),
        "floor": statistics.median(floor for floor, _ in blocks),
        "ratio": statistics.median(mine / floor for floor, mine in blocks),
    }


# -- the report ------------------------------------------------------------------------------------


def tables(results: Results) -> list[Table]:
    return [table(results, case) for case in results.cases()]


def table(results: Results, case: str) -> Table:
    head = ("contender", "µs (median)", "min..max", "x floor", "min..max", "setting")
    return Table(f"Lease + return, {case}", head, _rows(results, case))


def _rows(results: Results, case: str) -> list[list[str]]:
    rows = []
    for row in results.rows(case):
        if row.endswith("query()"):
            continue
        if error := results.error(case, row):
            rows.append([row, error, "", "", "", ""])
            continue
        time, ratio = results.spread(case, row, "ns"), results.spread(case, row, "ratio")
        if time is None:
            continue
        cells = [number(time.median / 1e3), f"{number(time.low / 1e3)}..{number(time.high / 1e3)}"]
        if ratio is None:
            cells += ["", ""]
        else:
            cells += [number(ratio.median), f"{number(ratio.low)}..{number(ratio.high)}"]
        rows.append([row, *cells, _words(row)])
    return rows


def _words(row: str) -> str:
    return words(row) or ("the control" if row in (FLOOR, ASYNC_FLOOR) else "")


def targets(results: Results) -> list[Target]:
    found = [
        below(
            results, case, ours, "asyncmy.Pool, fast", 1.0, f"lease + return, {case}: {ours} / asyncmy.Pool"
        )
        for case in (ASYNCIO, UVLOOP)
        for ours in ("thawpool psycopg async", "thawpool asyncpg")
    ]
    sync = "lease + return, threads: thawpool psycopg / psycopg_pool at its best"
    return [*found, below(results, THREADS, "thawpool psycopg", "psycopg_pool, fast", 1 / 3, sync)]


def below(results: Results, case: str, ours: str, peer: str, wanted: float, measure: str) -> Target:
    ratio, control = results.ratio(case, ours, peer, "ratio"), results.spread(case, _control(case), "ratio")
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
