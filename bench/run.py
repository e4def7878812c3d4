"""Takes the samples: in rounds, each in an order of its own, so that no contender has the machine to itself."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from .record import Record
from .sampling import Question, Sample
from .stage import BenchError, Stage

__all__ = ["ROUNDS", "Progress", "estimate", "run"]

ROUNDS = 5


class Progress(Protocol):
    """A bar whose whole length is the estimate in seconds."""

    def set_description_str(self, desc: str | None = None, refresh: bool | None = True) -> None: ...

    def update(self, n: float | None = 1) -> bool | None: ...

    def write(self, s: str) -> None: ...


def estimate(questions: Sequence[Question], rounds: int) -> float:
    """Seconds that a run will take, roughly."""
    return rounds * sum(sample.seconds for question in questions for sample in question.samples())


def run(
    questions: Sequence[Question],
    *,
    rounds: int,
    folder: Path,
    about: dict[str, Any],
    progress: Progress,
    seed: int | None = None,
) -> None:
    """Measure all questions, and leave a record of each in ``folder``.

    A contender that fails is on record with its error and does not stop the run. Interrupted, it keeps
    what it measured, and the servers stop.
    """
    order = random.Random(seed)
    with Stage() as stage:
        for question in questions:
            record = Record.new(folder, question.NAME, {**about, "rounds": rounds})
            samples = question.samples()
            for turn in range(1, rounds + 1):
                for place, sample in _shuffled(samples, order):
                    with _told(progress, question, sample):
                        record.add(round=turn, place=place, **_take(question, sample, stage, progress))
            stage.clear()


def _shuffled(samples: Sequence[Sample], order: random.Random) -> list[tuple[int, Sample]]:
    shuffled = list(enumerate(samples))
    order.shuffle(shuffled)
    return shuffled


@contextmanager
def _told(progress: Progress, question: Question, sample: Sample) -> Iterator[None]:
    progress.set_description_str(f"{question.NAME}: {sample.row} ({sample.case})")
    yield
    progress.update(sample.seconds)


def _take(question: Question, sample: Sample, stage: Stage, progress: Progress) -> dict[str, Any]:
    place = {"case": sample.case, "row": sample.row}
    try:
        return {**place, "metrics": question.take(sample, stage)}
    except BenchError as error:
        progress.write(f"{question.NAME}: {sample.row} ({sample.case}): {error}")
        return {**place, "error": str(error)}
