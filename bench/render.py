"""Turns records into pages: one for each question, a summary, and the summary's part in the README."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from .record import RESULTS, Record
from .report import Target, markdown_table
from .sampling import Question
from .stage import ROOT

__all__ = ["pages", "render", "with_summary"]

README = ROOT / "README.md"
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
Told = Sequence[tuple[Question, Record]]


def render(questions: Sequence[Question], folder: Path = RESULTS, readme: Path | None = README) -> None:
    """Write the pages and charts of all questions that have a record, from the records alone."""
    from .plot import draw

    told = _told(questions, folder)
    for name, text in pages(questions, folder).items():
        (folder / name).write_text(text, encoding="utf-8")
    for question, record in told:
        for chart in question.charts(record.results):
            draw(chart, folder / f"{chart.name}.svg")
    if told and readme is not None:
        text = readme.read_text(encoding="utf-8")
        readme.write_text(with_summary(text, questions, folder), encoding="utf-8")


def pages(questions: Sequence[Question], folder: Path = RESULTS) -> dict[str, str]:
    """The text of each page, by the name of its file."""
    told = _told(questions, folder)
    texts = {f"{question.NAME}.md": _page(question, record) for question, record in told}
    return {**texts, "README.md": _summary(told)} if told else {}


def with_summary(text: str, questions: Sequence[Question], folder: Path = RESULTS) -> str:
    """A README with the headlines of all questions between its markers: targets, then tables."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        return text
    told = _told(questions, folder)
    if not told:
        return text
    every = [(question, target) for question, record in told for target in question.targets(record.results)]
    rows = [
        (f"[{target.measure}](bench/results/{question.NAME}.md)", target.wanted, target.got, target.state)
        for question, target in every
        if target.measure.startswith(tuple(question.HEADLINES))
    ]
    counts = Counter(target.state for _, target in every)
    told_of = ", ".join(f"{count} {state}" for state, count in counts.most_common())
    parts = ["\n".join(markdown_table(("measure", "target", "measured", ""), rows))]
    parts.append(f"Of all {len(every)} targets: {told_of}.")
    for question, record in told:
        for table in question.tables(record.results):
            if table.headline:
                parts.append(f"[{table.title}](bench/results/{question.NAME}.md):")
                parts.append("\n".join(markdown_table(table.head, table.rows)))
    text = "\n\n".join(parts)
    return f"{before}{BEGIN}\n{text}\n{END}{after}"


def _told(questions: Sequence[Question], folder: Path) -> Told:
    records = [(question, Record.load(folder, question.NAME)) for question in questions]
    return [(question, record) for question, record in records if record is not None]


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


def _summary(told: Told) -> str:
    parts = [
        "# Results",
        "What was to be reached, and what was measured. Made by `make bench`; see ../README.md.",
    ]
    for question, record in told:
        sentence = inspect.cleandoc(question.__doc__ or "").partition("\n\n")[0].strip()
        parts.append(f"## [{sentence}]({question.NAME}.md)")
        parts.append("\n".join(_targets_table(question.targets(record.results))))
    return "\n\n".join(parts) + "\n"
