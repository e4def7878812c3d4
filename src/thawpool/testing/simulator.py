"""The simulator: a pool's own code, in every order of events that a seed can think of.

A run takes the flows and the state that ``Pool`` and ``AsyncPool`` are made of and puts them into a
world where a seed decides what happens next: which request goes on, how each dial, check and reset ends,
who is cancelled where, when the machine freezes or its clock is set, who closes, resizes, expires. After
every step the invariants are checked, and at the end that nothing was lost. The same seed is the same
run, always.

    python -m thawpool.testing.simulator --seeds 100000        on all cores
    python -m thawpool.testing.simulator --seed 4711 --trace   one run, step by step

```python
Simulator(seed=4711).run()        # raises Violation if a rule of the pool is broken
```
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from random import Random
from typing import Final, final

from ._campaign import Outcome, Progress, campaign, duration
from ._coverage import Point, missing, report
from ._replay import shrink, simulate, trace
from ._seat import Violation

__all__ = ["Simulator", "Violation", "main"]

STEPS: Final = 200
SEEDS: Final = 2_000


@final
class Simulator:
    """One seeded run.

    Args:
        seed: decides everything.
        steps: how long the run is; what follows, until all is at rest, is not counted.
    """

    def __init__(self, seed: int, steps: int = STEPS) -> None:
        self.seed = seed
        self.steps = steps

    def run(self) -> set[Point]:
        """Run it. Returns what it exercised: moves of slots, ends of traps, points of interruption.

        Raises:
            Violation: a rule was broken. The message names it and the command that shows how.
        """
        seen: set[Point] = set()
        try:
            simulate(Random(self.seed).random, range(1, self.steps + 1), self.steps, seen)
        except Violation as violation:
            raise Violation(f"{violation}\n  again, step by step: {self.command}") from violation.__cause__
        return seen

    def trace(self) -> list[str]:
        """The run as lines to read, one for each step."""
        return trace(self.seed, self.steps)

    def shrink(self) -> list[str]:
        """The trace of as few steps as break the same rule; empty if the run breaks none."""
        return shrink(self.seed, self.steps)

    @property
    def command(self) -> str:
        """What shows this run."""
        steps = "" if self.steps == STEPS else f" --steps {self.steps}"
        return f"python -m thawpool.testing.simulator --seed {self.seed}{steps} --trace"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line says. Returns 0 if all is well, 1 if not, 130 after Ctrl-C."""
    options = _parse(arguments)
    if options.seed is not None:
        return _one(Simulator(options.seed, options.steps), everything=options.trace)
    outcome = campaign(options.start, options.seeds, options.steps, options.jobs, Progress(options.seeds))
    stopped = "stopped after " if outcome.interrupted else ""
    print(
        f"{stopped}{outcome.seeds:,} seeds of {options.steps} steps in {duration(outcome.seconds)}", end=", "
    )
    print(f"{outcome.rate:,.0f} a second: {_verdict(outcome)}")
    print(report(outcome.seen))
    if outcome.failures:
        _explain(outcome, options.steps)
        return 1
    if outcome.interrupted:
        return 130
    if options.seeds >= SEEDS and options.steps >= STEPS and missing(outcome.seen):
        print("so many seeds reach everything in a sound pool: what is missing cannot happen, or never does")
        return 1
    return 0


def _verdict(outcome: Outcome) -> str:
    return f"{len(outcome.failures)} FAILED" if outcome.failures else "no violation"


def _explain(outcome: Outcome, steps: int) -> None:
    for seed, rule in outcome.failures:
        print(f"seed {seed}: {rule}")
    first = Simulator(outcome.failures[0][0], steps)
    print(f"\nseed {first.seed} in as few steps as show it; all of it: {first.command}")
    print("\n".join(first.shrink()))


def _one(simulator: Simulator, *, everything: bool) -> int:
    fewest = simulator.shrink()
    if everything:
        print("\n".join(simulator.trace()))
    if not fewest:
        print(f"seed {simulator.seed}: no violation in {simulator.steps} steps")
        return 0
    print(f"seed {simulator.seed} breaks a rule; in as few steps as show it:")
    print("\n".join(fewest))
    return 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m thawpool.testing.simulator",
        description="Run the pool's own code under seeds that decide everything around it, and check every step.",
    )
    number = _at_least(1)
    parser.add_argument(
        "--seeds", type=number, default=SEEDS, metavar="N", help=f"how many seeds (default {SEEDS})"
    )
    parser.add_argument(
        "--start", type=_at_least(0), default=0, metavar="S", help="the first of them (default 0)"
    )
    parser.add_argument(
        "--steps", type=number, default=STEPS, metavar="N", help=f"steps of a run (default {STEPS})"
    )
    parser.add_argument(
        "--jobs", type=number, default=_cores(), metavar="N", help="processes (default: one a core)"
    )
    parser.add_argument("--seed", type=_at_least(0), metavar="K", help="run this one seed only")
    parser.add_argument("--trace", action="store_true", help="with --seed: print every step")
    options = parser.parse_args(arguments)
    if options.trace and options.seed is None:
        parser.error("--trace needs --seed: which run shall be printed?")
    return options


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _at_least(least: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        try:
            value = int(text.replace("_", ""))
        except ValueError:
            value = least - 1
        if value < least:
            raise argparse.ArgumentTypeError(f"{text!r}: give a whole number of at least {least}")
        return value

    return number


if __name__ == "__main__":
    sys.exit(main())
