"""One statement after the other, through a pool and on a connection held for good: what is taken, and how it reads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..contenders import EVERY, Contender, NodeContender, Setting, words
from ..report import NOTHING, Table, Target, number
from ..sampling import Metrics, Results, Sample
from ..stage import Stage
from ._around import one_core

__all__ = [
    "ASYNCIO", "FIFTY", "NODE", "READ_SO", "SELECT_1", "STARTING", "STATEMENTS", "THREADS", "UVLOOP",
    "getter", "loop_of", "median", "near_raw", "sample_of", "settings_of", "table", "take_alone",
]  # fmt: skip

SELECT_1, FIFTY = "SELECT 1", "50 rows"
STATEMENTS = {SELECT_1: "SELECT 1", FIFTY: "SELECT id, name, email FROM users ORDER BY id LIMIT 50"}
#: Turns of a sample, nanoseconds of a block, and requests before a block is timed.
TURNS = {"blocks": 48, "block": 3_000_000, "warm": 30}
#: Seconds for a process to start.
STARTING = 0.5
THREADS, ASYNCIO, UVLOOP, NODE = "threads", "asyncio", "uvloop", "node"
READ_SO = """
*pool/raw* is the pool's statements a second over those of the held connection, turn by turn in one process; *control*
is the second held connection over the first. *CPU* is the time that the client's process spends on a statement, all its
threads together; *more* is what the pool adds to the held connection's. Of *query()*, whose rows are dicts, the other side
is the driver's own way to dicts: a ratio above 1 is that it makes them faster, not that it asks less.

A round trip on one machine takes one of two times, several-fold apart: the two processes share a core, or each wakes the
other's idle one, and which it is changes within a second. So the sequential figures are taken with all on one core: with
all cores free, or a core for each, the control strayed much further from 1. That is also the hardest for a pool: the
round trip is the shortest there is, and no second core hides the pool's work. Behind a network a round trip takes ten
times as long and more, and *more* is still all that the pool adds."""
#: What of a held connection's statements is to go through thawpool.
WANTED = 0.97


def settings_of(kind: type[Contender]) -> tuple[Setting, ...]:
    """The settings for speed: as the library comes, and its best."""
    return ("default", "fast") if kind.words("fast") else ("default",)


def loop_of(kind: type[Contender]) -> str:
    return NODE if issubclass(kind, NodeContender) else ASYNCIO if kind.is_async else THREADS


def sample_of(case: str, row: str, loop: str, statements: Iterable[str], **task: Any) -> Sample:
    """A contender's statements, each in turns with two held connections."""
    asked = {name: STATEMENTS[name] for name in statements}
    seconds = STARTING + len(asked) * (3 * TURNS["blocks"] * TURNS["block"] / 1e9 + 0.1)
    return Sample(
        case, row, seconds, {**task, "part": "sequential", "loop": loop, "statements": asked, **TURNS}
    )


def take_alone(task: dict[str, Any], stage: Stage) -> Metrics:
    """Take such a sample: process, connections and server on one core."""
    kind = EVERY[task["contender"]]
    with one_core(stage.postgres if kind.server == "postgresql" else stage.mariadb):
        task = {**task, "address": stage.address(kind.server)}
        if issubclass(kind, NodeContender):
            return stage.ask_node({**task, "question": "throughput", "package": kind.package})
        return stage.ask("bench.questions._sequential:measure", task)


# -- the report ------------------------------------------------------------------------------------


def table(results: Results, case: str, statement: str) -> Table:
    head = (
        "contender", "raw q/s", "pool q/s", "pool/raw", "min..max", "control", "min..max", "CPU µs", "more µs", "setting",
    )  # fmt: skip
    rows = []
    for row in results.rows(case):
        if error := results.error(case, row):
            rows.append([row, error, *[""] * (len(head) - 2)])
            continue
        get = getter(results, case, row, statement)
        if (ratio := get("ratio")) is None or (control := get("control")) is None:
            continue
        cpu, raw = median(get("pool CPU")), median(get("raw CPU"))
        more = number((cpu - raw) / 1e3) if cpu is not None and raw is not None else NOTHING
        cells = [number(median(get("raw q/s"))), number(median(get("pool q/s")))]
        for spread in (ratio, control):
            cells += [f"{spread.median:.3f}", f"{spread.low:.3f}..{spread.high:.3f}"]
        rows.append([row, *cells, number(cpu / 1e3 if cpu is not None else None), more, words(row)])
    return Table(f"{case}, {statement}", head, rows)


def near_raw(results: Results, case: str, loop: str, ours: str, statement: str, floor: str = "") -> Target:
    """That hardly a statement is lost on the way through ``ours``. ``floor`` is the least pool, to be shown beside it."""
    get = getter(results, case, ours, statement)
    measure, wanted = f"one by one, {loop}, {statement}: {ours} / a held connection", f">= {WANTED}"
    if (ratio := get("ratio")) is None or (control := get("control")) is None:
        return Target(measure, wanted, NOTHING, "not measured")
    least = getter(results, case, floor, statement)("ratio")
    return Target.judged(
        measure,
        wanted,
        f"{ratio.median:.3f}" + (f" (the floor's: {least.median:.3f})" if least else ""),
        reached=ratio.median >= WANTED,
        margin=max(1 - WANTED, ratio.median - WANTED),
        control=control.median,
    )


def getter(results: Results, case: str, row: str, part: str) -> Any:
    return lambda key: results.spread(case, row, f"{part}: {key}")


def median(spread: Any) -> float | None:
    return None if spread is None else float(spread.median)
