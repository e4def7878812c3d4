"""How fast does one server process answer ``GET /api/users``, fifty rows as JSON, and what does that cost?

Every server runs `SELECT id, name, email FROM users ORDER BY id LIMIT 50` for each request, on a pool of five
connections. All servers run at once, but only one of them has load: 64 clients of wrk who keep their connections and
ask again at once, three seconds in each round. Before its first load a server is asked 640 times by 64 clients at the
same moments: each answer must equal the database's rows, and PostgreSQL's log must show one SELECT for each. Then it
is warmed up, node and Next.js longer than Python. uvicorn runs with uvloop and httptools, granian with one worker
and uvloop. All Python apps encode with orjson, FastAPI's too, which leaves its own encoder out.
"""

from __future__ import annotations

from typing import Any

import psutil  # type: ignore[import-untyped]

from ..report import NOTHING, Bar, Chart, Table, Target, number
from ..sampling import Metrics, Results, Sample, Spread
from ..stage import BenchError, Stage
from ._users_sites import APP_ROUTER, CONTROL, NODE, NODE_FAST, PAGES, SITES, STATIC
from ._web import CLIENTS, Server, cpu_seconds, load, memory_mb, on_cpu, statements, wrk

__all__ = ["HEADLINES", "NAME", "NOTES", "charts", "samples", "take", "tables", "targets"]

NAME = "users-api"
HEADLINES = ("GET /api/users",)
NOTES = """
On Linux each server has one CPU to itself, as a small function has, and wrk and PostgreSQL share another. A ratio is
taken round by round. The row *control* is node http + pg in a second process, to compare with the first. *CPU* is user
and system time of all processes of a server, or of PostgreSQL, over the requests: it varies less than requests per
second where the machine is not quiet. *PSS* is the memory of a server's processes, what processes share being split
among them; all servers run at once, so that each kind has company. *RSS* is that of its largest process with all that
it shares. *Other statements* are those beside the SELECT, which are a pool's own: resets, and BEGIN and COMMIT. The
row *static* asks no database: what HTTP and JSON alone allow.
"""
CASE = "GET /api/users"
USERS = [{"id": i, "name": f"User {i}", "email": f"user{i}@example.com"} for i in range(1, 51)]
#: Seconds of load in a sample.
SECONDS = 3
#: How often each client asks while the statements are counted.
TIMES = 10
#: Of these the faster one is held to the targets.
OURS = ("thawpool asyncpg, granian", "thawpool psycopg, granian")
#: Who is compared directly: the same server, driver and encoder.
PAIRS = (
    ("thawpool asyncpg, granian", "asyncpg.Pool, granian"),
    ("thawpool asyncpg, granian", "asyncpg.Pool, fast, granian"),
    ("thawpool asyncpg, uvicorn", "asyncpg.Pool, uvicorn"),
    ("thawpool asyncpg, uvicorn", "asyncpg.Pool, fast, uvicorn"),
    ("thawpool asyncpg, FastAPI", "asyncpg.Pool, FastAPI"),
    ("thawpool psycopg, granian", "psycopg_pool, granian"),
    ("thawpool psycopg, granian", "psycopg_pool, fast, granian"),
    (CONTROL, NODE),
)


def samples() -> list[Sample]:
    return [Sample(CASE, row, SECONDS + 0.5 + (site.warm_up + 2) / 5) for row, site in SITES.items()]


def take(sample: Sample, stage: Stage) -> Metrics:
    server, counts = stage.keep(Running).server(sample.row)
    postgres = psutil.Process(stage.postgres.pid)
    with on_cpu(1, postgres):
        _check(server.ask(1))
        ours, theirs = cpu_seconds(server.tree), cpu_seconds(postgres)
        figures = load(server.url, SECONDS)
        ours, theirs = cpu_seconds(server.tree) - ours, cpu_seconds(postgres) - theirs
    pss, rss = memory_mb(server.tree)
    requests = figures["requests"]
    costs = {"cpu": ours / requests * 1e6, "postgres": theirs / requests * 1e6, "pss": pss, "rss": rss}
    return {**figures, **costs, **counts}


class Running:
    """The servers that were started so far."""

    def __init__(self, stage: Stage) -> None:
        wrk()  # without it no server need start
        self._stage = stage
        self._found: dict[str, tuple[Server, Metrics] | BenchError] = {}

    def close(self) -> None:
        for found in self._found.values():
            if not isinstance(found, BenchError):
                found[0].close()

    def server(self, row: str) -> tuple[Server, Metrics]:
        """A row's server, warm, and its statements per request.

        Raises:
            BenchError: it does not start, or its answers are wrong. The next round does not try again.
        """
        if row not in self._found:
            try:
                self._start(row)
            except BenchError as error:
                self._found[row] = error
        found = self._found[row]
        if isinstance(found, BenchError):
            raise found
        return found

    def _start(self, row: str) -> None:
        stage = self._stage
        with on_cpu(0):
            server = Server(SITES[row], stage)
        try:
            with on_cpu(1, psutil.Process(stage.postgres.pid)):
                counts = _counted(server, stage, 0 if row == STATIC else 1)
                load(server.url, server.site.warm_up)
        except BaseException:
            server.close()
            raise
        self._found[row] = server, counts


