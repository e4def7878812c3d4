"""What does the pool cost with each driver, beside a connection held for good and beside the driver's usual pool?

*One by one*: a fresh process times blocks of some milliseconds in shuffled turns: a connection of the driver's own,
held for good; the pool, with a lease and a return for each statement; and a second held connection. Both sides ask
the same statement and get the same form of result. Process, connections and server share one core.

*Lease + return*: a fresh process with five warm connections, without a statement, in turns with the least that a pool
can be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..contenders import EVERY, label
from ..contenders.floor import ASYNC_FLOOR, FLOOR
from ..report import NOTHING, Bar, Chart, Table, Target, number
from ..sampling import Metrics, Results, Sample, Spread
from ..stage import Stage
from . import lease
from ._one_by_one import (
    ASYNCIO,
    FIFTY,
    NODE,
    READ_SO,
    SELECT_1,
    STATEMENTS,
    THREADS,
    getter,
    loop_of,
    near_raw,
    sample_of,
    settings_of,
    table,
    take_alone,
)

__all__ = ["HEADLINES", "NAME", "NOTES", "charts", "samples", "take", "tables", "targets"]

NAME = "drivers"
TITLE = "With every driver: statements a second, one by one, over a held connection's; and a lease with its return"
HEADLINES: tuple[str, ...] = ()  # its first table has all
NOTES = f"""{READ_SO}

In the first table a driver's usual pool is the first of its peers, at its best setting for speed. *x floor* is a lease
over the floor in the same process, so that rows of different processes compare; the row of the floor is the control.
The rows *floor* are connections in the least pool that can be, a deque (and a lock): what it misses, no pool written in
Python has. A peer's default setting has no lease and no 50 rows, to save time.
"""
#: The pools that users of a driver have, the most usual first.
PEERS = {
    "psycopg": ("psycopg_pool",),
    "psycopg2": ("psycopg2 ThreadedConnectionPool", "SQLAlchemy psycopg2"),
    "pg8000": ("SQLAlchemy pg8000",),
    "pymysql": ("DBUtils PyMySQL", "SQLAlchemy PyMySQL"),
    "mysqlclient": ("DBUtils mysqlclient",),
    "mysqlconnector": ("mysql.connector pooling",),
    "psycopg async": ("psycopg_pool async",),
    "asyncpg": ("asyncpg.Pool",),
    "asyncmy": ("asyncmy.Pool",),
    "aiomysql": ("aiomysql.Pool",),
}
#: Of these other questions tell what is to be reached.
TOLD_ELSEWHERE = ("psycopg", "psycopg async", "asyncpg")
SCALE = "node mysql2"
#: Blocks of a lease, and the seconds that they take.
TURNS, LEASE = 10, 0.9


def samples() -> list[Sample]:
    floors = {THREADS: FLOOR, ASYNCIO: ASYNC_FLOOR}
    found = [
        Sample(loop, row, LEASE, {"floor": row, "loop": loop, "turns": TURNS}) for loop, row in floors.items()
    ]
    for driver, peers in PEERS.items():
        ours = f"thawpool {driver}"
        found += [*_of(ours), *_of(f"{ours} query()"), *_of(f"floor {driver}")]
        for peer in peers:
            found += _of(peer)
    return [*found, *_of(SCALE)]


def _of(name: str) -> Iterator[Sample]:
    kind = EVERY[name]
    loop = loop_of(kind)
    best = settings_of(kind)[-1]
    for setting in settings_of(kind):
        task: dict[str, Any] = {"contender": name, "setting": setting}
        statements = STATEMENTS if setting == best else [SELECT_1]
        sample = sample_of(loop, label(name, setting), loop, statements, **task)
        if setting == best and not name.endswith("query()") and not name.startswith("floor "):
            task = {**sample.task, "lease": {**task, "loop": loop, "turns": TURNS}}
            sample = replace(sample, seconds=sample.seconds + LEASE, task=task)
        yield sample


def take(sample: Sample, stage: Stage) -> Metrics:
    if "floor" in sample.task:
        return lease.take(sample, stage)
    task = dict(sample.task)
    leased = task.pop("lease", None)
    found = take_alone(task, stage)
    return found if leased is None else {**lease.take(replace(sample, task=leased), stage), **found}


# -- the report ------------------------------------------------------------------------------------


def tables(results: Results) -> list[Table]:
    loops = [loop for loop in (THREADS, ASYNCIO, NODE) if loop in results.cases()]
    found = [_summary(results)] if loops else []
    for loop in loops:
        found += [table(results, loop, statement) for statement in STATEMENTS]
    return [*found, *(lease.table(results, loop) for loop in loops)]


def _summary(results: Results) -> Table:
    """A line for each driver."""
    head = (
        "thawpool", "SELECT 1", "50 rows", "query(), 50 rows", "lease µs", "the least pool", "its usual pool", "SELECT 1",
        "50 rows", "lease µs",
    )  # fmt: skip
    rows = [
        [driver, *_ours(results, driver), _least(results, driver), *_theirs(results, peers[0])]
        for driver, peers in PEERS.items()
    ]
    rows.append(["(node, for the scale of things)", *[""] * 5, *_theirs(results, SCALE)])
    return Table(TITLE, head, rows, headline=True)


def _ours(results: Results, driver: str) -> list[str]:
    name = f"thawpool {driver}"
    loop = loop_of(EVERY[name])
    if error := results.error(loop, name):
        return [error, "", "", ""]
    dicts = getter(results, loop, f"{name} query()", FIFTY)("ratio")
    return [*_figures(results, loop, name)[:2], _ratio(dicts), _figures(results, loop, name)[2]]


def _least(results: Results, driver: str) -> str:
    return _ratio(getter(results, loop_of(EVERY[f"thawpool {driver}"]), f"floor {driver}", SELECT_1)("ratio"))


def _theirs(results: Results, peer: str) -> list[str]:
    kind = EVERY[peer]
    row = label(peer, settings_of(kind)[-1])
    if error := results.error(loop_of(kind), row):
        return [peer, error, "", ""]
    return [peer, *_figures(results, loop_of(kind), row)]


def _figures(results: Results, loop: str, row: str) -> list[str]:
    ratios = [_ratio(getter(results, loop, row, statement)("ratio")) for statement in STATEMENTS]
    time = results.spread(loop, row, "ns")
    return [*ratios, number(time.median / 1e3) if time else NOTHING]


def _ratio(spread: Spread | None) -> str:
    return f"{spread.median:.3f}" if spread else NOTHING


def targets(results: Results) -> list[Target]:
    found = []
    for driver, (peer, *_) in PEERS.items():
        if driver not in TOLD_ELSEWHERE:
            ours = f"thawpool {driver}"
            loop, best = loop_of(EVERY[ours]), label(peer, settings_of(EVERY[peer])[-1])
            found += [
                near_raw(results, loop, loop, ours, statement, f"floor {driver}") for statement in STATEMENTS
            ]
            measure = f"lease + return, {loop}: {ours} / {best}"
            found.append(lease.below(results, loop, ours, best, 1.0, measure))
    return found


def charts(results: Results) -> list[Chart]:
    found = []
    for loop in (THREADS, ASYNCIO):
        key = f"{SELECT_1}: ratio"
        spreads = [(row, results.spread(loop, row, key)) for row in results.rows(loop)]
        bars = [Bar(row, s.median, s.low, s.high) for row, s in spreads if s is not None]
        if bars:
            title = f"One by one, {loop}, SELECT 1: the pool over a held connection"
            found.append(Chart(f"{NAME}-{loop}", title, "pool / raw", bars))
    return found
