"""Charts as SVG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .report import Chart, number

__all__ = ["draw"]

OURS, PEERS, CONTROL = "#0b7a75", "#b9c0c7", "#e3e6e9"


def draw(chart: Chart, path: Path) -> None:
    """Write ``chart`` to ``path``: the same bytes for the same figures."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({
        "svg.hashsalt": "thawpool",
        "svg.fonttype": "none",
        "font.family": "sans-serif",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
    })  # fmt: skip
    from matplotlib import pyplot as plt

    height = 1.1 + 0.28 * len(chart.bars) if chart.bars else 4.0
    figure, axes = plt.subplots(figsize=(8, height), layout="constrained")
    (_bars if chart.bars else _lines)(chart, axes)
    axes.set_title(chart.title, loc="left", fontsize=11)
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    plt.close(figure)


def _bars(chart: Chart, axes: Any) -> None:
    bars = list(reversed(chart.bars))
    places = range(len(bars))
    lows = [bar.value - bar.low for bar in bars]
    highs = [bar.high - bar.value for bar in bars]
    axes.barh(
        places,
        [bar.value for bar in bars],
        xerr=[lows, highs],
        color=[_colour(bar.label) for bar in bars],
        ecolor="#555555",
        height=0.7,
        error_kw={"elinewidth": 0.8},
    )
    axes.set_yticks(places, [bar.label for bar in bars])
    axes.set_xlabel(chart.unit)
    if chart.logarithmic:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.xaxis.set_minor_formatter(lambda value, _: "")
    for place, bar in zip(places, bars, strict=True):
        axes.annotate(f" {number(bar.value)}", (bar.high, place), va="center", fontsize=8)


def _lines(chart: Chart, axes: Any) -> None:
    for line in chart.lines:
        ours = line.label.startswith("thawpool")
        axes.plot(
            [x for x, _ in line.points],
            [y for _, y in line.points],
            marker="o",
            markersize=3,
            linewidth=2.2 if ours else 1.2,
            label=line.label,
            color=OURS if line.label == "thawpool" else None,
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    if chart.logarithmic:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.yaxis.set_minor_formatter(lambda value, _: f"{value:g}")
    axes.set_xlabel(chart.across)
    axes.set_ylabel(chart.unit)
    axes.legend(frameon=False, fontsize=8)


def _colour(label: str) -> str:
    if label.startswith("thawpool"):
        return OURS
    return CONTROL if label.startswith(("floor", "raw", "control", "static", "bare")) else PEERS
