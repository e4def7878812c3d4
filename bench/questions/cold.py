"""How long does a function that starts cold wait for its first row?

Each stack is a small script as a user writes it, run in fresh processes: from the start of the process to the first row
of `SELECT 1`, over TCP and with a password (SCRAM on PostgreSQL). Files are in the page cache and compiled. Where a
stack is compared with what it is built on, the two run in pairs, in turns; the control is that against itself.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

from ..contenders import Address
from ..report import NOTHING, Bar, Chart, Table, Target, number
from ..sampling import Metrics, Results, Sample
from ..stage import ROOT, BenchError, Stage, finish, node
from ._stacks import ASYNCPG_BARE, PSYCOPG_BARE, PYTHON, STACKS, Stack

__all__ = ["HEADLINES", "NAME", "NOTES", "charts", "samples", "take", "tables", "targets"]

NAME = "cold"
HEADLINES = (
    "first row: thawpool psycopg",
    "import thawpool",
)
NOTES = """
*Beyond* is the median of the differences of the pairs. CPU time is the process's own, with the start of the
interpreter. *Modules* are all that Python has loaded in the end. Memory is the most that was resident. thawpool loads its
driver with the first query, the others with their import.
"""
CASE = "start"
#: Pairs, or single processes, of a sample.
PAIRS, SINGLES = 4, 3
#: Seconds for a process.
PATIENCE = 30.0

PYTHON_SCRIPT = """\
import time
begun = time.perf_counter()
{imports}
imported = time.perf_counter()


def done():
    now = time.monotonic()
    import json, os, resource, sys
    usage = resource.getrusage(resource.RUSAGE_SELF)
    try:
        with open("/proc/self/status") as status:  # what getrusage() says includes the parent's before exec
            kib = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    except OSError:
        kib = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    figures = [now, imported - begun, usage.ru_utime + usage.ru_stime, len(sys.modules), kib]
    os.write(1, json.dumps(figures).encode())
    os._exit(0)


