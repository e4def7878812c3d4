"""Results as people read them: tables and targets in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["NOTHING", "Bar", "Chart", "Line", "Table", "Target", "markdown_table", "number"]

#: In place of a figure.
NOTHING = "-"

State = Literal["reached", "missed", "not counted", "not measured"]


@dataclass(frozen=True)
class Table:
    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    #: Whether the project's own README shows it.
    headline: bool = False

    def markdown(self) -> str:
        lines = [f"### {self.title}", "", *markdown_table(self.head, self.rows)]
        for note in self.notes:
            lines += ["", note]
        return "\n".join(lines)


@dataclass(frozen=True)
class Target:
    """What was to be reached, and whether it was.

    A ratio counts only where its control, the same against the same, is off by no more than half of what
    the ratio claims.
    """

    measure: str
    wanted: str
    got: str
    state: State
    control: str = ""

    @classmethod
    def judged(
        cls,
        measure: str,
        wanted: str,
        got: str,
        *,
        reached: bool,
        margin: float | None = None,
        control: float | None = None,
        quiet: float = 1.0,
    ) -> Target:
        """Judge a measure.

        Args:
            margin: how far from the limit the ratio, or the difference, is.
            control: what the control gave.
            quiet: what it gives on a quiet machine: 1 for a ratio, 0 for a difference.
        """
        counts = margin is None or control is None or abs(control - quiet) <= abs(margin) / 2
        state: State = "missed" if not reached else "reached" if counts else "not counted"
        return cls(measure, wanted, got, state, "" if control is None else f"{control:.3f}")


@dataclass(frozen=True)
class Bar:
    label: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Line:
    label: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Chart:
    """Bars or lines; thawpool's are in the colour of the project."""

    name: str
    title: str
    unit: str
    bars: Sequence[Bar] = ()
    lines: Sequence[Line] = ()
    logarithmic: bool = False
    #: What the horizontal axis of lines is.
    across: str = ""
    notes: Sequence[str] = field(default=())


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table; the first column is text, the others figures."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return [f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)]


def number(value: float | None, digits: int = 3) -> str:
    """A figure with so many digits that count."""
    if value is None:
        return NOTHING
    if value == 0:
        return "0"
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    from math import floor, log10

    return f"{value:,.{max(0, digits - 1 - floor(log10(abs(value))))}f}"
