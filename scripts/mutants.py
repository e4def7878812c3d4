"""Change the pool's core and flows, one small thing at a time, and see whether the tests notice.

    python -m scripts.mutants                 all mutants, on all cores; writes docs/mutants.md
    python -m scripts.mutants --show ID       one mutant: what it changes, and what catches it

Each mutant is judged in a process of its own: first by some hundred seeds of the simulator, which catch
most within a tenth of a second, then by the tests in tests/core. A mutant that never ends is caught too.
What survives is explained in scripts/mutants.toml; a survivor without an explanation, an explanation
without its survivor, or fewer than 90 % caught is a failure.

This is not left to mutmut or cosmic-ray because neither deletes statements: a verb that forgets to wake
somebody is the mutant that matters most here.
"""

from __future__ import annotations

import argparse
import difflib
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from types import FrameType
from typing import Final, NamedTuple, NoReturn

from scripts.mutation import Mutant, mutants

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGE: Final = ROOT / "src" / "thawpool"
REASONS: Final = ROOT / "scripts" / "mutants.toml"
REPORT: Final = ROOT / "docs" / "mutants.md"
TESTS: Final = ("tests/core",)
SEEDS: Final = 300
#: Processor seconds that a sound run stays far below, for the simulator and for the tests.
SIMULATOR_LIMIT: Final = 8
TESTS_LIMIT: Final = 40
ENOUGH: Final = 0.9
#: Exit statuses of a judge, by what caught the mutant; 0 is none.
CATCHERS: Final = {1: "simulator", 2: "tests", 3: "never ends", 4: "import"}


