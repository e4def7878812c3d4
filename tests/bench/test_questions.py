"""The questions as they are asked: their samples, and a sample's fresh process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from bench.__main__ import main
from bench.contenders import EVERY, NodeContender
from bench.contenders.floor import ASYNC_FLOOR, FLOOR
from bench.questions import QUESTIONS, lease, middleware
from bench.sampling import Question
from bench.stage import BenchError, Stage

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: str(question.NAME))
def test_a_question_can_be_read_and_its_rows_are_told_apart(question: Question) -> None:
    assert question.__doc__ is not None
    assert question.__doc__.strip().split("\n\n")[0].endswith("?")
    places = [(sample.case, sample.row) for sample in question.samples()]
    assert len(set(places)) == len(places) > 0
    json.dumps([sample.task for sample in question.samples()])  # for a task goes to another process


def test_every_contender_says_what_its_settings_are() -> None:
    for name, kind in EVERY.items():
        assert kind.words("default"), name
        assert kind.distributions, name
        if issubclass(kind, NodeContender):
            manifest = json.loads((ROOT / "bench/node/package.json").read_text())
            assert kind.package in manifest["dependencies"]


def test_the_control_compares_like_with_like() -> None:
    """The floor over itself, in a fresh process, is about 1."""
    with Stage() as stage:
        for sample in lease.samples():
            if sample.row in (FLOOR, ASYNC_FLOOR) and sample.case != "uvloop":
                assert 0.5 < lease.take(sample, stage)["ratio"] < 2


def test_a_fresh_process_that_fails_says_why() -> None:
    with (
        Stage() as stage,
        pytest.raises(BenchError, match="ModuleNotFoundError: No module named 'no_such_module'"),
    ):
        stage.ask("no_such_module:measure", {})


def test_a_fresh_process_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    script = "import subprocess, sys; child = subprocess.Popen(['sleep', '600']); "
    script += f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid)); child.wait()"
    with pytest.raises(BenchError, match=r"no answer within 1 s"):
        Stage.run([sys.executable, "-c", script], patience=1.0)
    pid = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 10
    while _runs(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _runs(pid)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return not state.stdout.strip().startswith("Z")


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--only", "lease,nothing"], "no question nothing; there are lease"),
        (["--rounds", "0"], "'0' is not a whole number of at least 1"),
    ],
)
def test_bad_arguments_are_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert said in capsys.readouterr().err


def test_the_questions_are_named_with_what_they_take(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list", "--only", "lease"]) == 0
    assert capsys.readouterr().out.startswith("lease        What do a lease and a return cost")


def test_what_a_question_kept_is_closed_before_the_next_one() -> None:
    closed: list[str] = []

    class Kept:
        def __init__(self, stage: Stage) -> None:
            closed.append("made")

        def close(self) -> None:
            closed.append("closed")

    with Stage() as stage:
        assert stage.keep(Kept) is stage.keep(Kept)
        stage.clear()
        stage.keep(Kept)
    assert closed == ["made", "closed"] * 2


def test_the_middleware_and_a_lease_cost_something_and_nothing_costs_nothing() -> None:
    found: dict[tuple[str, str], float] = {}
    with Stage() as stage:
        for sample in middleware.samples():
            if sample.row in (middleware.WITH_LEASE, middleware.CONTROL):
                short = replace(sample, task={**sample.task, "turns": 5})
                found[sample.case, sample.row] = middleware.take(short, stage)["more"]
    for case in middleware.CASES:
        assert found[case, middleware.WITH_LEASE] > 1
        assert abs(found[case, middleware.CONTROL]) < found[case, middleware.WITH_LEASE]
