"""One run of a simulation, as itself, or again with some of its steps left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import final

from .._core.slot import CHECKING, CLOSING, LEASED
from ._coverage import Point
from ._events import TABLES, close, new_world, warm
from ._quiesce import quiesce
from ._seat import Violation
from ._world import World

__all__ = ["shrink", "simulate", "trace"]


def simulate(
    u: Callable[[], float],
    numbers: Iterable[int],
    steps: int,
    seen: set[Point],
    log: Callable[[World], None] | None = None,
) -> None:
    """Take the steps with these numbers, of 1 to ``steps``, then come to rest; ``log`` is told after each.

    Raises:
        Violation: a rule was broken.
    """
    world = new_world(u, seen)
    world.log = log
    table = TABLES[int(u() * len(TABLES))]
    size = len(table)
    # Two runs of three stay open until the end. When one is closed, something shall be on its way.
    closing = int(steps * (0.5 + 1.5 * u()))
    special = {closing - 1: warm, closing: close, closing + 1: close, closing + 2: close}
    check = world.check
    try:
        for step in numbers:
            world.step = step
            (special.get(step) or table[int(u() * size)])(world)
            check()
        quiesce(world)
    except Exception as error:
        if log is not None:
            log(world)
        if isinstance(error, Violation):
            raise
        kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
        raise Violation(f"{kind}{error}") from error


@final
class Tape:
    """The numbers that each step drew, so that the others stay what they were when one is left out."""

    __slots__ = ("_position", "_random", "_row", "_rows")

    def __init__(self, seed: int) -> None:
        self._random = Random(seed).random
        self._rows: dict[int, list[float]] = {}
        self.turn_to(0)

    def turn_to(self, step: int) -> None:
        self._row = self._rows.setdefault(step, [])
        self._position = 0

    def steps(self, numbers: Iterable[int]) -> Iterator[int]:
        for number in numbers:
            self.turn_to(number)
            yield number

    def record(self) -> float:
        self._row.append(self._random())
        return self._row[-1]

    def play(self) -> float:
        """What the step drew at this point; a half if it had not come that far."""
        self._position += 1
        return self._row[self._position - 1] if self._position <= len(self._row) else 0.5


def trace(seed: int, steps: int) -> list[str]:
    """All steps of a run, a line for each; the last says which rule was broken, if one was."""
    lines: list[str] = []
    try:
        simulate(Random(seed).random, range(1, steps + 1), steps, set(), lambda world: _write(lines, world))
    except Violation as violation:
        lines.append(f"      violation: {violation}")
    return lines


def shrink(seed: int, steps: int) -> list[str]:
    """A trace of the fewest steps found that break the same rule; none if the run breaks no rule."""
    tape = Tape(seed)
    try:
        simulate(tape.record, tape.steps(range(1, steps + 1)), steps, set())
    except Violation as violation:
        rule = str(violation)
    else:
        return []

    def breaks(numbers: list[int]) -> bool:
        return _play(tape, numbers, steps)[1] == rule

    kept = list(range(1, steps + 1))
    chunk = len(kept) // 2
    while chunk:
        for begin in range(len(kept) - chunk, -1, -chunk):
            fewer = kept[:begin] + kept[begin + chunk :]
            if breaks(fewer):
                kept = fewer
        chunk //= 2
    lines, rule = _play(tape, kept, steps)
    return [*lines, f"      violation: {rule}"]


def _play(tape: Tape, numbers: list[int], steps: int) -> tuple[list[str], str]:
    lines: list[str] = []
    tape.turn_to(0)
    try:
        simulate(tape.play, tape.steps(numbers), steps, set(), lambda world: _write(lines, world))
    except Violation as violation:
        return lines, str(violation)
    return lines, ""


def _write(lines: list[str], world: World) -> None:
    state = world.state
    states = [slot.state for slot in state.slots]
    label = " ".join(map(str, world.label))
    pool = [
        f"{len(states)}/{state.max_size} open:",
        f"{len(state.idle)} idle, {len(state.suspects)} suspect, {states.count(LEASED)} leased,",
        f"{states.count(CHECKING)} checking, {states.count(CLOSING)} closing, {state.opening} opening;",
        f"{len(state.waiters)} waiting",
        f"; {state.failures} failed dials" if state.failures else "",
        "; closed" if state.closed else "",
    ]
    subject = f"#{world.subject}" if world.subject else ""
    world.subject = 0
    lines.append(
        f"{world.step:5} {world.instant.mono - 100.0:8.3f} s {subject:>5} {label:40} {' '.join(pool)}"
    )
