"""How the figures of servers read that answer one request with users: tables, targets, charts."""

from __future__ import annotations

from collections.abc import Sequence

from ..report import NOTHING, Bar, Chart, Table, Target, number
from ..sampling import Results, Spread
from ._users import Api

__all__ = [
    "APP_ROUTER", "CONTROL", "NODE", "NODE_FAST", "PAGES", "READ_SO", "charts", "tables", "targets",
]  # fmt: skip

#: The rows that others are compared with.
APP_ROUTER, PAGES = "Next.js App Router", "Next.js Pages Router"
NODE, NODE_FAST, CONTROL = "node http + pg", "node http + pg, fast", "control: node http + pg"
READ_SO = """
On Linux each server has one CPU to itself, as a small function has, and wrk and PostgreSQL share another. A ratio is
taken round by round. The row *control* is node http + pg in a second process, to compare with the first. *CPU* is user
and system time of all processes of a server, or of PostgreSQL, over the requests: it varies less than requests per
second where the machine is not quiet. *PSS* is the memory of a server's processes, what processes share being split
among them; all servers run at once, so that each kind has company. *RSS* is that of its largest process with all that
it shares. *Other statements* are those beside the SELECT, which are a pool's own: resets, and BEGIN and COMMIT."""


def tables(results: Results, api: Api, pairs: Sequence[tuple[str, str]]) -> list[Table]:
    """Speed, cost, and ``pairs`` of servers to be compared directly."""
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
    rows = results.rows(api.case)
    return [
        Table(api.case, speed, [_speed(results, api, row) for row in rows]),
        Table("What a request costs", cost, [_cost(results, api.case, row) for row in rows]),
        Table(
            "Side by side: the first over the second",
            pair,
            [_pair(results, api.case, *each) for each in pairs],
        ),
    ]


def _speed(results: Results, api: Api, row: str) -> list[str]:
    case, words = api.case, api.sites[row].words
    rps = results.spread(case, row, "rps")
    if rps is None:
        return [row, results.error(case, row) or NOTHING, *[""] * 6, words]
    return [
        row,
        number(rps.median),
        _range(rps),
        _median(results.ratio(case, row, APP_ROUTER, "rps")),
        _median(results.ratio(case, row, NODE, "rps")),
        *(_median(results.spread(case, row, metric)) for metric in ("p50", "p99")),
        str(sum(metrics["errors"] for metrics in results.metrics(case, row))),
        words,
    ]


def _cost(results: Results, case: str, row: str) -> list[str]:
    metrics = ("cpu", "postgres", "pss", "rss", "selects", "others")
    return [row, *(_median(results.spread(case, row, metric)) for metric in metrics)]


def _pair(results: Results, case: str, row: str, other: str) -> list[str]:
    rps = results.ratio(case, row, other, "rps")
    rest = [_median(results.ratio(case, row, other, metric)) for metric in ("p99", "cpu", "postgres", "pss")]
    return [f"{row} / {other}", _median(rps), NOTHING if rps is None else _range(rps), *rest]


def _median(spread: Spread | None) -> str:
    return number(None if spread is None else spread.median)


def _range(spread: Spread) -> str:
    return f"{number(spread.low)}..{number(spread.high)}"


def targets(results: Results, api: Api, ours: Sequence[str]) -> list[Target]:
    """What the fastest of ``ours`` is held to."""
    case = api.case
    row = _best(results, case, ours)
    return [
        _target(results, case, row, _best(results, case, (NODE, NODE_FAST)), "rps", "requests/s", 1.2),
        _target(results, case, row, APP_ROUTER, "rps", "requests/s", 8),
        _target(results, case, row, PAGES, "rps", "requests/s", 3.2),
        _target(results, case, row, APP_ROUTER, "p99", "p99", 1 / 5),
        _target(results, case, row, APP_ROUTER, "pss", "memory", 1 / 3),
    ]


def _best(results: Results, case: str, rows: Sequence[str]) -> str:
    """The row with the most requests per second."""

    def speed(row: str) -> float:
        rps = results.spread(case, row, "rps")
        return 0.0 if rps is None else rps.median

    return max(rows, key=speed)


def _target(
    results: Results, case: str, row: str, other: str, metric: str, name: str, wanted: float
) -> Target:
    """What is wanted of requests per second is the least, of all else the most."""
    least = metric == "rps"
    measure, sought = f"{case}, {name}: {row} / {other}", f"{'>=' if least else '<='} {wanted:.2f}"
    ratio, control = results.ratio(case, row, other, metric), results.ratio(case, CONTROL, NODE, metric)
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


def charts(results: Results, api: Api, name: str) -> list[Chart]:
    found = []
    for metric, title, unit in (
        ("rps", api.case, "requests/s"),
        ("p99", f"{api.case}, the slowest hundredth", "p99, ms"),
    ):
        spreads = [(row, results.spread(api.case, row, metric)) for row in results.rows(api.case)]
        bars = [Bar(row, s.median, s.low, s.high) for row, s in spreads if s is not None]
        found.append(Chart(f"{name}-{metric}", title, unit, bars, logarithmic=True))
    return found
