"""How many statements a second go through the pool, beside a connection held for good and from many at once?

*Sequential*: a fresh process times blocks of some milliseconds in shuffled turns: a connection of the driver's own,
held for good; the pool, with a lease and a return for each statement; and a second held connection. Both sides ask
the same statement and get the same form of result. Process, connections and server share one core.

*Concurrent*: a fresh process with five connections puts one load after the other on them: so many workers, threads or
tasks, each of which asks again as soon as it is answered. A wait is the time to get the connection.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..contenders import CONTENDERS, SIZE, Contender, NodeContender, Setting, label, words
from ..report import NOTHING, Bar, Chart, Table, Target, number
from ..sampling import Metrics, Results, Sample
from ..stage import Stage
from ._around import counter
from ._one_by_one import (
    ASYNCIO,
    FIFTY,
    NODE,
    READ_SO,
    SELECT_1,
    STARTING,
    STATEMENTS,
    THREADS,
    UVLOOP,
    getter,
    loop_of,
    median,
    near_raw,
    sample_of,
    settings_of,
    table,
    take_alone,
)

__all__ = ["HEADLINES", "NAME", "NOTES", "charts", "samples", "take", "tables", "targets"]

NAME = "throughput"
HEADLINES = (
    "200 workers, asyncio, q/s: thawpool asyncpg / asyncpg.Pool, fast",
    "200 workers, asyncio: thawpool asyncpg",
)
NOTES = f"""{READ_SO} The concurrent figures are taken with all cores.

*max* is the longest wait that ended; *unserved* the longest that had not ended when time was up, from its begin;
*max/median* is of the longer of both. *most/least* is how often the most and the least served worker were served, less
the one by which the cut of the window parts two equals; *never* how many were never served. *server/client* is the
server's own count of requests over the client's: PostgreSQL's of transactions, MariaDB's of SELECT statements. The
rows *raw* have a held connection for each of five workers, and *control* is the same again, in a process of its own.
The row *floor* has raw connections in the least pool that serves in order, a deque of them and one of waiters: what it
misses of order and of evenness is the threads' and the machine's.

