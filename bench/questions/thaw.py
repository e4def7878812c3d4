"""What do the first requests meet after a function slept and its connections died?

Every contender is a process with a warm pool, at its defaults and at its safest settings.

**Dead connections**: the process is frozen (SIGSTOP) for 1.5 s, which is longer than thawpool's `trust_window` of 1 s,
or for 0.3 s, which is shorter. Meanwhile the server ends all its sessions. Then the contenders wake one after the
other (SIGCONT), each with its requests already waiting: as many as there are dead connections and five more, one after
the other. What a dial of the driver's own and its first answer take is measured right after, in the same process.

**Black hole**: the connections look well and nothing comes back, as after the fall of a NAT gateway; new connections
work. Once the network still acknowledges what is sent, once it drops every packet. The contenders ask at the same
time, since most of them only wait. What has not ended after 10 s counts as hanging.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence

from ..report import NOTHING, Bar, Chart, Table, Target, number
from ..sampling import Metrics, Results, Sample, Spread
from ..stage import Stage
from ._company import Together, all_rows, setting_of
from ._freeze import CAP, DEAD, HOLES, LONG, take_dead, take_holes

__all__ = ["HEADLINES", "NAME", "NOTES", "charts", "samples", "take", "tables", "targets"]

NAME = "thaw"
HEADLINES = (
    "1, 4, 5, 10 dead connections: thawpool psycopg query(), failed",
    "1, 4, 5, 10 dead connections: thawpool psycopg query(), first",
    "black holes, idle 1.5 s: thawpool psycopg query(), first",
)
NOTES = """
A failed request of a contender whose connection was dead is a request that its user saw fail. *First success* counts
from the wake-up and includes the failures before it. A lease of thawpool within its trust window is not looked at, which
is what makes it cheap: there `query()` looks, and `connection()` does not. In an acknowledged black hole nothing tells
a statement that is lost from one that takes long: what has no deadline of its own (`safe`) waits, as with every pool.
"""
#: Seconds that a round takes of all dead connections, and of all black holes.
DEAD_SECONDS, HOLES_SECONDS = 55.0, 22.0
OURS = tuple(row for row in all_rows() if row.startswith("thawpool"))
#: What a first query may take more than a dial, in seconds.
MARGIN = 0.005
#: Seconds within which a black hole must be left behind.
SOON = 1.0
#: Seconds by which a request ends: thawpool's ``tcp_timeout`` of 5 s and up to a second that the kernel adds; or the
#: ``timeout`` of 2 s that the call was given.
DEADLINES = {"default": 6.0, "safe": 2.2}

_dead, _holes = Together(take_dead), Together(take_holes)


def samples() -> list[Sample]:
    rows = all_rows()
    each = DEAD_SECONDS / len(rows) / len(DEAD)
    hole = HOLES_SECONDS / len(rows) / len(HOLES)
    return [Sample(case, row, each if case in DEAD else hole) for case in (*DEAD, *HOLES) for row in rows]


def take(sample: Sample, stage: Stage) -> Metrics:
    return (_dead if sample.case in DEAD else _holes).take(sample, stage)


# -- the report ------------------------------------------------------------------------------------


def tables(results: Results) -> list[Table]:
    found = []
    for case in (*DEAD, *HOLES):
        if case in results.cases():
            table = _dead_table if case in DEAD else _hole_table
            found.append(table(results, case))
    return found


def _dead_table(results: Results, case: str) -> Table:
    head = (
        "contender", "failed", "of", "errors", "first request ms", "min..max", "first success ms", "min..max",
        "a dial ms", "setting",
    )  # fmt: skip
    rows = []
    for row in results.rows(case):
        if error := results.error(case, row):
            rows.append([row, error, *[""] * (len(head) - 3), setting_of(row)])
            continue
        taken = results.metrics(case, row)
        first, dial = results.spread(case, row, "first"), results.spread(case, row, "dial")
        assert first is not None
        cells = [_range(m["failed"] for m in taken), _range(m["made"] for m in taken), _types(taken)]
        cells += [number(first.median * 1e3), _ends(first, 1e3), *_success(results, case, row, 1e3)]
        rows.append([row, *cells, number(None if dial is None else dial.median * 1e3), setting_of(row)])
    return Table(case[0].upper() + case[1:], head, rows)


def _hole_table(results: Results, case: str) -> Table:
    head = (
        "contender", "first request", "s", "min..max", "failed before a success", "first success s", "min..max",
        "setting",
    )  # fmt: skip
    rows = []
    for row in results.rows(case):
        if error := results.error(case, row):
            rows.append([row, error, *[""] * (len(head) - 3), setting_of(row)])
            continue
        taken = results.metrics(case, row)
        first = results.spread(case, row, "first")
        assert first is not None
        hangs = first.median >= CAP
        kinds = Counter(m["first_error"] or "answered" for m in taken)
        cells = [", ".join(kinds), f"> {CAP:.0f}" if hangs else number(first.median)]
        cells += ["" if hangs else _ends(first, 1), _range(m["failed"] for m in taken)]
        rows.append([row, *cells, *_success(results, case, row, 1), setting_of(row)])
    return Table(case[0].upper() + case[1:], head, rows)


def _success(results: Results, case: str, row: str, scale: float) -> list[str]:
    """The time of the first success, which some rounds may not have seen."""
    taken = results.metrics(case, row)
    answered = results.spread(case, row, "answered")
    missed = sum(m["answered"] is None for m in taken)
    if answered is None:
        return ["never", ""]
    note = f" (never in {missed} of {len(taken)})" if missed else ""
    return [number(answered.median * scale) + note, _ends(answered, scale)]


def _types(taken: Iterable[Metrics]) -> str:
    found: Counter[str] = Counter()
    for metrics in taken:
        found.update(metrics["errors"])
        if metrics["hung"]:
            found["hangs"] += 1
    return ", ".join(f"{name} ({count})" for name, count in found.most_common()) or NOTHING


def _range(values: Iterable[int]) -> str:
    found = sorted(values)
    return str(found[0]) if found[0] == found[-1] else f"{found[0]}..{found[-1]}"


def _ends(spread: Spread, scale: float) -> str:
    return f"{number(spread.low * scale)}..{number(spread.high * scale)}"


def targets(results: Results) -> list[Target]:
    """Those of the rows that were asked for: a record may be older than a row."""
    found = []
    long = [case for case, hole in HOLES.items() if hole.idle >= LONG]
    asked = {each["row"] for each in results.taken}
    for row in [row for row in OURS if row in asked]:
        found += [_none_failed(results, row), _first_of_dead(results, row), _left_behind(results, long, row)]
        found += [_ended(results, case, row) for case in HOLES if case not in long]
    return found


def _none_failed(results: Results, row: str) -> Target:
    cases = [case for case, dead in DEAD.items() if dead.frozen >= LONG]
    taken = [m for case in cases for m in results.metrics(case, row)]
    measure = f"1, 4, 5, 10 dead connections: {row}, failed requests"
    if not taken:
        return Target(measure, "0", NOTHING, "not measured")
    failed = sum(m["failed"] + m["hung"] for m in taken)
    return Target.judged(measure, "0", f"{failed} of {sum(m['made'] for m in taken)}", reached=failed == 0)


def _first_of_dead(results: Results, row: str) -> Target:
    cases = [case for case, dead in DEAD.items() if dead.frozen >= LONG]
    spreads = [spread for case in cases if (spread := results.spread(case, row, "over"))]
    measure = f"1, 4, 5, 10 dead connections: {row}, first request beyond a dial, the worst of the four"
    wanted = f"<= {MARGIN * 1e3:.0f} ms"
    if len(spreads) < len(cases):
        return Target(measure, wanted, NOTHING, "not measured")
    worst = max(spread.median for spread in spreads)
    controls = [
        m["control"] for case in cases for m in results.metrics(case, row) if m["control"] is not None
    ]
    return Target.judged(
        measure,
        wanted,
        f"{worst * 1e3:+.1f} ms",
        reached=worst <= MARGIN,
        margin=(MARGIN - worst) * 1e3,
        control=statistics.median(controls) * 1e3,
        quiet=0.0,
    )


def _left_behind(results: Results, cases: Sequence[str], row: str) -> Target:
    measure, wanted = f"black holes, idle {LONG} s: {row}, first request", f"answered within {SOON:.0f} s"
    taken = [m for case in cases for m in results.metrics(case, row)]
    if not taken:
        return Target(measure, wanted, NOTHING, "not measured")
    worst = max(taken, key=lambda m: (m["first_error"] is not None, m["first"]))
    reached = worst["first_error"] is None and worst["first"] <= SOON
    return Target.judged(measure, wanted, _outcome(worst), reached=reached)


def _ended(results: Results, case: str, row: str) -> Target:
    deadline = DEADLINES[all_rows()[row][1]]
    measure, wanted = f"{case}: {row}, first request", f"ends within {deadline:g} s"
    taken = results.metrics(case, row)
    if not taken:
        return Target(measure, wanted, NOTHING, "not measured")
    worst = max(taken, key=lambda m: m["first"])
    return Target.judged(measure, wanted, _outcome(worst), reached=worst["first"] <= deadline)


def _outcome(metrics: Metrics) -> str:
    return f"{metrics['first_error'] or 'answered'}, {number(metrics['first'])} s"


def charts(results: Results) -> list[Chart]:
    found = []
    for case, name, scale, unit in (
        ("5 dead connections", "thaw-dead", 1e3, "ms"),
        ("black hole, no acknowledgements, idle 1.5 s", "thaw-hole", 1, "s"),
    ):
        spreads = [(row, results.spread(case, row, "answered")) for row in results.rows(case)]
        bars = [
            Bar(row, s.median * scale, s.low * scale, s.high * scale) for row, s in spreads if s is not None
        ]
        if bars:
            title = f"{case[0].upper()}{case[1:]}: time to the first success"
            found.append(Chart(name, title, unit, bars, logarithmic=True))
    return found
