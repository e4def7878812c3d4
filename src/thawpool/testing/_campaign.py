"""Many seeds on all cores: who runs which, how far it is, and what came of it."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing import Pool
from random import Random
from typing import Final, NamedTuple, TextIO

from ._coverage import Point
from ._replay import simulate
from ._seat import Violation

__all__ = ["Outcome", "Progress", "campaign", "duration"]

#: Seeds that a process runs before it reports: some tenths of a second.
CHUNK: Final = 100
#: Failing seeds after which more would tell nothing new.
ENOUGH: Final = 10


class Order(NamedTuple):
    seeds: range
    steps: int


@dataclass
class Outcome:
    """What a campaign has found so far."""

    seeds: int = 0
    seconds: float = 0.0
    seen: set[Point] = field(default_factory=set)
    #: Seeds that broke a rule, and which.
    failures: list[tuple[int, str]] = field(default_factory=list)
    #: Whether somebody pressed Ctrl-C.
    interrupted: bool = False

    def add(self, other: Outcome) -> None:
        self.seeds += other.seeds
        self.seen |= other.seen
        self.failures += other.failures

    @property
    def rate(self) -> float:
        return self.seeds / self.seconds if self.seconds else 0.0


def campaign(start: int, seeds: int, steps: int, jobs: int, progress: Progress) -> Outcome:
    """Run seeds ``start`` to ``start + seeds - 1``, or until enough of them have failed or somebody stops it."""
    total = Outcome()
    begun = time.monotonic()
    every = range(start, start + seeds)
    orders = [Order(every[first : first + CHUNK], steps) for first in range(0, seeds, CHUNK)]
    try:
        for outcome in _outcomes(orders, min(jobs, len(orders))):
            total.add(outcome)
            total.seconds = time.monotonic() - begun
            progress.show(total)
            if len(total.failures) >= ENOUGH:
                break
    except KeyboardInterrupt:
        total.interrupted = True
    progress.done()
    total.seconds = time.monotonic() - begun
    total.failures.sort()
    return total


def _outcomes(orders: list[Order], jobs: int) -> Iterator[Outcome]:
    if jobs == 1:
        yield from map(_run, orders)
        return
    with Pool(jobs, initializer=_leave_ctrl_c_to_the_parent) as pool:
        yield from pool.imap_unordered(_run, orders)


def _leave_ctrl_c_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _run(order: Order) -> Outcome:
    outcome = Outcome(seeds=len(order.seeds))
    numbers = range(1, order.steps + 1)
    for seed in order.seeds:
        try:
            simulate(Random(seed).random, numbers, order.steps, outcome.seen)
        except Violation as violation:
            outcome.failures.append((seed, str(violation)))
    return outcome


class Progress:
    """A line on the terminal that tells how far it is; nothing where output goes to a file."""

    def __init__(self, seeds: int, stream: TextIO = sys.stderr) -> None:
        self._seeds = seeds
        self._stream = stream
        self._shown = 0.0
        self._visible = stream.isatty()

    def show(self, outcome: Outcome) -> None:
        if not self._visible or outcome.seconds - self._shown < 0.2:
            return
        self._shown = outcome.seconds
        left = duration((self._seeds - outcome.seeds) / outcome.rate)
        failed = f"{len(outcome.failures)} FAILED" if outcome.failures else "none failed"
        self._stream.write(
            f"\r{outcome.seeds:,} of {self._seeds:,} seeds ({outcome.seeds / self._seeds:.0%}), "
            f"{failed}, {outcome.rate:,.0f} a second, {left} left \x1b[K"
        )
        self._stream.flush()

    def done(self) -> None:
        if self._visible:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


def duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
