"""What a question asks for, and what came of it."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from .report import Chart, Table, Target
from .stage import Stage

__all__ = ["Metrics", "Question", "Results", "Sample", "Spread"]

Metrics = dict[str, Any]


@dataclass(frozen=True)
class Sample:
    """One contender in one case. It is taken once in each round."""

    #: What is compared with each other: the name of a table's part.
    case: str
    #: The row.
    row: str
    #: Seconds that taking it takes, roughly: for the progress bar.
    seconds: float
    #: What the question needs to take it.
    task: dict[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Spread:
    """A median with the least and the greatest of the rounds."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(statistics.median(values), min(values), max(values))


class Results:
    """What was measured so far, by case and row, in the order of the rounds."""

    def __init__(self, taken: Sequence[dict[str, Any]]) -> None:
        self.taken = list(taken)

    def cases(self) -> list[str]:
        return list(dict.fromkeys(each["case"] for each in self.taken))

    def rows(self, case: str) -> list[str]:
        """The rows of a case, those included that gave no figure."""
        return sorted({each["row"] for each in self.taken if each["case"] == case}, key=self._place)

    def _place(self, row: str) -> int:
        return int(min(each["place"] for each in self.taken if each["row"] == row))

    def metrics(self, case: str, row: str) -> list[Metrics]:
        return [
            each["metrics"]
            for each in self.taken
            if each["case"] == case and each["row"] == row and "metrics" in each
        ]

    def error(self, case: str, row: str) -> str | None:
        """Why a row has no figure, if it has none."""
        errors = [e["error"] for e in self.taken if e["case"] == case and e["row"] == row and "error" in e]
        return errors[-1] if errors and not self.metrics(case, row) else None

    def spread(self, case: str, row: str, metric: str) -> Spread | None:
        values = [m[metric] for m in self.metrics(case, row) if m.get(metric) is not None]
        return Spread.of(values) if values else None

    def ratio(self, case: str, row: str, other: str, metric: str) -> Spread | None:
        """``row`` over ``other``, round by round: what both have in common of a round's weather cancels out."""

        def by_round(name: str) -> dict[int, float]:
            return {
                each["round"]: each["metrics"][metric]
                for each in self.taken
                if each["case"] == case
                and each["row"] == name
                and each.get("metrics", {}).get(metric) is not None
            }

        mine, theirs = by_round(row), by_round(other)
        ratios = [mine[n] / theirs[n] for n in mine.keys() & theirs.keys() if theirs[n]]
        return Spread.of(ratios) if ratios else None


class Question(Protocol):
    """A module of ``bench.questions``."""

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]
        """The first sentence is the question, the rest how it is asked; both go into the report."""

    @property
    def NAME(self) -> str:
        """The name for ``ONLY``, and of the files with the results."""

    @property
    def HEADLINES(self) -> Sequence[str]:
        """How the measures begin that the project's own README shows."""

    @property
    def NOTES(self) -> str:
        """How to read the figures, for the end of the report."""

    def samples(self) -> list[Sample]:
        """All that one round takes."""

    def take(self, sample: Sample, stage: Stage) -> Metrics:
        """Measure one sample.

        Raises:
            BenchError: the contender gives no figure.
        """

    def tables(self, results: Results) -> list[Table]: ...

    def targets(self, results: Results) -> list[Target]: ...

    def charts(self, results: Results) -> list[Chart]: ...
