"""What is made of records: figures, verdicts, pages."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.questions import QUESTIONS
from bench.record import RESULTS, Record
from bench.render import pages, with_summary
from bench.report import Target, number
from tests.bench.questions import Asked

ABOUT = {
    "date": "2026-01-01", "rounds": 2, "machine": "1 core", "python": "CPython", "postgresql": 18, "commit": "abc",
    "versions": {"pg": "8"}, "servers": {}, "load": "wrk",
}  # fmt: skip
README = Path(__file__).parents[2] / "README.md"


@pytest.mark.parametrize(
    "value, text",
    [
        (0, "0"),
        (0.01234, "0.0123"),
        (1.234, "1.23"),
        (12.34, "12.3"),
        (123.4, "123"),
        (12345.6, "12,346"),
        (None, "-"),
    ],
)
def test_figures_have_the_digits_that_count(value: float | None, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    "reached, control, state",
    [(True, 1.0, "reached"), (True, 1.04, "reached"), (True, 0.94, "not counted"), (False, 1.0, "missed")],
)
def test_a_ratio_counts_if_its_control_is_within_half_the_margin(
    reached: bool, control: float, state: str
) -> None:
    target = Target.judged("q/s", ">= 1.1", "1.10", reached=reached, margin=0.1, control=control)
    assert target.state == state


def test_a_page_says_what_was_asked_and_what_came_of_it(tmp_path: Path) -> None:
    question = Asked({"ours": 1.0, "theirs": 2.0})
    record = Record.new(tmp_path, "asked", ABOUT)
    record.add(round=1, place=0, case="case", row="ours", metrics={"figure": 1.0})
    record.add(round=1, place=1, case="case", row="theirs", error="it did not start")
    made = pages([question], tmp_path)
    page = made["asked.md"]
    assert page.startswith("# What is asked?\n\nIn a test.\n")
    assert "1 rounds (interrupted: 2 were wanted)" in page
    assert "| theirs | it did not start |" in page
    assert "| ours below theirs | < 1 | 0.5 | 1.020 | reached |" in page
    assert "[What is asked?](asked.md)" in made["README.md"]


def test_the_summary_goes_between_the_markers(tmp_path: Path) -> None:
    Record.new(tmp_path, "asked", ABOUT).add(
        round=1, place=0, case="case", row="a row", metrics={"figure": 7.0}
    )
    text = "before\n<!-- bench: begin -->\nold\n<!-- bench: end -->\nafter\n"
    made = with_summary(text, [Asked({})], tmp_path)
    assert made.startswith("before\n<!-- bench: begin -->\n| measure |")
    assert made.endswith("<!-- bench: end -->\nafter\n")
    assert "old" not in made
    assert "| ours below theirs | < 1 |" in made.replace("[", "").replace("](bench/results/asked.md)", "")
    assert "[Figures](bench/results/asked.md):\n\n| row | figure |\n| --- | ---: |\n| a row | 7 |\n" in made
    assert with_summary("no markers", [Asked({})], tmp_path) == "no markers"


def test_a_record_reads_as_it_was_written(tmp_path: Path) -> None:
    record = Record.new(tmp_path, "asked", ABOUT)
    record.add(round=1, place=0, case="case", row="ours", metrics={"figure": 1.23456789, "name": "x"})
    loaded = Record.load(tmp_path, "asked")
    assert loaded is not None
    assert loaded.content["samples"][0]["metrics"] == {"figure": 1.23457, "name": "x"}
    assert Record.load(tmp_path, "other") is None


def test_every_question_has_a_committed_record() -> None:
    assert {f"{question.NAME}.md" for question in QUESTIONS} < pages(QUESTIONS).keys()


def test_the_committed_pages_are_those_of_the_committed_records() -> None:
    for name, text in pages(QUESTIONS).items():
        assert (RESULTS / name).read_text(encoding="utf-8") == text, f"{name}: run `python -m bench --render`"


def test_the_readme_shows_the_committed_results() -> None:
    text = README.read_text(encoding="utf-8")
    assert text == with_summary(text, QUESTIONS)
