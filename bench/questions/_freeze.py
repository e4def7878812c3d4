"""How the samples of "thaw" are taken: processes frozen while their server hangs up, connections swallowed."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from functools import partial
from time import monotonic
from typing import Any, NamedTuple

from ..contenders import EVERY, SIZE
from ..sampling import Metrics
from ..stage import BenchError, Stage, address_of
from ._company import PATIENCE, Actor, Cast, Outcome, all_rows, cast_of, servers, together_answered
from ._hole import Hole

__all__ = ["CAP", "DEAD", "HOLES", "Dead", "Swallowed", "take_dead", "take_holes"]

#: Seconds after which a request counts as one that hangs.
CAP = 10.0
#: Seconds idle: beyond thawpool's ``trust_window`` of 1 s, and within it.
LONG, SHORT = 1.5, 0.3
#: How long a thawed contender has the machine for itself, at most: after that it only waits.
TURN = 0.6
#: Dials of a sample to compare with.
DIALS = 5


class Dead(NamedTuple):
    size: int
    frozen: float


class Swallowed(NamedTuple):
    acknowledged: bool
    idle: float


DEAD = {
    "1 dead connection": Dead(1, LONG),
    "4 dead connections": Dead(4, LONG),
    "5 dead connections": Dead(5, LONG),
    "10 dead connections": Dead(10, LONG),
    "5 dead connections, frozen 0.3 s": Dead(5, SHORT),
}
HOLES = {
    "black hole, no acknowledgements, idle 1.5 s": Swallowed(False, LONG),
    "black hole, no acknowledgements, idle 0.3 s": Swallowed(False, SHORT),
    "black hole, acknowledged, idle 1.5 s": Swallowed(True, LONG),
    "black hole, acknowledged, idle 0.3 s": Swallowed(True, SHORT),
}

Outcomes = dict[tuple[str, str], Outcome]


# -- the server hangs up while they sleep ----------------------------------------------------------


def take_dead(stage: Stage) -> Outcomes:
    """All contenders in all cases of DEAD: one case after the other, in the same processes."""
    outcomes: Outcomes = {}
    cases = list(DEAD)
    random.shuffle(cases)
    with servers() as running:
        waiting = list(all_rows())
        with ExitStack() as stack:
            cast: Cast = {}
            for case in cases:
                failed: dict[str, BenchError] = {}
                # Who failed or hung in the last case gets a fresh process.
                cast |= stack.enter_context(
                    cast_of([row for row in waiting if row not in cast], running, failed)
                )
                found = _dead(case, DEAD[case], cast, running, failed)
                outcomes.update(
                    {(case, row): found.get(row, failed.get(row, BenchError("lost"))) for row in waiting}
                )
    return outcomes


def _dead(
    case: str, dead: Dead, cast: Cast, running: dict[str, Any], failed: dict[str, BenchError]
) -> dict[str, Outcome]:
    together_answered(cast, partial(_warm, pool=case, size=dead.size, address=None), failed)
    for actor in cast.values():
        actor.freeze()
    start = monotonic()
    _hang_up(running)
    time.sleep(max(0.0, dead.frozen - (monotonic() - start)))
    turns = {row: Turn(actor, case, dead.size + 5) for row, actor in cast.items()}
    for row in random.sample(list(turns), len(turns)):
        turns[row].begin()
    for row, turn in turns.items():
        turn.collect(turn.ends)
        if turn.dial is None:
            cast.pop(row).end()
    together_answered(cast, partial(_close, pool=case), {})
    return {row: turn.outcome() for row, turn in turns.items()}


class Turn:
    """One contender wakes, and has the machine for itself while it answers."""

    def __init__(self, actor: Actor, pool: str, count: int) -> None:
        self.actor, self.pool, self.count = actor, pool, count
        self.requests: list[dict[str, Any]] = []
        self.dial: float | None = None
        self.control: float | None = None
        self.error: BenchError | None = None

    def begin(self) -> None:
        """Wake it with its requests waiting, as a function is woken by one."""
        self.actor.order(self.pool, "requests", count=self.count)
        self.actor.order(self.pool, "dial", count=DIALS)
        self.ends = monotonic() + CAP
        self.actor.thaw()
        self.collect(monotonic() + TURN)

    def collect(self, until: float) -> None:
        """Note the answers that come before ``until``."""
        while self.dial is None and self.error is None:
            try:
                answer = self.actor.answer(self.pool, until - monotonic())
            except TimeoutError:
                return
            except BenchError as error:
                self.error = error
                return
            if "request" in answer:
                self.requests.append(answer)
            elif answer["did"] == "dial":
                self.dial, self.control = answer["seconds"], answer["control"]

    def outcome(self) -> Outcome:
        metrics = _sequence(self.requests, self.dial, hung=self.dial is None)
        return self.error or {**metrics, "control": self.control}


def _warm(actor: Actor, *, pool: str, size: int, address: Any) -> None:
    actor.order(pool, "open", size=size, address=address or actor.address)
    actor.answer(pool, PATIENCE)
    actor.order(pool, "touch")
    actor.answer(pool, PATIENCE)


def _close(actor: Actor, *, pool: str) -> None:
    actor.order(pool, "close")
    actor.answer(pool, 3.0)


def _hang_up(running: dict[str, Any]) -> None:
    """Have the servers end every session, and wait until none is left."""
    import psycopg

    others = "FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    with psycopg.connect(running["postgresql"].url(), autocommit=True) as conn:
        conn.execute(f"SELECT pg_terminate_backend(pid) {others}")
        _until(lambda: conn.execute(f"SELECT 1 {others}").fetchone() is None)
    if isinstance(running["mysql"], BenchError):
        return
    import pymysql

    sessions = "SELECT id FROM information_schema.processlist WHERE user = 'root' AND id <> CONNECTION_ID()"
    arguments = address_of(running["mysql"].url()).arguments
    with pymysql.connect(**arguments, autocommit=True) as conn, conn.cursor() as cursor:
        cursor.execute(sessions)
        for (number,) in cursor.fetchall():
            try:
                cursor.execute(f"KILL {number}")
            except pymysql.MySQLError:
                pass  # it has left by itself
        _until(lambda: not cursor.execute(sessions))


def _until(gone: Any) -> None:
    deadline = monotonic() + PATIENCE
    while not gone():
        if monotonic() > deadline:
            raise BenchError("a server did not end its sessions")
        time.sleep(0.01)


def _sequence(requests: list[dict[str, Any]], dial: float | None, *, hung: bool) -> Metrics:
    """What a row of requests comes to, in seconds."""
    errors = Counter(each["request"] for each in requests if each["request"] is not None)
    waited, answered = 0.0, None
    for each in requests:
        waited += each["seconds"]
        if each["request"] is None:
            answered = waited
            break
    return {
        "made": len(requests) + hung,
        "failed": sum(errors.values()),
        "errors": dict(errors),
        "hung": hung,
        "first": requests[0]["seconds"] if requests else CAP,
        "first_error": (requests[0]["request"] if requests else "hangs"),
        "answered": answered,
        "dial": dial,
        "over": None if dial is None or requests[0]["request"] else requests[0]["seconds"] - dial,
    }


# -- what is under way is lost ---------------------------------------------------------------------


def take_holes(stage: Stage) -> Outcomes:
    """All contenders in all cases of HOLES at once: each has a pool for each case, behind a proxy of its own."""
    outcomes: Outcomes = {}
    failed: dict[str, BenchError] = {}
    lost: dict[str, BenchError] = {}
    with servers() as running, ExitStack() as stack:
        holes = {
            (case, system): stack.enter_context(Hole(server.port))
            for case in HOLES
            for system, server in running.items()
            if not isinstance(server, BenchError)
        }
        with cast_of(all_rows(), running, failed) as cast:
            together_answered(cast, partial(_warm_all, holes=holes), failed)
            together_answered(cast, _touch_all, failed)
            touched = monotonic()
            for (case, _), hole in holes.items():
                try:
                    hole.swallow(acknowledged=HOLES[case].acknowledged)
                except BenchError as error:
                    lost[case] = error
            for case in sorted(HOLES, key=lambda case: HOLES[case].idle):
                time.sleep(max(0.0, touched + HOLES[case].idle - monotonic()))
                for actor in cast.values():
                    actor.order(case, "requests", count=3 * SIZE, until_answered=True)
            until = {case: touched + HOLES[case].idle + CAP for case in HOLES}
            for case in HOLES:
                for row in all_rows():
                    excuse = lost.get(case) or failed.get(row)
                    outcomes[case, row] = excuse or _swallowed(cast[row], case, until[case])
    return outcomes


def _system(actor: Actor) -> str:
    return EVERY[actor.name].server


def _warm_all(actor: Actor, holes: dict[tuple[str, str], Hole]) -> None:
    for case in HOLES:
        address = actor.address._replace(port=holes[case, _system(actor)].port)
        _warm(actor, pool=case, size=SIZE, address=address)


def _touch_all(actor: Actor, cases: Iterable[str] = tuple(HOLES)) -> None:
    for case in cases:
        actor.order(case, "touch")
    for case in cases:
        actor.answer(case, PATIENCE)


def _swallowed(actor: Actor, case: str, until: float) -> Outcome:
    try:
        requests, idle = actor.requests(case, until)
    except BenchError as error:
        return error
    limit = 0.9
    if idle is not None and HOLES[case].idle < limit < idle:
        return BenchError(f"the machine was too busy: idle {idle:.1f} s")
    metrics = _sequence(requests, None, hung=idle is None)
    return {**metrics, "idle": idle}