{body}
"""
NODE_SCRIPT = """\
import {{ readFileSync, writeSync }} from 'node:fs';
{imports}
const imported = performance.now();
function done() {{
  const now = Number(process.hrtime.bigint()) / 1e9;
  const usage = process.resourceUsage();
  let kib = usage.maxRSS;
  try {{
    kib = Number(/VmHWM:\\s*(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
  }} catch {{}}
  writeSync(1, JSON.stringify([now, null, (usage.userCPUTime + usage.systemCPUTime) / 1e6, null, kib]));
  process.exit(0);
}}
{body}
"""


def samples() -> list[Sample]:
    return [Sample(CASE, row, _seconds(stack)) for row, stack in STACKS.items()]


def _seconds(stack: Stack) -> float:
    processes = 2 * (PAIRS + 1) if stack.beside else SINGLES + 1
    return processes * (0.05 if stack.server is None and not stack.node else 0.3)


def take(sample: Sample, stage: Stage) -> Metrics:
    stack = STACKS[sample.row]
    with tempfile.TemporaryDirectory(prefix="thawpool-bench-") as folder:
        start = _starter(stack, stage, Path(folder, "stack"))
        start()  # not measured: for the page cache
        if not stack.beside:
            return _median([start() for _ in range(SINGLES)])
        other = _starter(STACKS[stack.beside], stage, Path(folder, "beside"))
        other()
        return _compared(
            [(other(), start()) if turn % 2 else (start(), other())[::-1] for turn in range(PAIRS)]
        )


def _compared(pairs: list[tuple[Metrics, Metrics]]) -> Metrics:
    beyond = statistics.median(mine["ms"] - other["ms"] for other, mine in pairs)
    beyond_cpu = statistics.median(mine["cpu"] - other["cpu"] for other, mine in pairs)
    return {**_median([mine for _, mine in pairs]), "beyond": beyond, "beyond_cpu": beyond_cpu}


def _median(taken: list[Metrics]) -> Metrics:
    return {
        name: None if taken[0][name] is None else statistics.median(each[name] for each in taken)
        for name in taken[0]
    }


def _starter(stack: Stack, stage: Stage, folder: Path) -> Callable[[], Metrics]:
    """What starts a process of ``stack`` and returns what it says of itself."""
    folder.mkdir()
    environment = dict(os.environ)
    if stack.server is not None:
        environment |= _variables(stage.address(stack.server))
    if stack.node:
        os.symlink(ROOT / "bench/node/node_modules", folder / "node_modules")
        script = folder / "main.mjs"
        script.write_text(NODE_SCRIPT.format(imports=stack.imports, body=stack.body))
        command = [*node(), str(script)]
    else:
        script = folder / "main.py"
        script.write_text(PYTHON_SCRIPT.format(imports=stack.imports, body=stack.body))
        command = [sys.executable, str(script)]
    return lambda: _started(command, environment)


def _variables(address: Address) -> dict[str, str]:
    return {
        "DATABASE_URL": address.url(),
        "DB_HOST": address.host,
        "DB_PORT": str(address.port),
        "DB_USER": address.user,
        "DB_PASSWORD": address.password,
        "DB_NAME": address.database,
    }


def _started(command: list[str], environment: dict[str, str]) -> Metrics:
    import json

    start = monotonic()
    output, last_words = finish(command, patience=PATIENCE, environment=environment)
    if not output:
        raise BenchError(last_words)
    now, imported, cpu, modules, kib = json.loads(output)
    return {
        "ms": (now - start) * 1e3,
        "import": None if imported is None else imported * 1e3,
        "cpu": cpu * 1e3,
        "modules": modules,
        "mib": kib / 1024,
    }


# -- the report ------------------------------------------------------------------------------------


def tables(results: Results) -> list[Table]:
    head = (
        "stack", "first row ms", "min..max", "of which import", "beyond", "min..max", "CPU ms", "beyond", "modules",
        "MiB",
    )  # fmt: skip
    rows = []
    for row in results.rows(CASE):
        if error := results.error(CASE, row):
            rows.append([row, error, *[""] * (len(head) - 2)])
            continue
        cells = [*_times(results, row), _plain(results, row, "import", 1), *_beyond(results, row, "beyond")]
        cells += [_plain(results, row, "cpu", 0), _beyond(results, row, "beyond_cpu")[0]]
        cells += [_plain(results, row, "modules", 0), _plain(results, row, "mib", 1)]
        rows.append([row, *cells])
    notes = [f"*beyond*: {', '.join(_pairs())}."]
    return [Table("From the start of the process to the first row", head, rows, notes)] if rows else []


def _pairs() -> list[str]:
    found: dict[str, list[str]] = {}
    for row, stack in STACKS.items():
        if stack.beside:
            found.setdefault(stack.beside, []).append(row)
    return [f"beside {beside}: {', '.join(rows)}" for beside, rows in found.items()]


def _times(results: Results, row: str) -> list[str]:
    spread = results.spread(CASE, row, "ms")
    assert spread is not None
    return [number(spread.median), f"{number(spread.low)}..{number(spread.high)}"]


def _plain(results: Results, row: str, metric: str, digits: int) -> str:
    spread = results.spread(CASE, row, metric)
    return NOTHING if spread is None else f"{spread.median:.{digits}f}"


def _beyond(results: Results, row: str, metric: str) -> list[str]:
    spread = results.spread(CASE, row, metric)
    if spread is None:
        return ["", ""]
    return [f"{spread.median:+.1f}", f"{spread.low:+.1f}..{spread.high:+.1f}"]


def targets(results: Results) -> list[Target]:
    return [
        _within(
            results, "thawpool psycopg", PSYCOPG_BARE, 5.0, "first row: thawpool psycopg beyond bare psycopg"
        ),
        _within(
            results, "thawpool asyncpg", ASYNCPG_BARE, 5.0, "first row: thawpool asyncpg beyond bare asyncpg"
        ),
        _within(results, "import thawpool", PYTHON, 15.0, "import thawpool beyond a bare interpreter"),
    ]


def _within(results: Results, row: str, control: str, wanted: float, measure: str) -> Target:
    mine, same = results.spread(CASE, row, "beyond"), results.spread(CASE, control, "beyond")
    if mine is None or same is None:
        return Target(measure, f"<= {wanted:.0f} ms", NOTHING, "not measured")
    return Target.judged(
        measure,
        f"<= {wanted:.0f} ms",
        f"{mine.median:+.1f} ms",
        reached=mine.median <= wanted,
        margin=wanted - mine.median,
        control=same.median,
        quiet=0.0,
    )


def charts(results: Results) -> list[Chart]:
    spreads: list[tuple[str, Any]] = [(row, results.spread(CASE, row, "ms")) for row in results.rows(CASE)]
    bars = [Bar(row, s.median, s.low, s.high) for row, s in spreads if s is not None]
    return [Chart("cold", "Start of the process to the first row", "ms", bars)] if bars else []
