"""Ends the statements of libraries in C, which block where Python cannot end the wait: their socket is shut.

One thread per process watches over them all. It exists only while a statement runs, and for up to ``LINGER`` seconds
longer, so that it is not started anew for each of many. While nothing runs, nothing depends on it. A freeze stops it
together with the statements that it watches, and it goes on with them.

A statement with a deadline is struck at it. One without may take as long as it takes; but each time that it has taken
another ``silence`` seconds, its server is asked on a socket of its own whether it is there at all.
"""

from __future__ import annotations

import os
from _thread import allocate_lock, start_new_thread
from collections.abc import Callable
from threading import main_thread
from time import monotonic
from typing import Any, Final, final

from ._socket import shut

__all__ = ["LINGER", "Watchdog", "Watched", "Wire", "start_daemon", "watchdog"]

INFINITY: Final = float("inf")
#: The longest sleep of the thread, in seconds, and so the time by which it may outlive the last statement.
LINGER: Final = 1.0


def start_daemon(function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    """Run a function in a thread that nobody waits for.

    It has begun when this returns, as a thread that only begins may crash an interpreter that ends.

    Raises:
        RuntimeError: none can be had: the machine has no more, or the interpreter is ending.
    """
    if not main_thread().is_alive():
        raise RuntimeError("the interpreter is ending")
    begun = allocate_lock()
    begun.acquire()

    def run() -> None:
        begun.release()
        function(*args)

    start_new_thread(run, ())
    begun.acquire()


@final
class Wire:
    """The socket of one connection, and how to ask its server whether it is there.

    Args:
        fd: the socket's descriptor.
        silence: seconds after which a statement without a deadline asks.
        answers: asks; it blocks, for a second or so. If it raises, nothing is known.
    """

    __slots__ = ("_inode", "answers", "fd", "silence")

    def __init__(self, fd: int, silence: float, answers: Callable[[], bool]) -> None:
        self.fd = fd
        self._inode = os.fstat(fd).st_ino
        self.silence = silence
        self.answers = answers

    def shut(self) -> bool:
        """Shut the socket under whoever uses it. Returns False if the library has closed it. Never waits or raises.

        A library that meets an error closes its socket in the middle of a statement, and another thread may open
        something under the same number at once. So it is made sure what the number stands for, by one of our own.
        """
        try:
            twin = os.dup(self.fd)
        except OSError:
            return False
        try:
            same = os.fstat(twin).st_ino == self._inode
            if same:
                shut(twin)
            return same
        finally:
            os.close(twin)

    def closed(self) -> bool:
        """Whether the library has closed the socket."""
        try:
            return os.fstat(self.fd).st_ino != self._inode
        except OSError:
            return True


@final
class Watched:
    """A statement: on which wire, until when, and whether it was struck."""

    __slots__ = ("aimed_at", "due", "struck", "until", "wire")

    def __init__(self, wire: Wire, until: float, due: float = INFINITY) -> None:
        self.wire = wire
        self.until = until
        #: When the watchdog has to do something about it.
        self.due = until if until < INFINITY else due
        #: Whether the watchdog is about to strike it, unless it has left.
        self.aimed_at = False
        self.struck = False


class Watchdog:
    """Watches over statements.

    To enter and to leave takes no lock, since a statement in C takes little longer than that. The set of those that run
    is changed in one step each. Whoever enters looks after that whether the thread looks soon enough; the thread
    says first that it does not, and looks at the set after that. Whoever leaves looks after that whether the thread aims at
    it; the thread aims first, and looks after that whether it has left. So of two that meet, one sees the other.

    A connection whose statement was left without ``leave``, as by an interrupt at the wrong moment, must not be used
    again: its socket may still be struck.

    Args:
        clock: monotonic seconds.
        start: runs a function in a thread of its own.
    """

    __slots__ = ("_alive", "_bell", "_clock", "_lock", "_looks_at", "_running", "_start")

    def __init__(
        self, clock: Callable[[], float] = monotonic, start: Callable[..., Any] = start_daemon
    ) -> None:
        self._clock = clock
        self._start = start
        self.forget()

    def forget(self) -> None:
        """Begin anew: a child of ``fork`` has neither the thread nor the statements."""
        self._lock = allocate_lock()
        self._running: set[Watched] = set()
        #: Whether there is a thread, when it looks next, and what wakes it before.
        self._alive = False
        self._looks_at = INFINITY
        self._bell = allocate_lock()
        self._bell.acquire()

    def enter(self, watched: Watched) -> None:
        """Watch over a statement from here until ``leave``, which must follow whatever happens, this call included."""
        if watched.due == INFINITY:
            watched.due = self._clock() + watched.wire.silence
        self._running.add(watched)
        if watched.due < self._looks_at:
            with self._lock:
                if watched.due < self._looks_at:
                    self._look_at(watched.due)

    def leave(self, watched: Watched) -> bool:
        """The statement has ended: from here on it is not struck. Returns whether it was, and so its socket is shut."""
        self._running.discard(watched)
        if watched.aimed_at:
            with self._lock:
                pass  # the thread makes up its mind
        return watched.struck

    def rest(self) -> None:
        """Let the thread end at once if nothing runs."""
        with self._lock:
            if self._alive and not self._running and self._bell.locked():
                self._bell.release()

    def _look_at(self, due: float) -> None:
        self._looks_at = due
        if self._alive:
            if self._bell.locked():
                self._bell.release()
            return
        try:
            self._start(self._run, ())
        except RuntimeError:
            # A statement that is not watched is better than none.
            self._looks_at = INFINITY
        else:
            self._alive = True

    def _run(self) -> None:
        while (seconds := self._look()) is not None:
            self._bell.acquire(timeout=seconds)

    def _look(self) -> float | None:
        """Strike what is due. Returns the seconds to sleep, or None to end.

        It strikes under the lock, so that a statement which has left is never struck.
        """
        with self._lock:
            self._looks_at = INFINITY  # whoever enters from here on waits for the lock, and looks again
            now = self._clock()
            due = [watched for watched in list(self._running) if watched.due <= now]
            self._strike([watched for watched in due if watched.until < INFINITY])
            for watched in due:
                if watched.until < INFINITY:
                    continue
                if watched.wire.closed():
                    self._running.discard(watched)
                else:
                    self._have_asked(watched, now)
            running = list(self._running)
            if not running:
                self._alive = False
                return None
            self._looks_at = min(now + LINGER, min(watched.due for watched in running))
            return self._looks_at - now

    def _have_asked(self, watched: Watched, now: float) -> None:
        """Have a thread of its own ask, so that others' deadlines are not late meanwhile."""
        try:
            self._start(self._ask, (watched,))
        except RuntimeError:  # as in ``_look_at``; there may be one to be had by the next time
            watched.due = now + watched.wire.silence
        else:
            watched.due = INFINITY

    def _ask(self, watched: Watched) -> None:
        try:
            answers = watched.wire.answers()
        except Exception:
            answers = True
        with self._lock:
            if watched not in self._running:
                return
            if not answers:
                self._strike([watched])
                return
            watched.due = self._clock() + watched.wire.silence
            if watched.due < self._looks_at:
                self._look_at(watched.due)

    def _strike(self, late: list[Watched]) -> None:
        """All are marked before any socket is shut, since that wakes whoever else uses the same connection."""
        for watched in late:
            watched.aimed_at = True
        struck = [watched for watched in late if watched in self._running]
        for watched in struck:
            self._running.discard(watched)
            watched.struck = True
        for watched in struck:
            watched.wire.shut()


watchdog: Final = Watchdog()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=watchdog.forget)
