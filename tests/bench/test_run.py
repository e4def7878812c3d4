"""The rounds: everything once in each, in an order of its own; nothing lost to a failure or to Ctrl-C."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bench.record import Record
from bench.run import estimate, run
from bench.sampling import Sample
from tests.bench.questions import Asked, Bar

ABOUT: dict[str, Any] = {"date": "2026-01-01"}


def measure(question: Asked, folder: Path, rounds: int = 3, seed: int = 1) -> tuple[Record, Bar]:
    bar = Bar()
    run([question], rounds=rounds, folder=folder, about=ABOUT, progress=bar, seed=seed)
    record = Record.load(folder, question.NAME)
    assert record is not None
    return record, bar


def test_every_round_takes_everything_once_and_in_another_order(tmp_path: Path) -> None:
    question = Asked(dict.fromkeys("abcdefgh", 1.0))
    record, bar = measure(question, tmp_path)
    rounds = [question.order[start : start + 8] for start in (0, 8, 16)]
    assert all(sorted(taken) == list("abcdefgh") for taken in rounds)
    assert len({tuple(taken) for taken in rounds}) == 3
    assert record.rounds == 3
    assert bar.done == estimate([question], 3) == 48.0


def test_rows_keep_the_question_s_own_order(tmp_path: Path) -> None:
    record, _ = measure(Asked({"ours": 1.0, "theirs": 2.0, "a floor": 3.0}), tmp_path)
    assert record.results.rows("case") == ["ours", "theirs", "a floor"]


def test_a_contender_that_fails_is_on_record_and_stops_nobody(tmp_path: Path) -> None:
    record, bar = measure(Asked({"ours": 1.0, "theirs": 2.0}, broken="theirs"), tmp_path)
    assert record.results.error("case", "theirs") == "it did not start"
    assert record.results.error("case", "ours") is None
    assert len(record.results.metrics("case", "ours")) == 3
    assert bar.lines == ["asked: theirs (case): it did not start"] * 3


def test_an_interrupted_run_keeps_what_it_measured(tmp_path: Path) -> None:
    question = Asked({"ours": 1.0, "theirs": 2.0})

    def interrupt(_: Sample) -> None:
        if len(question.order) == 3:
            raise KeyboardInterrupt

    question.before = interrupt
    with pytest.raises(KeyboardInterrupt):
        measure(question, tmp_path)
    record = Record.load(tmp_path, "asked")
    assert record is not None
    assert len(record.content["samples"]) == 3
    assert list(tmp_path.glob("*.tmp")) == []


def test_a_ratio_is_taken_round_by_round(tmp_path: Path) -> None:
    record = Record.new(tmp_path, "asked", ABOUT)
    for turn, (ours, theirs) in enumerate([(1.0, 2.0), (10.0, 20.0), (300.0, 400.0)], start=1):
        record.add(round=turn, place=0, case="case", row="ours", metrics={"figure": ours})
        record.add(round=turn, place=1, case="case", row="theirs", metrics={"figure": theirs})
    record.add(
        round=4, place=0, case="case", row="ours", metrics={"figure": 7.0}
    )  # theirs was not taken any more
    ratio = record.results.ratio("case", "ours", "theirs", "figure")
    assert ratio is not None
    assert (ratio.median, ratio.low, ratio.high) == (0.5, 0.5, 0.75)