def _counted(server: Server, stage: Stage, wanted: int) -> Metrics:
    with statements(stage) as asked:
        _check(server.ask(TIMES, CLIENTS))
    requests = TIMES * CLIENTS
    selects = sum("FROM users" in statement for statement in asked)
    if selects != wanted * requests:
        raise BenchError(f"{selects} SELECTs for {requests} requests: {wanted} for each was wanted")
    return {"selects": selects / requests, "others": (len(asked) - selects) / requests}


def _check(answers: list[Any]) -> None:
    for answer in answers:
        if answer != USERS:
            raise BenchError(f"another answer than the users: {answer!s:.80}")


# -- the report ------------------------------------------------------------------------------------


def tables(results: Results) -> list[Table]:
    speed = (
        "server",
        "requests/s",
        "min..max",
        "x App Router",
        "x node",
        "p50 ms",
        "p99 ms",
        "errors",
        "app",
    )
    cost = (
        "server",
        "CPU µs/request",
        "PostgreSQL CPU µs/request",
        "PSS MB",
        "RSS MB",
        "SELECTs/request",
        "other statements/request",
    )
    pair = ("servers", "requests/s", "min..max", "p99", "CPU", "PostgreSQL CPU", "PSS")
    rows = results.rows(CASE)
    return [
        Table(CASE, speed, [_speed(results, row) for row in rows]),
        Table("What a request costs", cost, [_cost(results, row) for row in rows]),
        Table("Side by side: the first over the second", pair, [_pair(results, *each) for each in PAIRS]),
    ]


def _speed(results: Results, row: str) -> list[str]:
    rps = results.spread(CASE, row, "rps")
    if rps is None:
        return [row, results.error(CASE, row) or NOTHING, *[""] * 6, SITES[row].words]
    return [
        row,
        number(rps.median),
        _range(rps),
        _median(results.ratio(CASE, row, APP_ROUTER, "rps")),
        _median(results.ratio(CASE, row, NODE, "rps")),
        *(_median(results.spread(CASE, row, metric)) for metric in ("p50", "p99")),
        str(sum(metrics["errors"] for metrics in results.metrics(CASE, row))),
        SITES[row].words,
    ]


def _cost(results: Results, row: str) -> list[str]:
    metrics = ("cpu", "postgres", "pss", "rss", "selects", "others")
    return [row, *(_median(results.spread(CASE, row, metric)) for metric in metrics)]


def _pair(results: Results, row: str, other: str) -> list[str]:
    rps = results.ratio(CASE, row, other, "rps")
    rest = [_median(results.ratio(CASE, row, other, metric)) for metric in ("p99", "cpu", "postgres", "pss")]
    return [f"{row} / {other}", _median(rps), NOTHING if rps is None else _range(rps), *rest]


def _median(spread: Spread | None) -> str:
    return number(None if spread is None else spread.median)


def _range(spread: Spread) -> str:
    return f"{number(spread.low)}..{number(spread.high)}"


def targets(results: Results) -> list[Target]:
    ours = _best(results, OURS)
    return [
        _target(results, ours, _best(results, (NODE, NODE_FAST)), "rps", "requests/s", 1.2),
        _target(results, ours, APP_ROUTER, "rps", "requests/s", 8),
        _target(results, ours, PAGES, "rps", "requests/s", 3.2),
        _target(results, ours, APP_ROUTER, "p99", "p99", 1 / 5),
        _target(results, ours, APP_ROUTER, "pss", "memory", 1 / 3),
    ]


def _best(results: Results, rows: tuple[str, ...]) -> str:
    """The row with the most requests per second."""

    def speed(row: str) -> float:
        rps = results.spread(CASE, row, "rps")
        return 0.0 if rps is None else rps.median

    return max(rows, key=speed)


def _target(results: Results, row: str, other: str, metric: str, name: str, wanted: float) -> Target:
    """What is wanted of requests per second is the least, of all else the most."""
    least = metric == "rps"
    measure, sought = f"GET /api/users, {name}: {row} / {other}", f"{'>=' if least else '<='} {wanted:.2f}"
    ratio, control = results.ratio(CASE, row, other, metric), results.ratio(CASE, CONTROL, NODE, metric)
    if ratio is None or control is None:
        return Target(measure, sought, NOTHING, "not measured")
    return Target.judged(
        measure,
        sought,
        f"{number(ratio.median)} ({_range(ratio)})",
        reached=ratio.median >= wanted if least else ratio.median <= wanted,
        margin=ratio.median / wanted - 1,
        control=control.median,
    )


def charts(results: Results) -> list[Chart]:
    found = []
    for metric, title, unit in (
        ("rps", "GET /api/users", "requests/s"),
        ("p99", "GET /api/users, the slowest hundredth", "p99, ms"),
    ):
        spreads = [(row, results.spread(CASE, row, metric)) for row in results.rows(CASE)]
        bars = [Bar(row, s.median, s.low, s.high) for row, s in spreads if s is not None]
        found.append(Chart(f"users-api-{metric}", title, unit, bars, logarithmic=True))
    return found
