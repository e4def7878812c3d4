"""A short piece of the soak; that it finds a pool that is at fault; what its judge excuses, and what not."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.support.waiting import eventually
from tests.vercel.judge import Judge, Request, longest_without
from tests.vercel.sites import ROOT
from tests.vercel.soak import soak
from tests.vercel.wire import Loss, Unheard

pytestmark = [pytest.mark.needs("vercel"), pytest.mark.needs("faketime")]

NONE: frozenset[int] = frozenset()
COMMAND = [sys.executable, "-m", "tests.vercel.soak"]


@pytest.mark.timeout(120)
def test_a_piece_of_the_soak() -> None:
    report = soak(seed=1, requests=150)
    assert report.requests >= 150
    assert report.weather["freeze"]
    assert report.good, str(report)


def test_it_finds_a_pool_that_trusts_too_long() -> None:
    """After a long freeze it uses the connection that the network has forgotten. (The seed freezes at once.)"""
    report = soak(
        125, requests=1, clients=1, weather=("freeze", "forget all"), trust_window=3600, idle_timeout=3600
    )
    assert report.weather["forget all"]
    assert [(verdict.why, verdict.excused) for verdict in report.verdicts] == [("failed", False)]
    assert not report.good
    assert "FAILED: request" in str(report)


def test_it_finds_a_pool_with_too_many_connections() -> None:
    report = soak(seed=1, requests=200, clients=16, weather=("nothing",), max_size=12)
    assert report.sessions > 5
    assert not report.good
    assert "sessions at the server, 5 allowed" in str(report)


# -- the command ---------------------------------------------------------------------------------


def test_the_command_says_which_drivers_there_are() -> None:
    ended = subprocess.run(
        [*COMMAND, "--kind", "wsgi", "--driver", "asyncpg"], cwd=ROOT, capture_output=True, text=True
    )
    assert ended.returncode == 2
    assert "--driver asyncpg: with --kind wsgi it is one of psycopg, psycopg2, pg8000" in ended.stderr


def test_an_interrupt_ends_all_that_it_has_started() -> None:
    with subprocess.Popen(
        [*COMMAND, "--clients", "2"], cwd=ROOT, stderr=subprocess.PIPE, text=True
    ) as command:
        assert command.stderr is not None
        assert re.match(r" *\d+ of 1000 requests", command.stderr.readline())
        children = _children(command.pid)
        assert len(children) >= 2, "a server and a function"
        command.send_signal(signal.SIGINT)
        assert command.wait(30) == 130
        assert "Traceback" not in command.stderr.read()
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children), "the end of its children")


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


# -- the judge -----------------------------------------------------------------------------------


def judge(
    losses: Sequence[Loss] = (),
    unheard: Sequence[Unheard] = (),
    outages: Sequence[tuple[float, float]] = (),
    slow: Sequence[tuple[float, float, float]] = (),
) -> Judge:
    wire: Any = SimpleNamespace(losses=losses, into_silence=unheard)
    weather: Any = SimpleNamespace(outages=outages, slow=slow)
    return Judge(wire, weather)


def loss(marks: frozenset[int] = NONE, unread: frozenset[int] = NONE) -> Loss:
    """The end of a connection at 1.0."""
    return Loss(1.0, marks, unread)


def request(number: int = 1, *, ended: float = 3.0, error: str = "", **facts: Any) -> Request:
    """A request that began at 0, had 5 s, and failed."""
    made = Request(number, 0.0, ended, 5.0, work=0.1, status=500, own=False, error=error)
    return made._replace(**facts)


def why(judge: Judge, of: Request) -> tuple[str, bool]:
    verdict = judge.verdict(of)
    assert verdict is not None
    return verdict.why, verdict.excused


def test_what_was_served_needs_no_excuse() -> None:
    assert judge().verdict(request(status=200, own=True)) is None


def test_without_a_reason_it_is_the_pools_fault() -> None:
    assert why(judge(), request()) == ("failed", False)
    assert why(judge(), request(status=0, error="RemoteDisconnected()")) == ("failed", False)


def test_nothing_excuses_the_answer_of_another_or_a_late_one() -> None:
    bad_day = judge([loss(frozenset({1}))], outages=[(0.0, 5.0)])
    assert why(bad_day, request(status=200)) == ("got the answer of another request", False)
    assert why(bad_day, request(ended=5.3)) == ("answered after its deadline", False)
    assert why(bad_day, request(status=200, own=True, ended=5.3)) == ("answered after its deadline", False)


def test_a_statement_that_was_in_flight_may_be_lost() -> None:
    assert why(judge([loss(frozenset({1, 2}))]), request(1)) == ("lost", True)
    assert why(judge([loss(frozenset({1, 2}))]), request(3)) == ("failed", False)
    assert why(judge([loss(unread=frozenset({1}))]), request(1)) == ("lost", True)


def test_silence_within_the_trust_window_cannot_be_noticed() -> None:
    assert why(judge(unheard=[Unheard(1.0, frozenset({1}), idle=0.9)]), request()) == ("silent", True)
    assert why(judge(unheard=[Unheard(1.0, frozenset({1}), idle=1.2)]), request()) == ("failed", False)


def test_a_nameless_message_into_silence_excuses_one_request_that_hung_on_it() -> None:
    hung = "PoolTimeout: the statement did not end before its deadline"
    begin = Unheard(1.0, frozenset(), idle=0.5)
    assert why(judge(unheard=[begin]), request()) == ("failed", False)
    assert why(judge(unheard=[begin]), request(error=hung, ended=0.9)) == ("failed", False)
    one = judge(unheard=[begin])
    assert why(one, request(1, error=hung)) == ("silent", True)
    assert why(one, request(2, error=hung)) == ("failed", False)


def test_a_statement_may_cross_the_end_of_its_connection() -> None:
    lost = "ConnectionLost: the connection was lost during the statement"
    assert why(judge([loss()]), request(error=lost, ended=0.9)) == ("failed", False)
    assert why(judge([loss()]), request(error=lost, ended=2.5)) == ("failed", False)
    assert why(judge([loss()]), request(error="ConnectFailed", ended=1.1)) == (
        "failed",
        False,
    )
    assert why(judge([loss(frozenset({9}))]), request(error=lost, ended=1.1)) == ("failed", False)
    assert why(judge([loss(unread=frozenset({9}))]), request(error=lost, ended=1.1)) == ("crossed", True)
    once = judge([loss()])
    assert why(once, request(1, error=lost, ended=1.1)) == ("crossed", True)
    assert why(once, request(2, error=lost, ended=1.1)) == ("failed", False)


def test_an_outage_excuses_if_it_left_no_time() -> None:
    for outages, excused in [
        ([(0.0, 5.0)], True),
        ([(1.0, 4.0)], True),
        ([(1.0, 3.0)], False),  # 1.9 s are left after it
        ([(0.0, 1.0), (2.0, 3.5), (4.5, 5.0)], True),
        ([(0.0, 1.0), (2.9, 3.5)], False),
        ([(5.0, 9.0)], False),
    ]:
        assert why(judge(outages=outages), request())[1] == excused, outages


def test_a_slow_network_takes_its_time() -> None:
    outages = [(0.0, 3.0)]
    assert not why(judge(outages=outages), request())[1]
    assert why(judge(outages=outages, slow=[(3.0, 4.0, 0.1)]), request()) == ("outage", True)


def test_the_longest_time_without_an_outage() -> None:
    assert longest_without([], 1.0, 4.0) == 3.0
    assert longest_without([(0.0, 2.0)], 1.0, 4.0) == 2.0
    assert longest_without([(3.0, 9.0)], 1.0, 4.0) == 2.0
    assert longest_without([(1.5, 2.0), (3.75, 4.0)], 1.0, 4.0) == 1.75
    assert longest_without([(0.0, 9.0)], 1.0, 4.0) <= 0.0
