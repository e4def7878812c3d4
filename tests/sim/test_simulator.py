"""The simulator: what it reaches, that a seed is a run, and how its command talks."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys

import pytest

from thawpool._core.state import PoolState
from thawpool.testing import Simulator, Violation
from thawpool.testing._campaign import Outcome, Progress, duration
from thawpool.testing._coverage import CANCELS, ENDS, LEGAL, OUTCOMES, missing, report
from thawpool.testing.simulator import main

COMMAND = [sys.executable, "-m", "thawpool.testing.simulator"]


def test_two_thousand_seeds_find_nothing_and_reach_everything(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seeds", "2000"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"2,000 seeds of 200 steps in .*, [\d,]+ a second: no violation", first)
    assert second == (
        f"coverage: {len(LEGAL)} of {len(LEGAL)} legal moves, {len(OUTCOMES)} of {len(OUTCOMES)} trap outcomes, "
        f"{len(CANCELS)} of {len(CANCELS)} points of interruption, {len(ENDS)} of {len(ENDS)} ends of flows"
    )


@pytest.mark.parametrize("seed", [0, 7, 1234])
def test_a_seed_is_a_run(seed: int) -> None:
    simulator = Simulator(seed)
    trace = simulator.trace()
    assert trace == Simulator(seed).trace()
    assert simulator.run() == Simulator(seed).run()
    assert len(trace) >= 200
    assert trace != Simulator(seed + 1).trace()


def test_a_run_can_be_of_any_length() -> None:
    assert 20 < len(Simulator(3, steps=20).trace()) < 100
    assert Simulator(3, steps=20).command.endswith("--seed 3 --steps 20 --trace")
    assert Simulator(3).command == "python -m thawpool.testing.simulator --seed 3 --trace"


def test_a_sound_run_has_nothing_to_shrink() -> None:
    assert Simulator(0).shrink() == []


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pool in which a return ignores who waits."""
    give = PoolState.give

    def give_late(self: PoolState, slot: object, wall: float, mono: float) -> None:
        waiters, self.waiters = self.waiters, type(self.waiters)()
        give(self, slot, wall, mono)  # type: ignore[arg-type]
        self.waiters = waiters

    monkeypatch.setattr(PoolState, "give", give_late)
    return


@pytest.mark.usefixtures("broken")
def test_a_violation_names_its_rule_and_how_to_see_it() -> None:
    with pytest.raises(Violation, match="idle while a request waits") as caught:
        for seed in range(50):
            Simulator(seed).run()
    assert re.search(
        r"again, step by step: python -m thawpool.testing.simulator --seed \d+ --trace", str(caught.value)
    )


@pytest.mark.usefixtures("broken")
def test_a_broken_pool_is_reported_with_as_few_steps_as_show_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seeds", "200", "--jobs", "1"]) == 1
    output = capsys.readouterr().out
    assert re.search(r"seeds of 200 steps in .*: \d+ FAILED", output)
    seed = re.search(r"all of it: python -m thawpool.testing.simulator --seed (\d+) --trace", output)
    assert seed is not None
    steps = output[output.index("--trace") :].splitlines()[1:]
    assert 3 <= len(steps) <= 20, "\n".join(steps)
    assert steps[-1].endswith("connection is idle while a request waits")
    assert main(["--seed", seed[1]]) == 1
    assert capsys.readouterr().out.splitlines()[1:] == steps


@pytest.mark.usefixtures("broken")
def test_the_trace_of_a_broken_run_ends_with_its_violation(capsys: pytest.CaptureFixture[str]) -> None:
    seed = next(seed for seed in range(50) if Simulator(seed).shrink())
    assert "violation" in Simulator(seed).trace()[-1]
    assert main(["--seed", str(seed), "--trace"]) == 1
    assert capsys.readouterr().out.count("violation: ") == 2


def test_one_seed_can_be_looked_at(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seed", "11", "--steps", "50", "--trace"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 51
    assert "1/" in lines[0] or "0/" in lines[0]
    assert lines[-1] == "seed 11: no violation in 50 steps"


@pytest.mark.parametrize(
    "arguments, complaint",
    [
        (["--seeds", "many"], "argument --seeds: 'many': give a whole number of at least 1"),
        (["--seeds", "0"], "argument --seeds: '0': give a whole number of at least 1"),
        (["--steps", "-3"], "argument --steps: '-3': give a whole number of at least 1"),
        (["--jobs", "1.5"], "argument --jobs: '1.5': give a whole number of at least 1"),
        (["--seed", "-1"], "argument --seed: '-1': give a whole number of at least 0"),
        (["--trace"], "--trace needs --seed: which run shall be printed?"),
        (["--sed", "1"], "unrecognized arguments: --sed 1"),
    ],
)
def test_wrong_input_is_told(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert complaint in capsys.readouterr().err


def test_help_tells_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    output = capsys.readouterr().out
    for option in ("--seeds", "--start", "--steps", "--jobs", "--seed", "--trace"):
        assert f"{option} " in output


def test_on_all_cores_from_the_command_line() -> None:
    done = subprocess.run(
        [*COMMAND, "--seeds", "1_000", "--start", "5000", "--jobs", "2"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1,000 seeds of 200 steps")
    assert done.stderr == ""


def test_few_seeds_need_not_reach_everything(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seeds", "1", "--jobs", "1"]) == 0
    assert "not reached: cancel" in capsys.readouterr().out


def test_ctrl_c_ends_it_with_what_was_done() -> None:
    """On a terminal: the progress is a line of its own, and the result is what is left."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "--seeds", "10_000_000"],
        stdout=subprocess.PIPE,
        stderr=follower,
        text=True,
        start_new_session=True,
    )
    os.close(follower)
    shown = b""
    while b" left" not in shown:
        shown += os.read(leader, 1000)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=20)
    os.close(leader)
    assert process.returncode == 130, output
    assert re.match(rb"\r[\d,]+ of 10,000,000 seeds \(0%\), none failed, [\d,]+ a second, .+ left", shown)
    assert re.match(r"stopped after [\d,]+ seeds of 200 steps in ", output)


def test_what_is_missing_is_named() -> None:
    everything = LEGAL | OUTCOMES | CANCELS | ENDS
    assert missing(everything) == []
    less = everything - {("acquire", "Dial", "silent")}
    assert missing(less) == [("acquire", "Dial", "silent")]
    assert report(less).splitlines()[1] == "  not reached: acquire Dial silent"


def test_progress_is_silent_where_nobody_reads_it(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(10)
    progress.show(Outcome(seeds=5, seconds=1.0))
    progress.done()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("seconds, words", [(3.4, "3 s"), (83, "1 min 23 s"), (3700, "1 h 1 min")])
def test_durations_are_read_easily(seconds: float, words: str) -> None:
    assert duration(seconds) == words
