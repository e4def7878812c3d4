"""What ends the statements of libraries that block in C: first by an injected clock, then with real sockets."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent
from threading import Event, Thread
from time import monotonic
from typing import Any

import pytest
from tests.support.children import Child
from tests.support.waiting import eventually

from thawpool.drivers._watchdog import INFINITY, LINGER, Watchdog, Watched, Wire

SILENCE = 5.0


class Time:
    """A clock that stands still, and threads that wait to be run by the test."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.threads: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []

    def clock(self) -> float:
        return self.now

    def start(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.threads.append((function, args))

    def run_last(self) -> None:
        function, args = self.threads.pop()
        function(*args)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def dog(time: Time) -> Watchdog:
    return Watchdog(time.clock, time.start)


@contextmanager
def wired(answers: Callable[[], bool] = lambda: True) -> Iterator[tuple[Wire, socket.socket, socket.socket]]:
    here, there = socket.socketpair()
    with here, there:
        yield Wire(here.fileno(), SILENCE, answers), here, there


@pytest.fixture
def wire() -> Iterator[Wire]:
    with wired() as (wire, _, _):
        yield wire


def hung_up(there: socket.socket) -> bool:
    there.setblocking(False)
    try:
        return there.recv(1) == b""
    except BlockingIOError:
        return False


# -- by an injected clock ------------------------------------------------------------------------


def test_a_statement_is_struck_at_its_deadline_and_not_before(dog: Watchdog, time: Time) -> None:
    with wired() as (wire, _, there):
        watched = Watched(wire, time.now + 0.3)
        dog.enter(watched)
        assert dog._look() == pytest.approx(0.3)
        assert not hung_up(there)
        time.now += 0.3
        assert dog._look() is None
        assert hung_up(there)
        assert dog.leave(watched)


def test_a_statement_that_ended_is_not_struck(dog: Watchdog, time: Time) -> None:
    with wired() as (wire, _, there):
        watched = Watched(wire, time.now + 0.3)
        dog.enter(watched)
        assert not dog.leave(watched)
        time.now += 1
        dog._look()
        assert not watched.struck
        assert not hung_up(there)


def test_the_next_statement_of_a_connection_has_a_deadline_of_its_own(dog: Watchdog, time: Time) -> None:
    with wired() as (wire, _, there):
        first = Watched(wire, time.now + 0.3)
        dog.enter(first)
        dog.leave(first)
        second = Watched(wire, time.now + 10)
        dog.enter(second)
        time.now += 0.3
        assert dog._look() == pytest.approx(LINGER)
        assert not second.struck
        assert not hung_up(there)


def test_nothing_is_started_before_the_first_statement(dog: Watchdog, time: Time) -> None:
    assert time.threads == []


def test_one_thread_serves_statements_until_it_finds_none(dog: Watchdog, time: Time, wire: Wire) -> None:
    for _ in range(3):
        watched = Watched(wire, time.now + 30)
        dog.enter(watched)
        dog.leave(watched)
        time.now += 0.1
    assert len(time.threads) == 1
    assert dog._look() is None
    dog.enter(Watched(wire, time.now + 30))
    assert len(time.threads) == 2


def test_it_does_not_oversleep_an_earlier_deadline_that_comes_later(
    dog: Watchdog, time: Time, wire: Wire
) -> None:
    dog.enter(Watched(wire, time.now + 30))
    assert dog._look() == pytest.approx(LINGER)
    dog.enter(Watched(wire, time.now + 0.9))
    assert not dog._bell.locked(), "it must be woken"
    dog.enter(Watched(wire, time.now + 0.8))  # a second ring, before it woke, does no harm
    assert dog._look() == pytest.approx(0.8)


def test_it_is_not_woken_for_a_later_deadline(dog: Watchdog, time: Time, wire: Wire) -> None:
    dog.enter(Watched(wire, time.now + 0.5))
    dog._look()
    dog.enter(Watched(wire, time.now + 0.6))
    assert dog._bell.locked()


@pytest.mark.parametrize("there", [True, False])
def test_a_statement_without_a_deadline_is_asked_for(dog: Watchdog, time: Time, there: bool) -> None:
    asked = []

    def answers() -> bool:
        asked.append(time.now)
        return there

    with wired(answers) as (wire, _, far):
        watched = Watched(wire, INFINITY)
        dog.enter(watched)
        assert dog._look() == pytest.approx(LINGER)
        assert len(time.threads) == 1
        for times in range(1, 4):
            time.now += SILENCE
            dog._look()
            assert len(time.threads) == 2, "the question has a thread of its own"
            dog._look()
            assert len(time.threads) == 2, "and is asked once"
            time.run_last()
            assert len(asked) == times
            assert watched.struck is not there
            assert hung_up(far) is not there
            if not there:
                break


def test_an_answer_that_comes_after_the_statement_changes_nothing(dog: Watchdog, time: Time) -> None:
    with wired(lambda: False) as (wire, _, there):
        watched = Watched(wire, INFINITY)
        dog.enter(watched)
        time.now += SILENCE
        dog._look()
        dog.leave(watched)
        time.run_last()
        assert not watched.struck
        assert not hung_up(there)


def test_only_the_socket_that_it_knows_is_shut(dog: Watchdog, time: Time) -> None:
    """A library closes its socket in the middle of a statement, and its number goes to another one at once."""
    with wired() as (wire, here, _), wired() as (_, other, there):
        dog.enter(Watched(wire, time.now + 0.3))
        os.dup2(other.fileno(), here.fileno())
        time.now += 0.3
        assert dog._look() is None
        assert not hung_up(there)
        assert wire.closed()


def test_a_socket_that_is_closed_is_forgotten(dog: Watchdog, time: Time) -> None:
    with wired() as (wire, here, _):
        dog.enter(Watched(wire, INFINITY))
        here.close()
        assert not wire.shut()
        time.now += SILENCE
        assert dog._look() is None


def test_where_no_thread_can_be_had_statements_run_unwatched(time: Time, wire: Wire) -> None:
    def refuse(*_: Any) -> None:
        raise RuntimeError("can't start new thread")

    dog = Watchdog(time.clock, refuse)
    watched = Watched(wire, time.now + 0.3)
    dog.enter(watched)
    assert not dog.leave(watched)
    dog._start = time.start
    dog.enter(watched)
    assert len(time.threads) == 1, "the next one tries again"


def test_where_no_thread_can_be_had_the_question_waits(dog: Watchdog, time: Time, wire: Wire) -> None:
    def refuse(*_: Any) -> None:
        raise RuntimeError("can't start new thread")

    watched = Watched(wire, INFINITY)
    dog.enter(watched)
    dog._start = refuse
    time.now += SILENCE
    assert dog._look() == pytest.approx(LINGER)
    assert watched.due == time.now + SILENCE


# -- with real sockets ---------------------------------------------------------------------------


def threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


def test_a_blocked_thread_wakes_at_its_deadline_and_the_watchdog_goes() -> None:
    dog = Watchdog()
    before = threads()
    with wired() as (wire, here, _):
        begun = monotonic()
        watched = Watched(wire, begun + 0.3)
        dog.enter(watched)
        try:
            assert here.recv(1) == b""
        finally:
            struck = dog.leave(watched)
        assert struck
        assert 0.3 <= monotonic() - begun < 0.5
    eventually(lambda: threads() == before, "the end of its thread")


def test_deadlines_are_kept_while_a_server_is_asked() -> None:
    dog = Watchdog()
    asked, enough = Event(), Event()

    def slow() -> bool:
        asked.set()
        return enough.wait(10)

    with wired() as (wire, here, _), wired() as (_, patient, far):
        unlimited = Watched(Wire(patient.fileno(), 0.01, slow), INFINITY)
        dog.enter(unlimited)
        assert asked.wait(10)
        begun = monotonic()
        limited = Watched(wire, begun + 0.2)
        dog.enter(limited)
        assert here.recv(1) == b""
        assert 0.2 <= monotonic() - begun < 0.4
        assert dog.leave(limited)
        assert not hung_up(far)
        enough.set()
        assert not dog.leave(unlimited)


def test_statements_that_end_at_their_deadline_leave_the_next_alone() -> None:
    """Each of many statements ends just when it is struck: either it was struck, or its socket is whole."""
    dog = Watchdog()
    struck = 0
    for _ in range(100):
        with wired() as (wire, here, there):
            watched = Watched(wire, monotonic() + 0.002)
            dog.enter(watched)
            while monotonic() < watched.until:
                pass
            if dog.leave(watched):
                struck += 1
                assert hung_up(there)
            else:
                there.setblocking(True)
                there.send(b"x")
                assert here.recv(1) == b"x"
    assert struck < 100


def test_two_threads_of_one_connection_are_both_watched() -> None:
    dog = Watchdog()
    with wired() as (wire, here, _):
        until = monotonic() + 0.3
        struck: list[bool] = []

        def statement() -> None:
            watched = Watched(wire, until)
            dog.enter(watched)
            here.recv(1)
            struck.append(dog.leave(watched))

        first, second = Thread(target=statement), Thread(target=statement)
        first.start()
        second.start()
        first.join(10)
        second.join(10)
        assert struck == [True, True]


CHILD = """
import os, socket, sys
from time import monotonic
from thawpool.drivers._watchdog import INFINITY, Watched, Wire, watchdog

here, there = socket.socketpair()
def blocked(until):
    watched = Watched(Wire(here.fileno(), 5.0, lambda: True), until)
    watchdog.enter(watched)
    here.recv(1)
    return watchdog.leave(watched)
"""


def test_a_fork_begins_anew() -> None:
    code = """
    import signal
    signal.alarm(20)
    left = Watched(Wire(here.fileno(), 5.0, lambda: True), monotonic() + 60)
    watchdog.enter(left)
    pid = os.fork()
    if not pid:
        os._exit(7 if blocked(monotonic() + 0.2) and not left.struck else 1)
    say(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    """
    quiet = "import warnings\nwarnings.filterwarnings('ignore', message='.*multi-threaded', category=DeprecationWarning)\n"
    with Child(CHILD + quiet + dedent(code)) as child:
        assert child.hear() == "7"


@pytest.mark.parametrize("how", ["running", "after"])
def test_the_interpreter_ends_without_waiting_or_noise(how: str) -> None:
    code = """
    import threading
    if sys.argv[1] == "running":
        threading.Thread(target=blocked, args=(monotonic() + 60,), daemon=True).start()
        while not watchdog._alive:
            pass
    else:
        there.send(b"x")
        blocked(monotonic() + 60)
    here.detach(), there.detach()
    say("bye")
    """
    with Child(CHILD + dedent(code), how) as child:
        assert child.hear() == "bye"
        _, complaint = child.process.communicate(timeout=10)
        assert complaint == ""
        assert child.process.returncode == 0


def test_a_statement_at_the_very_end_of_the_interpreter_runs() -> None:
    code = """
    import atexit
    def last():
        there.send(b"x")
        say(blocked(monotonic() + 60))
        say(watchdog._alive)
        here.close(), there.close()
    atexit.register(last)
    """
    with Child(CHILD + dedent(code)) as child:
        assert [child.hear(), child.hear()] == ["False", "False"]
        _, complaint = child.process.communicate(timeout=10)
        assert complaint == ""
