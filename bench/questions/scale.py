"""Does a lease cost more when many wait, or when the pool has many connections?

*Waiters*: a fresh process with five connections times the leases of crowds of several sizes, in shuffled turns.
Each task or thread leases, lets the others run (`sleep(0)`), returns, and begins anew; a figure is the process's
CPU time over the leases that it sees. *Connections*: pools of several sizes, all their connections open, and nobody
who waits: blocks of leases with returns.

A floor shows what the event loop and the threads themselves cost with so many: the least that a pool with a queue
can be, a deque of connections and one of waiters.
"""

from __future__ import annotations

from typing import Any

from thawpool.testing.postgres import Postgres

from ..contenders import Address, Setting, label
from ..report import NOTHING, Chart, Line, Table, Target, number
from ..sampling import Metrics, Results, Sample
from ..stage import Stage, address_of

__all__ = ["HEADLINES", "NAME", "NOTES", "charts", "samples", "take", "tables", "targets"]

NAME = "scale"
HEADLINES = ("lease + return: thawpool asyncpg, 10,000 waiters",)
NOTES = """
Figures are of one lease with its return. *growth* is the last figure of a row over that of the base, in one process;
*control* is the base's figure, taken again, over itself. The base is ten waiters, or five connections. What grows in the
row *floor* is the event loop's own, or the threads'.

A crowd's size includes those that hold a connection. Peers are at their best settings for speed.
"""
FLOOR = "floor: two deques"
ASYNCIO, THREADS = "asyncio", "threads"
WAITERS, CONNECTIONS = "waiters", "connections"
#: The first of each is the base. The largest, where there is a second list, are for thawpool and the floor alone: a
#: peer needs seconds to let ten thousand waiters come and go, or to open so many connections.
SIZES = {
    (WAITERS, ASYNCIO): ([10, 100, 1000], [10_000]),
    (WAITERS, THREADS): ([10, 100, 500], []),
    (CONNECTIONS, ASYNCIO): ([5, 1, 50], [500]),
    (CONNECTIONS, THREADS): ([5, 1, 50], [500]),
}
#: Ours have one setting; the peers' is their best.
WHO: dict[str, tuple[tuple[str, Setting], ...]] = {
    ASYNCIO: (
        ("thawpool psycopg async", "default"),
        ("thawpool asyncpg", "default"),
        ("psycopg_pool async", "fast"),
        ("asyncpg.Pool", "fast"),
        ("SQLAlchemy asyncpg", "fast"),
    ),
    THREADS: (
        ("thawpool psycopg", "default"),
        ("psycopg_pool", "fast"),
        ("SQLAlchemy psycopg", "fast"),
    ),
}
OURS = {loop: [name for name, setting in who if setting == "default"] for loop, who in WHO.items()}
#: The most that a figure may grow.
GROWTH = 1.2


def samples() -> list[Sample]:
    found = []
    for (what, loop), (sizes, largest) in SIZES.items():
        case = f"{what}, {loop}"
        every: dict[str, Any] = {"what": what, "loop": loop, "sizes": [*sizes, *largest]}
        found.append(Sample(case, FLOOR, 1.0, {**every, "contender": None}))
        for name, setting in WHO[loop]:
            ours = name in OURS[loop]
            task = {**every, "contender": name, "setting": setting}
            found.append(
                Sample(
                    case,
                    label(name, setting),
                    2.5 if ours else 1.7,
                    task if ours else {**task, "sizes": sizes},
                )
            )
    return found


class Roomy:
    """A server with room for the largest pools."""

    def __init__(self, stage: Stage) -> None:
        self._server = Postgres(settings={"max_connections": "700", "autovacuum": "off"}).start()

    @property
    def address(self) -> Address:
        return address_of(self._server.url())

    def close(self) -> None:
        self._server.close()


def take(sample: Sample, stage: Stage) -> Metrics:
    task = sample.task
    if task["contender"] is not None:
        task = {**task, "address": stage.keep(Roomy).address}
    return stage.ask(f"bench.questions._crowd:measure_{task['what']}", task)


# -- the report ------------------------------------------------------------------------------------


def tables(results: Results) -> list[Table]:
    found = []
    for (what, loop), (sizes, largest) in SIZES.items():
        case, columns = f"{what}, {loop}", sorted([*sizes, *largest])
        head = (
            "contender",
            *(f"{size:,}, µs" for size in columns),
            "growth",
            "min..max",
            "control",
            "min..max",
        )
        rows = [_row(results, case, row, columns) for row in results.rows(case)]
        if rows:
            found.append(Table(f"Lease + return, {loop}, by {what}", head, rows))
    return found


def _row(results: Results, case: str, row: str, columns: list[int]) -> list[str]:
    if error := results.error(case, row):
        return [row, error, *[""] * (len(columns) + 3)]
    times = {size: results.spread(case, row, str(size)) for size in columns}
    cells = [number(time.median / 1e3) if time else NOTHING for time in times.values()]
    last = max(size for size, time in times.items() if time)
    for key in (str(last), "again"):
        growth = results.spread(case, row, f"{key}: growth")
        cells += [f"{growth.median:.2f}", f"{growth.low:.2f}..{growth.high:.2f}"] if growth else [NOTHING, ""]
    return [row, *cells]


def targets(results: Results) -> list[Target]:
    return [
        _steady(results, f"{what}, {loop}", name, f"{max([*sizes, *largest])}", f"{what} over {sizes[0]}")
        for (what, loop), (sizes, largest) in SIZES.items()
        for name in OURS[loop]
    ]


def _steady(results: Results, case: str, name: str, last: str, what: str) -> Target:
    measure, wanted = f"lease + return: {name}, {int(last):,} {what}", f"<= {GROWTH}"
    growth, control = (results.spread(case, name, f"{key}: growth") for key in (last, "again"))
    if growth is None or control is None:
        return Target(measure, wanted, NOTHING, "not measured")
    floor = results.spread(case, FLOOR, f"{last}: growth")
    beside = f" (the floor's: {floor.median:.2f})" if floor else ""
    return Target.judged(
        measure,
        wanted,
        f"{growth.median:.2f}{beside}",
        reached=growth.median <= GROWTH,
        margin=GROWTH - 1,
        control=control.median,
    )


def charts(results: Results) -> list[Chart]:
    found = []
    for (what, loop), (sizes, largest) in SIZES.items():
        case = f"{what}, {loop}"
        lines = [_line(results, case, row, sorted([*sizes, *largest])) for row in results.rows(case)]
        drawn = [line for line in lines if line.points]
        if drawn:
            title = f"Lease + return, {loop}, by {what}"
            found.append(
                Chart(f"{NAME}-{what}-{loop}", title, "µs", lines=drawn, logarithmic=True, across=what)
            )
    return found


def _line(results: Results, case: str, row: str, sizes: list[int]) -> Line:
    spreads = [(size, results.spread(case, row, str(size))) for size in sizes]
    return Line(row, [(size, spread.median / 1e3) for size, spread in spreads if spread is not None])