class Result(NamedTuple):
    mutant: Mutant
    catcher: str  # "" if it survived


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parse(arguments)
    if options.judge:
        _judge(options.judge[0], Path(options.judge[1]))
    every = list(_all())
    if options.show:
        return _show(options.show, every)
    unchanged = Mutant("", "thawpool._flows", "", 0, "", "", (PACKAGE / "_flows.py").read_text())
    if catcher := _run(unchanged):
        print(f"the unchanged source does not pass ({catcher}); run the tests first", file=sys.stderr)
        return 2
    begun = time.monotonic()
    results = _judge_all(every, options.jobs)
    return _report(results, time.monotonic() - begun)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0] if __doc__ else "")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="processes (default: one a core)"
    )
    parser.add_argument("--show", metavar="ID", help="show and judge this mutant only")
    parser.add_argument("--judge", nargs=2, metavar=("MODULE", "SOURCE"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.jobs < 1:
        parser.error(f"--jobs {options.jobs}: give a whole number of at least 1")
    return options


def _all() -> Iterator[Mutant]:
    for path in [*sorted((PACKAGE / "_core").glob("*.py")), PACKAGE / "_flows.py"]:
        module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        yield from mutants(path, module)


# -- judging one -------------------------------------------------------------------------------------


def _run(mutant: Mutant) -> str:
    """Judge a mutant in a process of its own. Returns what caught it, or ''."""
    with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
        file.write(mutant.source)
        file.flush()
        command = [sys.executable, "-m", "scripts.mutants", "--judge", mutant.module, file.name]
        null = subprocess.DEVNULL
        status = subprocess.run(command, cwd=ROOT, check=False, stdout=null, stderr=null).returncode
    return "" if status == 0 else CATCHERS.get(status, "crash")


def _judge(module: str, source: Path) -> NoReturn:
    """Run in the judging process: put the mutant in the module's place, and try everything."""
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
    signal.signal(signal.SIGPROF, _never_ends)
    signal.setitimer(signal.ITIMER_PROF, SIMULATOR_LIMIT)
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(PACKAGE.parent))
    _replace(module, source)
    try:
        from thawpool.testing.simulator import Simulator
    except BaseException:
        os._exit(4)
    try:
        for seed in range(SEEDS):
            Simulator(seed).run()
    except BaseException:
        os._exit(1)
    signal.setitimer(signal.ITIMER_PROF, TESTS_LIMIT)
    import pytest

    plain = ("-q", "-x", "-p", "no:cacheprovider", "-p", "no:randomly")
    os._exit(2 if pytest.main([*plain, *TESTS]) else 0)


def _never_ends(signum: int, frame: FrameType | None) -> None:
    os._exit(3)


def _replace(module: str, source: Path) -> None:
    from importlib.abc import MetaPathFinder
    from importlib.machinery import ModuleSpec
    from importlib.util import spec_from_file_location

    class Finder(MetaPathFinder):
        def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
            return spec_from_file_location(name, source) if name == module else None

    sys.meta_path.insert(0, Finder())


# -- judging all -------------------------------------------------------------------------------------


def _judge_all(every: list[Mutant], jobs: int) -> list[Result]:
    catchers: dict[str, str] = {}
    begun = time.monotonic()
    with ThreadPoolExecutor(jobs) as executor:
        futures = {executor.submit(_run, mutant): mutant for mutant in every}
        try:
            for future in as_completed(futures):
                catchers[futures[future].id] = future.result()
                _progress(catchers, len(every), time.monotonic() - begun)
        except KeyboardInterrupt:
            executor.shutdown(wait=True, cancel_futures=True)
            sys.exit(f"\nstopped after {len(catchers)} of {len(every)} mutants")
    return [Result(mutant, catchers[mutant.id]) for mutant in every]


def _progress(catchers: dict[str, str], total: int, seconds: float) -> None:
    if not sys.stderr.isatty():
        return
    done, survived = len(catchers), sum(not catcher for catcher in catchers.values())
    left = round(seconds / done * (total - done))
    end = "\n" if done == total else ""
    line = f"{done} of {total} mutants, {survived} survived, {left // 60} min {left % 60} s left"
    print(f"\r{line}\x1b[K", end=end, file=sys.stderr, flush=True)


def _report(results: list[Result], seconds: float) -> int:
    """Write the report. Returns the exit status."""
    entries = tomllib.loads(REASONS.read_text())["harmless"]
    reasons = {key: entry["why"] for entry in entries for key in entry["mutants"]}
    survivors = [result.mutant for result in results if not result.catcher]
    caught = 1 - len(survivors) / len(results)
    print(f"{len(results)} mutants in {seconds:.0f} s: {caught:.1%} caught, {len(survivors)} survived")
    unexplained = [mutant for mutant in survivors if mutant.id not in reasons]
    stale = reasons.keys() - {mutant.id for mutant in survivors}
    for mutant in unexplained:
        print(f"survived, not explained: {mutant.id} {_place(mutant)}: {mutant.before}  ->  {mutant.after}")
    for key in sorted(stale):
        print(f"explained, but caught or no longer there: {key}; remove it from {REASONS.name}")
    REPORT.write_text(_page(results, survivors, reasons))
    return 1 if caught < ENOUGH or unexplained or stale else 0


def _place(mutant: Mutant) -> str:
    return f"{mutant.module.removeprefix('thawpool.')}.{mutant.where}".strip(".")


def _page(results: list[Result], survivors: list[Mutant], reasons: dict[str, str]) -> str:
    lines = [
        "# Mutants",
        "",
        "<!-- Written by scripts/mutants.py, except for the reasons, which are in scripts/mutants.toml. -->",
        "",
        "Would the tests notice if the code were slightly wrong? `make mutants` changes the core and the flows, one",
        "small thing at a time: it deletes statements, flips comparisons, negates and shortens conditions, changes",
        "numbers, swaps the two clocks, the states of a slot and the ends of lists, catches fewer exceptions. Each",
        f"mutant then meets {SEEDS} seeds of the [simulator](testing.md#the-simulator) and the tests of the core.",
        "",
        "| module | mutants | caught by the simulator | by the tests | never ended | survived |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    modules = [*dict.fromkeys(result.mutant.module for result in results)]
    lines += [_row(f"`{module}`", [r for r in results if r.mutant.module == module]) for module in modules]
    lines += [_row("all", results), "", "## The survivors, and why each is harmless", ""]
    groups: dict[str, list[Mutant]] = {}
    for mutant in survivors:
        groups.setdefault(reasons.get(mutant.id, "**not explained**"), []).append(mutant)
    for reason, group in groups.items():
        lines += [reason, ""]
        lines += [f"- `{m.id}` `{_place(m)}`: `{m.before}` → `{m.after}`" for m in group]
        lines.append("")
    return "\n".join(lines)


def _row(name: str, results: list[Result]) -> str:
    catchers = [result.catcher for result in results]
    by_tests = len(results) - sum(catchers.count(c) for c in ("simulator", "never ends", ""))
    counts = [
        len(results),
        catchers.count("simulator"),
        by_tests,
        catchers.count("never ends"),
        catchers.count(""),
    ]
    return f"| {name} | " + " | ".join(map(str, counts)) + " |"


def _show(wanted: str, every: list[Mutant]) -> int:
    for mutant in every:
        if mutant.id == wanted:
            path = PACKAGE.parent / (mutant.module.replace(".", "/") + ".py")
            import ast

            plain = ast.unparse(ast.parse(path.read_text())).splitlines()
            diff = difflib.unified_diff(
                plain, mutant.source.splitlines(), mutant.module, wanted, lineterm="", n=4
            )
            print("\n".join(diff))
            print(f"caught by: {_run(mutant) or 'nothing'}")
            return 0
    print(f"no mutant has the id {wanted!r}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
