"""Questions to put to the bench's frame: as real ones are, and quick."""

from __future__ import annotations

from collections.abc import Callable

from bench.report import Chart, Table, Target
from bench.sampling import Metrics, Results, Sample
from bench.stage import BenchError, Stage


class Asked:
    """What is taken, in which order, and what comes of it."""

    __doc__ = "What is asked?\n\nIn a test."
    NAME = "asked"
    HEADLINES = ("ours",)
    NOTES = "Read it so."

    def __init__(self, rows: dict[str, float], broken: str = "") -> None:
        self.rows = rows
        self.broken = broken
        self.order: list[str] = []
        self.before: Callable[[Sample], None] = lambda sample: None

    def samples(self) -> list[Sample]:
        return [Sample("case", row, 2.0) for row in self.rows]

    def take(self, sample: Sample, stage: Stage) -> Metrics:
        self.before(sample)
        self.order.append(sample.row)
        if sample.row == self.broken:
            raise BenchError("it did not start")
        return {"figure": self.rows[sample.row]}

    def tables(self, results: Results) -> list[Table]:
        cells = [
            (row, results.error("case", row) or self._figure(results, row)) for row in results.rows("case")
        ]
        return [Table("Figures", ("row", "figure"), cells, headline=True)]

    def targets(self, results: Results) -> list[Target]:
        return [Target.judged("ours below theirs", "< 1", "0.5", reached=True, margin=0.5, control=1.02)]

    def charts(self, results: Results) -> list[Chart]:
        return []

    @staticmethod
    def _figure(results: Results, row: str) -> str:
        spread = results.spread("case", row, "figure")
        assert spread is not None
        return f"{spread.median:g}"


class Bar:
    """A progress bar that keeps what it was told."""

    def __init__(self) -> None:
        self.done = 0.0
        self.lines: list[str] = []

    def set_description_str(self, desc: str | None = None, refresh: bool | None = True) -> None:
        pass

    def update(self, n: float | None = 1) -> bool | None:
        self.done += n or 0
        return None

    def write(self, s: str) -> None:
        self.lines.append(s)
