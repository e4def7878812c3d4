"""The host of these tests: what Vercel's runtime is told and tells, the freeze, the clock, the end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.vercel import VercelFunction
from tests.support.waiting import eventually
from tests.vercel.sites import ROOT

pytestmark = pytest.mark.needs("vercel")

BARE = "tests/vercel/functions/bare.py"


@pytest.fixture(scope="module")
def bare() -> Iterator[VercelFunction]:
    with VercelFunction(ROOT, BARE, environ={"GREETING": "hello"}) as function:
        yield function


def test_a_request_is_answered_and_over(bare: VercelFunction) -> None:
    answer = bare.get("/some?x=1")
    assert answer.status == 200
    assert answer.json()["path"] == "/some"
    assert answer.json()["greeting"] == "hello"
    assert bare.ended(answer.request_id)
    assert bare.logs(answer.request_id) == "served /some\n"
    assert bare.in_flight == 0


def test_its_end_comes_after_its_response(bare: VercelFunction) -> None:
    answer = bare.get("/late")
    assert not bare.is_over(answer.request_id)
    assert bare.in_flight == 1
    bare.rest()
    assert bare.is_over(answer.request_id)


@pytest.mark.parametrize("given, told", [(2.0, True), (-2.0, True), (None, False), ("tomorrow", False)])
def test_the_runtime_is_told_the_deadline(
    bare: VercelFunction, given: float | str | None, *, told: bool
) -> None:
    said = bare.get("/", deadline=given).json()
    assert said["internal"] == []
    if told:
        assert isinstance(given, float)
        assert said["deadline"] - said["wall"] == pytest.approx(given, abs=1.0)
    else:
        assert said["deadline"] is None


def test_a_frozen_function_answers_when_it_has_thawed(bare: VercelFunction) -> None:
    bare.freeze()
    with pytest.raises(TimeoutError):
        bare.get("/", within=0.1)
    bare.thaw()
    assert bare.get("/").status == 200


@pytest.mark.needs("faketime")
@pytest.mark.parametrize("seconds", [600.0, -600.0])
def test_the_wall_clock_jumps_while_the_monotonic_one_goes_on(seconds: float) -> None:
    with VercelFunction(ROOT, BARE, movable_clock=True) as function:
        before = function.get("/").json()
        function.freeze()
        function.jump_wall(seconds)
        function.thaw()
        after = function.get("/", deadline=5.0).json()
    assert after["wall"] - before["wall"] == pytest.approx(seconds, abs=5)
    assert after["monotonic"] - before["monotonic"] == pytest.approx(0, abs=5)
    assert after["deadline"] - after["wall"] == pytest.approx(5, abs=1), "the host's clock moves with it"


def test_a_function_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "index.py").write_text("print('here')\nimport nonsense\n")
    with pytest.raises(AssertionError, match=r"did not start, and wrote:(?s:.*)No module named 'nonsense'"):
        VercelFunction(tmp_path, "index.py").start()


def test_an_error_of_a_test_carries_what_the_function_wrote() -> None:
    with pytest.raises(AssertionError) as caught, VercelFunction(ROOT, BARE) as function:
        function.get("/one")
        raise AssertionError
    assert caught.value.__notes__ == [f"{BARE} wrote:\nserved /one\n"]


def test_it_ends_with_its_block_even_when_frozen() -> None:
    with VercelFunction(ROOT, BARE) as function:
        pid, folder = function.pid, function._folder
        function.freeze()
    assert not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize("state", ["running", "frozen"])
def test_it_does_not_outlive_a_host_that_is_killed(state: str) -> None:
    program = (
        "import sys\nfrom tests.support.vercel import VercelFunction\n"
        f"function = VercelFunction({str(ROOT)!r}, {BARE!r}).start()\n"
        f"if {state == 'frozen'}: function.freeze()\n"
        "print(function.pid, function._folder, flush=True)\nsys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as host:
        assert host.stdout is not None
        pid, folder = host.stdout.readline().split()
        assert Path(f"/proc/{pid}").exists()
        host.kill()
    eventually(lambda: not Path(f"/proc/{pid}").exists(), "the end of the function")
    eventually(lambda: not Path(folder).exists(), "the end of its folder")