To save time a peer's default setting has no 50 rows, no uvloop and only the largest load.
"""
#: Name: workers, statement, seconds before it counts, seconds.
LOADS: dict[str, tuple[int, str, float, float]] = {
    "5 workers": (5, STATEMENTS[SELECT_1], 0.1, 0.3),
    "50 workers": (50, STATEMENTS[SELECT_1], 0.2, 0.5),
    "200 workers": (200, STATEMENTS[SELECT_1], 0.3, 0.7),
    "50 workers, 50 rows": (50, STATEMENTS[FIFTY], 0.1, 0.4),
}
#: The load of the comparisons, and the only one of a peer's default setting.
LARGEST = "200 workers"
HELD = "5 workers"
CROWDED = ("50 workers", LARGEST)
SEQUENTIAL, CONCURRENT = "sequential", "concurrent"
#: Where a connection is held for good: whose driver it is, by loop.
RAW = {
    THREADS: ("raw psycopg, 5 held", "thawpool psycopg"),
    ASYNCIO: ("raw asyncpg, 5 held", "thawpool asyncpg"),
}
CONTROL = "control: the same again"
FLOOR = "floor: two deques"
#: The greatest that each may be for a pool to be fair.
FAIR = {"share": 1.1, "max/median": 3.0}


def samples() -> list[Sample]:
    found: list[Sample] = []
    for name, kind in CONTENDERS.items():
        for setting in settings_of(kind):
            found += _of(name, kind, setting)
    for loop, (row, name) in RAW.items():
        its: dict[str, Any] = {"contender": name, "setting": "default"}
        for each in (row, CONTROL):
            found.append(_concurrent(loop, each, {HELD: LOADS[HELD]}, **its, shape="held"))
        loads = {load: LOADS[load] for load in CROWDED}
        found.append(_concurrent(loop, FLOOR, loads, **its, shape="floor"))
    return found


def _of(name: str, kind: type[Contender], setting: Setting) -> Iterator[Sample]:
    best = setting == settings_of(kind)[-1]
    row, task = label(name, setting), {"contender": name, "setting": setting}
    first = loop_of(kind)
    for loop in (first, UVLOOP) if first == ASYNCIO and best and kind.server == "postgresql" else (first,):
        statements = STATEMENTS if best else [SELECT_1]
        yield sample_of(f"{SEQUENTIAL}, {loop}", row, loop, statements, **task)
    shape = "whole" if name.endswith("query()") else "leased"
    yield _concurrent(first, row, LOADS if best else {LARGEST: LOADS[LARGEST]}, **task, shape=shape)


def _concurrent(loop: str, row: str, loads: dict[str, Any], **task: Any) -> Sample:
    seconds = STARTING + sum(warm + length for _, _, warm, length in loads.values())
    return Sample(
        f"{CONCURRENT}, {loop}", row, seconds, {**task, "part": CONCURRENT, "loop": loop, "loads": loads}
    )


def take(sample: Sample, stage: Stage) -> Metrics:
    if sample.task["part"] == SEQUENTIAL:
        return take_alone(sample.task, stage)
    kind = CONTENDERS[sample.task["contender"]]
    task = {**sample.task, "address": stage.address(kind.server)}
    count = counter(stage, kind.server)
    before = count()
    if issubclass(kind, NodeContender):
        metrics = stage.ask_node({**task, "question": NAME, "package": kind.package})
    else:
        metrics = stage.ask("bench.questions._closed_loop:measure", task)
    return {**metrics, "server/client": (count() - before) / metrics["requests"]}


# -- the report ------------------------------------------------------------------------------------


def tables(results: Results) -> list[Table]:
    cases = set(results.cases())
    found = []
    for loop in (THREADS, ASYNCIO, UVLOOP, NODE):
        if (case := f"{SEQUENTIAL}, {loop}") in cases:
            found += [table(results, case, statement) for statement in STATEMENTS]
    for loop in (THREADS, ASYNCIO, NODE):
        if (case := f"{CONCURRENT}, {loop}") in cases:
            found += [_concurrent_table(results, case, load) for load in LOADS]
    return found


def _concurrent_table(results: Results, case: str, load: str) -> Table:
    head = (
        "contender", "q/s", "min..max", "wait p50 ms", "p99 ms", "max ms", "unserved ms", "max/median",
        "most/least", "never", "errors", "server/client", "setting",
    )  # fmt: skip
    rows = []
    for row in results.rows(case):
        if error := results.error(case, row):
            rows.append([row, error, *[""] * (len(head) - 2)])
            continue
        get = getter(results, case, row, load)
        if (rate := get("q/s")) is None:
            continue
        waits = [get(key) for key in ("p50", "p99", "max", "unserved")]
        others = [get(key) for key in ("max/median", "share", "never", "errors")]
        cells = [number(rate.median), f"{number(rate.low)}..{number(rate.high)}"]
        cells += [number(each.median * 1e3) if each else NOTHING for each in waits]
        cells += [number(median(each)) for each in others]
        served = results.spread(case, row, "server/client")
        rows.append([row, *cells, f"{served.median:.2f}" if served else NOTHING, _words(row)])
    return Table(f"{case}, {load} on {SIZE} connections", head, rows)


def _words(row: str) -> str:
    return words(row) or {CONTROL: "the control", FLOOR: "the least pool"}.get(row, "no pool")


def targets(results: Results) -> list[Target]:
    found = []
    for loop, ours in (
        (THREADS, "thawpool psycopg"),
        (ASYNCIO, "thawpool psycopg async"),
        (ASYNCIO, "thawpool asyncpg"),
        (UVLOOP, "thawpool asyncpg"),
    ):
        case = f"{SEQUENTIAL}, {loop}"
        found += [near_raw(results, case, loop, ours, statement) for statement in STATEMENTS]
    found.append(_faster(results, "asyncpg.Pool, fast", 1.1))
    found.append(_faster(results, "asyncpg.Pool", 1.5))
    for loop, ours in (
        (THREADS, "thawpool psycopg"),
        (ASYNCIO, "thawpool psycopg async"),
        (ASYNCIO, "thawpool asyncpg"),
    ):
        found += [_fair(results, loop, ours, load) for load in CROWDED]
    return found


def _faster(results: Results, peer: str, wanted: float) -> Target:
    case, key = f"{CONCURRENT}, {ASYNCIO}", f"{LARGEST}: q/s"
    measure = f"{LARGEST}, asyncio, q/s: thawpool asyncpg / {peer}"
    ratio = results.ratio(case, "thawpool asyncpg", peer, key)
    control = results.ratio(case, CONTROL, RAW[ASYNCIO][0], f"{HELD}: q/s")
    if ratio is None or control is None:
        return Target(measure, f">= {wanted}", NOTHING, "not measured")
    return Target.judged(
        measure,
        f">= {wanted}",
        f"{ratio.median:.2f}",
        reached=ratio.median >= wanted,
        margin=ratio.median - 1,
        control=control.median,
    )


def _fair(results: Results, loop: str, ours: str, load: str) -> Target:
    """Threads do not take turns evenly by themselves: what the least pool cannot do is not asked of ours."""
    case = f"{CONCURRENT}, {loop}"
    measure = f"{load}, {loop}: {ours}: most / least served; longest / median wait"
    got, floor = ([results.spread(case, row, f"{load}: {key}") for key in FAIR] for row in (ours, FLOOR))
    wanted = "; ".join(f"<= {bound}" for bound in FAIR.values()) + ", or the floor's"
    never = results.spread(case, ours, f"{load}: never")
    if never is None or not any(got):
        return Target(measure, wanted, NOTHING, "not measured")
    if never.high:
        return Target(measure, wanted, f"{never.high:.0f} workers never served", "missed")
    reached = all(
        mine is not None and mine.median <= max(bound, its.median if its else 0)
        for bound, mine, its in zip(FAIR.values(), got, floor, strict=True)
    )
    shown, beside = (
        "; ".join(number(each.median) if each else NOTHING for each in row) for row in (got, floor)
    )
    return Target.judged(measure, wanted, f"{shown} (the floor's: {beside})", reached=reached)


def charts(results: Results) -> list[Chart]:
    found = []
    for loop in (THREADS, ASYNCIO, UVLOOP, NODE):
        bars = _bars(results, f"{SEQUENTIAL}, {loop}", f"{SELECT_1}: ratio")
        if bars:
            title = f"One by one, {loop}, SELECT 1: the pool over a held connection"
            found.append(Chart(f"{NAME}-{SEQUENTIAL}-{loop}", title, "pool / raw", bars))
    for loop in (THREADS, ASYNCIO, NODE):
        bars = _bars(results, f"{CONCURRENT}, {loop}", f"{LARGEST}: q/s")
        if bars:
            title = f"{LARGEST} on {SIZE} connections, {loop}, SELECT 1"
            found.append(Chart(f"{NAME}-{CONCURRENT}-{loop}", title, "statements a second", bars))
    return found


def _bars(results: Results, case: str, key: str) -> list[Bar]:
    spreads = [(row, results.spread(case, row, key)) for row in results.rows(case)]
    return [Bar(row, s.median, s.low, s.high) for row, s in spreads if s is not None]
