"""Dials in threads of their own: bounded for the caller, and nothing of a late one is lost."""

from __future__ import annotations

import signal
import traceback
from collections.abc import Iterator
from threading import Event, Thread, get_ident, main_thread
from time import monotonic
from typing import Any

import pytest
from tests.support.children import Child
from tests.support.waiting import eventually

from thawpool.drivers._dial import Expired
from thawpool.drivers._threaded_dial import ThreadedDial

FAR = 30.0
SECRET = "hunter2"


class Conn:
    """A connection, as far as a dial is concerned."""


class Library:
    """A library whose dials block until the test lets them go."""

    def __init__(self) -> None:
        self.dialing = 0
        self.go = Event()
        self.closed: list[Conn] = []
        self.dialer = ThreadedDial(self.closed.append)

    def connect(self) -> Conn:
        self.dialing += 1
        assert self.go.wait(20)
        return Conn()


@pytest.fixture
def library() -> Iterator[Library]:
    library = Library()
    yield library
    library.go.set()


def test_a_dial_hands_its_connection_over(library: Library) -> None:
    library.go.set()
    assert isinstance(library.dialer.dial(library.connect, monotonic() + FAR), Conn)
    assert library.closed == []


def test_an_error_passes_without_the_frames_that_hold_the_password() -> None:
    def connect() -> Conn:
        password = SECRET
        raise OSError(f"refused, {len(password)}")

    with pytest.raises(OSError, match="refused") as caught:
        ThreadedDial(lambda conn: None).dial(connect, monotonic() + FAR)
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert SECRET not in "".join(shown.format())


def test_a_late_dial_fails_in_time_and_its_connection_is_closed(library: Library) -> None:
    begun = monotonic()
    with pytest.raises(Expired):
        library.dialer.dial(library.connect, begun + 0.1)
    assert monotonic() - begun < 0.3
    assert library.closed == []
    library.go.set()
    eventually(lambda: library.closed, "the close")


def test_the_next_dial_waits_for_a_straggler(library: Library) -> None:
    with pytest.raises(Expired):
        library.dialer.dial(library.connect, monotonic() + 0.05)
    with pytest.raises(Expired):
        library.dialer.dial(library.connect, monotonic() + 0.05)
    assert library.dialing == 1, "the second has not begun"
    had: list[Any] = []

    def dial() -> None:
        had.append(library.dialer.dial(library.connect, monotonic() + FAR))

    waiting = [Thread(target=dial) for _ in range(2)]
    for thread in waiting:
        thread.start()
    library.go.set()
    for thread in waiting:
        thread.join(10)
    assert len(library.closed) == 1, "the straggler's"
    assert len(had) == 2
    assert not library.dialer._stragglers


def test_with_no_time_left_nothing_is_dialed(library: Library) -> None:
    with pytest.raises(Expired):
        library.dialer.dial(library.connect, monotonic())
    assert library.dialing == 0


def test_what_the_close_of_a_late_one_meets_is_nobodys_concern(library: Library) -> None:
    def close(conn: Conn) -> None:
        library.closed.append(conn)
        raise OSError("reset")

    dialer = ThreadedDial(close)
    with pytest.raises(Expired):
        dialer.dial(library.connect, monotonic() + 0.05)
    library.go.set()
    assert isinstance(dialer.dial(library.connect, monotonic() + FAR), Conn)
    assert len(library.closed) == 1


def test_a_failed_dial_leaves_no_straggler(library: Library) -> None:
    def connect() -> Conn:
        raise OSError("refused")

    for _ in range(3):
        with pytest.raises(OSError, match="refused"):
            library.dialer.dial(connect, monotonic() + FAR)
    assert not library.dialer._stragglers


def test_a_dial_that_can_be_hurried_leaves_no_straggler(library: Library) -> None:
    with pytest.raises(Expired):
        library.dialer.dial(library.connect, monotonic() + 0.05, library.go.set)
    assert len(library.closed) == 1
    assert not library.dialer._stragglers


def test_one_that_cannot_be_reached_is_waited_for(library: Library) -> None:
    def hurry() -> None:
        raise OSError("it is not connected")

    with pytest.raises(Expired):
        library.dialer.dial(library.connect, monotonic() + 0.05, hurry)
    assert library.closed == []
    assert len(library.dialer._stragglers) == 1


def test_an_interrupted_dial_closes_what_it_gets(library: Library) -> None:
    def interrupt() -> None:
        eventually(lambda: library.dialing == 1, "the dial")
        signal.pthread_kill(main_thread().ident or get_ident(), signal.SIGINT)

    Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        library.dialer.dial(library.connect, monotonic() + FAR)
    library.go.set()
    eventually(lambda: library.closed, "the close")


def test_where_no_thread_can_be_had_it_dials_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("thawpool.drivers._threaded_dial.start_daemon", refuse)
    here: list[int] = []

    def connect() -> str:
        here.append(get_ident())
        return "conn"

    assert ThreadedDial(lambda conn: None).dial(connect, monotonic() + FAR) == "conn"
    assert here == [get_ident()]


def test_a_fork_has_no_stragglers() -> None:
    code = """
    import os, signal, threading, warnings
    from time import monotonic
    from thawpool.drivers._dial import Expired
    from thawpool.drivers._threaded_dial import ThreadedDial

    warnings.filterwarnings("ignore", message=".*multi-threaded", category=DeprecationWarning)
    signal.alarm(20)
    dialer = ThreadedDial(print)
    try:
        dialer.dial(threading.Event().wait, monotonic() + 0.05)
    except Expired:
        pass
    pid = os.fork()
    if not pid:
        os._exit(dialer.dial(lambda: 7, monotonic() + 10))
    say(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    """
    with Child(code) as child:
        assert child.hear() == "7"
        _, complaint = child.process.communicate(timeout=10)
        assert complaint == ""
