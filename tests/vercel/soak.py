"""A thousand requests under Vercel's runtime while everything around the pool breaks at random.

    python -m tests.vercel.soak --requests 1000 --seed 7

Several clients ask one instance of a function at once. Meanwhile the instance is really frozen between requests (SIGSTOP),
its wall clock moves on while its monotonic clock stands still, the server is restarted and killed, its sessions
are ended, the network cuts, resets, swallows, slows down and forgets. The demand: no request fails that a living server
could have served by its deadline, as ``tests.vercel.judge`` defines it, and the function never has more than
``max_size`` sessions at the server.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from textwrap import indent
from typing import Any, NamedTuple

import psycopg
from tests.support.vercel import VercelFunction
from tests.vercel.judge import Judge, Request, Verdict
from tests.vercel.sites import ROOT
from tests.vercel.weather import LONGEST_DEADLINE, Gate, Weather
from tests.vercel.wire import Wire, mark

from thawpool.testing.postgres import Postgres, find_postgres

__all__ = ["DRIVERS", "KINDS", "Report", "soak"]

FUNCTIONS = "tests/vercel/functions"
#: A file, and what is served of it.
KINDS = {
    "asgi": (f"{FUNCTIONS}/soak_asgi.py", "app"),
    "wsgi": (f"{FUNCTIONS}/soak_threads.py", "app"),
    "handler": (f"{FUNCTIONS}/soak_threads.py", "handler"),
}
DRIVERS = {"asgi": ("asyncpg", "psycopg"), "wsgi": ("psycopg", "psycopg2", "pg8000")}
DRIVERS["handler"] = DRIVERS["wsgi"]
#: The pool's default, which its function does not change.
MAX_SIZE = 5
NAME = "soak"


class Report(NamedTuple):
    """What came of it.

    Attributes:
        verdicts: of the requests that were not served.
        sessions: the most that the function ever had at the server at once.
        samples: how often they were counted.
        weather: how often each thing happened.
    """

    requests: int
    seconds: float
    verdicts: list[Verdict]
    sessions: int
    samples: int
    weather: Counter[str]
    frozen: float
    moved: float

    @property
    def failures(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if not verdict.excused]

    @property
    def good(self) -> bool:
        return not self.failures and self.sessions <= MAX_SIZE

    def __str__(self) -> str:
        excused = Counter(verdict.why for verdict in self.verdicts if verdict.excused)
        served = self.requests - len(self.verdicts)
        counts = f"{served} served, {excused.total()} excused, {len(self.failures)} failed"
        lines = [
            f"{self.requests} requests in {self.seconds:.1f} s: {counts}",
            f"excused: {_list(excused)}",
            f"weather: {_list(self.weather)}",
            f"frozen for {self.frozen:.1f} s, wall clock moved by {self.moved:.0f} s",
            f"sessions at the server: {self.sessions} at most, in {self.samples} samples",
        ]
        for request, why, _ in self.failures:
            lines.append(
                f"FAILED: request {request.number}, {why}: status {request.status} after "
                f"{request.ended - request.began:.3f} s of {request.deadline - request.began:.3f}"
            )
            lines.append(indent(request.error.rstrip(), "    "))
        if self.sessions > MAX_SIZE:
            lines.append(f"FAILED: {self.sessions} sessions at the server, {MAX_SIZE} allowed")
        return "\n".join(lines)


def _list(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in counts.most_common()) or "none"


class Census(threading.Thread):
    """Counts the function's sessions at the server, on a session of its own, whenever there is a server.

    A session counts as long as the function holds its end of it: one that the network has forgotten, or whose end is still
    on its way, is known to nobody but the server.
    """

    def __init__(self, server: Postgres, wire: Wire, function: VercelFunction) -> None:
        super().__init__(name="census", daemon=True)
        self._server, self._wire, self._function = server, wire, function
        self._over = threading.Event()
        self.most = 0
        self.samples = 0

    def run(self) -> None:
        while not self._over.wait(0.02):
            try:
                with psycopg.connect(self._server.url(), autocommit=True) as conn:
                    while not self._over.wait(0.02):
                        self._count(conn)
            except psycopg.Error:
                pass  # it is down

    def stop(self) -> None:
        self._over.set()
        self.join()

    def _count(self, conn: psycopg.Connection) -> None:
        rows = conn.execute(
            "SELECT client_port FROM pg_stat_activity WHERE application_name = %s", (NAME,)
        ).fetchall()
        count = len(rows)
        if count > MAX_SIZE:
            held = _ports_held(self._function.pid, self._wire.port)
            count = sum(self._wire.ports.get(port) in held for (port,) in rows)
        self.most = max(self.most, count)
        self.samples += 1


def _ports_held(pid: int, port: int) -> set[int]:
    """The own ports of the open connections to ``port`` on 127.0.0.1, of all processes in the network of ``pid``."""
    rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    return {
        int(row[1].partition(":")[2], 16)
        for row in rows
        if row[2] == f"0100007F:{port:04X}" and row[3] in ("01", "08")
    }


class Clients:
    """Several clients that ask at once, each with pauses of its own, until so many requests have been made."""

    def __init__(self, seed: int, requests: int, function: VercelFunction, gate: Gate) -> None:
        self._seed = seed
        self._function = function
        self._gate = gate
        self._count = itertools.count(1)
        self._left = requests
        self.done: list[Request] = []

    def ask_in_peace(self, requests: int) -> None:
        """Ask so often, one after the other."""
        for _ in range(requests):
            self.done.append(self._ask("/query", 0.0, 10.0))

    def run(self, client: int) -> None:
        dice = random.Random(f"client {self._seed} {client}")
        while self._left > 0:
            self._left -= 1
            time.sleep(dice.uniform(0.0, 0.2))
            work = dice.choice((0.0, 0.0, 0.01, 0.05, 0.2))
            path = dice.choice(("/query", "/query", "/transaction"))
            with self._gate.passing():
                self.done.append(self._ask(path, work, dice.uniform(3.0, LONGEST_DEADLINE)))

    def stop(self) -> None:
        """Let each end the request that it is at."""
        self._left = 0

    def _ask(self, path: str, work: float, seconds: float) -> Request:
        number = next(self._count)
        began = time.monotonic()
        deadline = began + seconds
        status, own, error = 0, False, ""
        try:
            answer = self._function.get(f"{path}?s={work}&mark={mark(number)}", deadline=seconds, within=30.0)
        except (OSError, http.client.HTTPException) as failure:
            error = repr(failure)
            ended = time.monotonic()
        else:
            ended = time.monotonic()
            status = answer.status
            own = status == 200 and answer.json()["mark"] == mark(number)
            if not own:
                error = self._function.logs(answer.request_id) or repr(answer)
        return Request(number, began, ended, deadline, work, status, own, error)


def soak(
    seed: int,
    requests: int = 1000,
    kind: str = "asgi",
    driver: str = "asyncpg",
    *,
    clients: int = 8,
    weather: Collection[str] = (),
    progress: bool = False,
    **pool: Any,
) -> Report:
    """Run it once. Everything that it starts has ended when it returns, however it does.

    Args:
        weather: the names of the only things that may happen; all if none is named.
        progress: say how far it is, on standard error.
        pool: options of the function's pool.
    """
    with ExitStack() as stack:
        server = stack.enter_context(Postgres(find_postgres("embedded")))
        wire = stack.enter_context(Wire(server.port))
        url = wire.url(server.url(application_name=NAME))
        function = VercelFunction(
            ROOT,
            *KINDS[kind],
            environ={
                "DATABASE_URL": f"postgresql+{driver}{url[url.index('://') :]}",
                "POOL": json.dumps(pool),
            },
            movable_clock=True,
        )
        stack.enter_context(function)
        gate = Gate()
        crowd = Clients(seed, requests, function, gate)
        faults = Weather(seed, server, wire, function, gate, NAME, weather)
        census = Census(server, wire, function)
        crowd.ask_in_peace(
            1
        )  # the first loads the driver; and a pool that was never connected is not patient
        census.start()
        stack.callback(census.stop)
        began = time.monotonic()
        with ThreadPoolExecutor(clients) as threads:
            jobs = [threads.submit(crowd.run, client) for client in range(clients)]
            try:
                while not all(job.done() for job in jobs):
                    time.sleep(faults.pause())
                    faults.blow()
                    if progress:
                        _show(len(crowd.done), requests, time.monotonic() - began)
            finally:
                crowd.stop()
        for job in jobs:
            job.result()
        seconds = time.monotonic() - began
        crowd.ask_in_peace(MAX_SIZE)
        function.rest()
        wire.close()
        judge = Judge(wire, faults)
        verdicts = [verdict for each in crowd.done if (verdict := judge.verdict(each))]
        return Report(
            len(crowd.done),
            seconds,
            verdicts,
            census.most,
            census.samples,
            faults.seen,
            faults.frozen,
            function.wall_shift,
        )


def _show(done: int, of: int, seconds: float) -> None:
    end = "\r" if sys.stderr.isatty() else "\n"
    print(f"  {done} of {of} requests, {seconds:.0f} s ", end=end, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.vercel.soak", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--requests", type=int, default=1000, metavar="N", help="how many requests (1000)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of what happens, and when (1)")
    parser.add_argument(
        "--seeds", type=int, default=1, metavar="N", help="run so many seeds, from --seed on (1)"
    )
    parser.add_argument("--kind", choices=list(KINDS), default="asgi", help="of function (asgi)")
    parser.add_argument(
        "--driver", help="asgi: asyncpg or psycopg; wsgi and handler: psycopg, psycopg2 or pg8000"
    )
    parser.add_argument("--clients", type=int, default=8, metavar="N", help="that ask at once (8)")
    options = parser.parse_args(arguments)
    drivers = DRIVERS[options.kind]
    driver = options.driver or drivers[0]
    if driver not in drivers:
        parser.error(f"--driver {driver}: with --kind {options.kind} it is one of {', '.join(drivers)}")
    if min(options.requests, options.seeds, options.clients) < 1:
        parser.error("--requests, --seeds and --clients are 1 or more")
    good = True
    try:
        for seed in range(options.seed, options.seed + options.seeds):
            print(f"seed {seed}: {options.kind} on {driver}", flush=True)
            report = soak(
                seed, options.requests, options.kind, driver, clients=options.clients, progress=True
            )
            print(report, flush=True)
            good &= report.good
    except KeyboardInterrupt:
        return 130
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
