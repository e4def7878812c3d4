"""Turns records into pages: one for each question, a summary, and the summary's part in the README."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path

from .record import RESULTS, Record
from .report import Target, markdown_table
from .sampling import Question
from .stage import ROOT

__all__ = ["render"]

README = ROOT / "README.md"
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"


def render(questions: Sequence[Question], folder: Path = RESULTS, readme: Path | None = README) -> None:
    """Write the pages of all questions that have a record, from the records alone."""
    told: list[tuple[Question, Record]] = []
    for question in questions:
        record = Record.load(folder, question.NAME)
        if record is not None:
            _draw(question, record, folder)
            (folder / f"{question.NAME}.md").write_text(_page(question, record), encoding="utf-8")
            told.append((question, record))
    if told:
        (folder / "README.md").write_text(_summary(told), encoding="utf-8")
        if readme is not None:
            _into(readme, told)


def _draw(question: Question, record: Record, folder: Path) -> None:
    from .plot import draw

    for chart in question.charts(record.results):
        draw(chart, folder / f"{chart.name}.svg")


def _page(question: Question, record: Record) -> str:
    results = record.results
    sentence, _, rest = inspect.cleandoc(question.__doc__ or "").partition("\n\n")
    parts = [f"# {sentence.strip()}", rest.strip(), _taken(record)]
    targets = question.targets(results)
    if targets:
        parts += ["## Targets", "\n".join(_targets_table(targets))]
    parts.append("## Figures")
    for chart in question.charts(results):
        parts.append(f"![{chart.title}]({chart.name}.svg)")
    parts += [table.markdown() for table in question.tables(results)]
    parts += [question.NOTES.strip(), "## Measured with", _versions(record)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _taken(record: Record) -> str:
    content = record.content
    rounds = content["rounds"]
    cut = "" if record.rounds >= rounds else f" (interrupted: {rounds} were wanted)"
    return (
        f"{content['date']}, {record.rounds} rounds{cut}, order shuffled. {content['machine']}, which servers, "
        f"clients and load share. {content['python']}, PostgreSQL {content['postgresql']}, thawpool at "
        f"`{content['commit']}`. Figures of one table compare; those of different machines do not."
    )


def _targets_table(targets: Sequence[Target]) -> list[str]:
    head = ("measure", "target", "measured", "control", "")
    return markdown_table(head, [(t.measure, t.wanted, t.got, t.control, t.state) for t in targets])


def _versions(record: Record) -> str:
    content = record.content
    named = {**content["versions"], **content["servers"], "load generator": content["load"]}
    return "\n".join(markdown_table(("what", "version"), list(named.items())))


def _summary(told: Sequence[tuple[Question, Record]]) -> str:
    parts = [
        "# Results",
        "What was to be reached, and what was measured. Made by `make bench`; see ../README.md.",
    ]
    for question, record in told:
        sentence = inspect.cleandoc(question.__doc__ or "").partition("\n\n")[0].strip()
        parts.append(f"## [{sentence}]({question.NAME}.md)")
        parts.append("\n".join(_targets_table(question.targets(record.results))))
    return "\n\n".join(parts) + "\n"


def _into(readme: Path, told: Sequence[tuple[Question, Record]]) -> None:
    """Put the targets of all questions between the markers of the README."""
    text = readme.read_text(encoding="utf-8")
    if BEGIN not in text:
        return
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    rows = [
        (f"[{target.measure}](bench/results/{question.NAME}.md)", target.wanted, target.got, target.state)
        for question, record in told
        for target in question.targets(record.results)
    ]
    table = "\n".join(markdown_table(("measure", "target", "measured", ""), rows))
    readme.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")
