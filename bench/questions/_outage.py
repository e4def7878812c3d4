"""How the samples of "restart" are taken: a server dies under a light load and comes back."""

from __future__ import annotations

import random
import time
from collections import Counter
from functools import partial
from time import monotonic
from typing import Any, NamedTuple

from ..contenders import SIZE
from ..sampling import Metrics
from ..stage import BenchError, Stage, address_of
from ._company import PATIENCE, Actor, Cast, Outcome, all_rows, cast_of, servers, together_answered

__all__ = ["CASES", "OUTAGE", "WORKERS", "take_all"]

#: The servers' names in the report, by what contenders call their system.
CASES = {"PostgreSQL": "postgresql", "MariaDB": "mysql"}
WORKERS = 10
#: Seconds of load before the kill, until the restart, and after the return.
BEFORE, OUTAGE, AFTER = 1.5, 2.0, 3.0
#: How many contenders share a server, so that the load stays light.
GROUP = 8
#: Seconds after which a request that has not ended is one that hangs.
HANGS = 1.0

#: Errors of ``query()`` that say themselves that nothing was sent: of when it sends, only thawpool knows.
UNSENT = {"PoolTimeout", "PoolSaturated", "ConnectFailed", "Overloaded"}

POOL = "load"


def take_all(stage: Stage) -> dict[tuple[str, str], Outcome]:
    """All contenders, in groups made anew each time: those of one server in turn, those of both at once."""
    outcomes: dict[tuple[str, str], Outcome] = {}
    for case, system in CASES.items():
        rows = list(all_rows(system))
        random.shuffle(rows)
        count = -(-len(rows) // GROUP)
        for group in (rows[number::count] for number in range(count)):
            with servers() as running:
                outcomes.update({(case, row): found for row, found in _group(group, running, system).items()})
    return outcomes


def _group(rows: list[str], running: dict[str, Any], system: str) -> dict[str, Outcome]:
    failed: dict[str, BenchError] = {}
    halted: dict[str, dict[str, Any]] = {}
    with cast_of(rows, running, failed) as cast:
        together_answered(cast, _start, failed)
        if not cast:
            return dict(failed)
        time.sleep(BEFORE)
        times = _outage(running[system], system)
        time.sleep(AFTER)
        together_answered(cast, partial(_halt, halted=halted, names=_names(cast)), failed)
    # Who answers first is back first: the client that dials, or a contender that was faster.
    firsts = [first for answer in halted.values() if (first := _first(answer, times.begun)) is not None]
    times = times._replace(back=min(times.back, *firsts))
    found = {row: _metrics(answer, times) for row, answer in halted.items()}
    return {row: found.get(row) or failed[row] for row in rows}


def _start(actor: Actor) -> None:
    actor.order(POOL, "open", size=SIZE, address=actor.address)
    actor.order(POOL, "touch")
    actor.order(POOL, "load", workers=WORKERS)
    for _ in range(3):
        actor.answer(POOL, PATIENCE)


def _names(cast: Cast) -> dict[int, str]:
    return {id(actor): row for row, actor in cast.items()}


def _halt(actor: Actor, *, halted: dict[str, dict[str, Any]], names: dict[int, str]) -> None:
    actor.order(POOL, "halt")
    halted[names[id(actor)]] = actor.answer(POOL, PATIENCE)


class Times(NamedTuple):
    """When the server was killed, was gone, began to start and answered again.

    By the monotonic clock, which all processes of a machine share.
    """

    killed: float
    gone: float
    begun: float
    back: float


def _outage(server: Any, system: str) -> Times:
    killed = monotonic()
    if system == "postgresql":
        server.stop("immediate")
    else:
        server.kill()
    gone = monotonic()
    time.sleep(max(0.0, killed + OUTAGE - gone))
    begun = monotonic()
    server.start()
    address = address_of(server.url())
    deadline = monotonic() + PATIENCE
    while not _answers(system, address.arguments):
        if monotonic() > deadline:
            raise BenchError("the server did not come back")
        time.sleep(0.002)
    return Times(killed, gone, begun, monotonic())


def _answers(system: str, arguments: dict[str, Any]) -> bool:
    import psycopg
    import pymysql

    try:
        if system == "postgresql":
            arguments = {**arguments, "dbname": arguments["database"]}
            del arguments["database"]
            with psycopg.connect(**arguments) as conn:
                conn.execute("SELECT 1")
        else:
            with pymysql.connect(**arguments) as conn, conn.cursor() as cursor:
                cursor.execute("SELECT 1")
    except (psycopg.Error, pymysql.MySQLError):
        return False
    return True


def _first(answer: dict[str, Any], begun: float) -> float | None:
    """When the first request was answered after the restart."""
    return min((end for _, _, end, error in answer["ended"] if error is None and end > begun), default=None)


def _metrics(answer: dict[str, Any], times: Times) -> Metrics:
    ended = answer["ended"]
    errors = [each for each in ended if each[3] is not None]
    # While the server dies, its sockets still take statements.
    under_way = [e for e in errors if e[1] is not None and e[1] <= times.gone and e[3] not in UNSENT]
    good = [each for each in ended if each[3] is None]
    first = _first(answer, times.begun)
    span = AFTER / 2
    before = sum(times.killed - BEFORE * 0.8 < end < times.killed for _, _, end, _ in good) / (BEFORE * 0.8)
    late = sum(answer["now"] - span < end for _, _, end, _ in good) / span
    return {
        "ok": len(good),
        "errors": len(errors),
        "under_way": len(under_way),
        "types": dict(Counter(each[3] for each in errors)),
        "longest": max(end - start for start, _, end, _ in ended),
        "hung": sum(answer["now"] - start > HANGS for start in answer["open"]),
        "first": None if first is None else first - times.back,
        "before": before,
        "late": late,
    }
