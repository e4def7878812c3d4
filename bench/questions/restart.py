"""What does a restart of the database cost, and who comes back by himself?

Ten workers share five connections of each contender, at its defaults and at its safest settings; each asks, thinks for
20 ms, and after an error waits 50 ms. The server is killed (PostgreSQL by an immediate shutdown, MariaDB by SIGKILL) and
started again 2 s later. Up to eight contenders at a time share a server, in groups made anew in each round. A server is
back when the first of them has an answer, or a client of the bench's own that dials every few milliseconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..contenders import SIZE
from ..report import NOTHING, Bar, Chart, Table, Target, number
from ..sampling import Metrics, Results, Sample
from ..stage import Stage
from ._company import Together, all_rows, setting_of
from ._outage import CASES, take_all

__all__ = ["HEADLINES", "NAME", "NOTES", "charts", "samples", "take", "tables", "targets"]

NAME = "restart"
HEADLINES = (
    "errors of other requests, and requests that hang: thawpool psycopg query()",
    "from the server's return to the first success: thawpool psycopg query()",
)
NOTES = """
*Under way* are the errors of statements that were sent before the server was gone: what became of such a statement
nobody can know, so no pool may send it again. There are at most five of them, one for each connection. Every other error is a
request that could have waited. *First success* counts from the moment the server was back. A contender has recovered
if in the last one and a half seconds it served half of what it served before.
"""
#: Seconds that a round takes.
SECONDS = 58.0
OURS = {
    case: [
        row
        for row, (_, setting) in all_rows(system).items()
        if row.startswith("thawpool") and setting == "default"
    ]
    for case, system in CASES.items()
}
#: Seconds after the server's return.
SOON = 0.3

_together = Together(take_all)


def samples() -> list[Sample]:
    places = [(case, row) for case, system in CASES.items() for row in all_rows(system)]
    return [Sample(case, row, SECONDS / len(places)) for case, row in places]


def take(sample: Sample, stage: Stage) -> Metrics:
    return _together.take(sample, stage)


# -- the report ------------------------------------------------------------------------------------


def tables(results: Results) -> list[Table]:
    head = (
        "contender", "answered", "errors", "under way", "others", "types", "longest request s", "first success ms",
        "min..max", "hanging", "recovered", "setting",
    )  # fmt: skip
    return [
        Table(f"{case} restarted", head, [_row(results, case, row, len(head)) for row in results.rows(case)])
        for case in results.cases()
    ]


def _row(results: Results, case: str, row: str, width: int) -> list[str]:
    if error := results.error(case, row):
        return [row, error, *[""] * (width - 3), setting_of(row)]
    taken = results.metrics(case, row)
    longest, first = results.spread(case, row, "longest"), results.spread(case, row, "first")
    assert longest is not None
    cells = [_range([m["ok"] for m in taken]), _range([m["errors"] for m in taken])]
    cells += [_range([m["under_way"] for m in taken]), _range([_others(m) for m in taken]), _types(taken)]
    cells.append(number(longest.median))
    if first is None:
        cells += ["never", ""]
    else:
        cells += [number(first.median * 1e3), f"{number(first.low * 1e3)}..{number(first.high * 1e3)}"]
    recovered = sum(map(_recovered, taken))
    cells += [
        _range([m["hung"] for m in taken]),
        "yes" if recovered == len(taken) else f"{recovered} of {len(taken)}",
    ]
    return [row, *cells, setting_of(row)]


def _others(metrics: Metrics) -> int:
    return int(metrics["errors"] - metrics["under_way"])


def _recovered(metrics: Metrics) -> bool:
    return bool(metrics["late"] > metrics["before"] / 2)


def _types(taken: Sequence[Metrics]) -> str:
    found: Counter[str] = Counter()
    for metrics in taken:
        found.update(metrics["types"])
    return ", ".join(f"{name} ({count})" for name, count in found.most_common(4)) or NOTHING


def _range(values: Sequence[int]) -> str:
    return str(min(values)) if min(values) == max(values) else f"{min(values)}..{max(values)}"


def targets(results: Results) -> list[Target]:
    """Those of the rows that were asked for: a record may be older than a row."""
    return [
        target
        for case, ours in OURS.items()
        for row in ours
        if row in results.rows(case)
        for target in _targets(results, case, row)
    ]


def _targets(results: Results, case: str, row: str) -> list[Target]:
    taken = results.metrics(case, row)
    under_way = f"errors of statements under way: {row}"
    others = f"errors of other requests, and requests that hang: {row}"
    back = f"from the server's return to the first success: {row}"
    first = results.spread(case, row, "first")
    wanted = f"<= {SIZE}", "0", f"<= {SOON * 1e3:.0f} ms"
    if not taken:
        return [
            Target(m, w, NOTHING, "not measured")
            for m, w in zip((under_way, others, back), wanted, strict=True)
        ]
    most = max(m["under_way"] for m in taken)
    rest = max(_others(m) + m["hung"] for m in taken)
    return [
        Target.judged(under_way, wanted[0], str(most), reached=most <= SIZE),
        Target.judged(others, wanted[1], str(rest), reached=rest == 0),
        Target.judged(
            back,
            wanted[2],
            "never" if first is None else f"{first.median * 1e3:.0f} ms",
            reached=first is not None and first.median <= SOON and all(map(_recovered, taken)),
        ),
    ]


def charts(results: Results) -> list[Chart]:
    found = []
    for case in results.cases():
        spreads = [(row, results.spread(case, row, "errors")) for row in results.rows(case)]
        bars = [Bar(row, s.median, s.low, s.high) for row, s in spreads if s is not None]
        if bars:
            title = f"{case} restarted: requests that failed"
            found.append(Chart(f"restart-{case.lower()}", title, "errors", bars))
    return found
