"""Dials through libraries that cannot be told of a deadline: in a thread of its own, which is left behind if late.

Such a library counts in whole seconds at best, and blocks. What is left behind, a straggler, ends by the library's own
time limit and closes what it may still get. Until then it may get a connection, so the next dial waits for it first:
a pool never has more connections than it may, seen from the server neither.
"""

from __future__ import annotations

import os
from _thread import allocate_lock
from collections.abc import Callable
from time import monotonic
from typing import Any, Final, final

from ._dial import Expired, without_frames
from ._watchdog import start_daemon

__all__ = ["ThreadedDial"]

#: ``Lock.acquire`` refuses timeouts beyond some 292 years; a day is as good as forever to a dial.
LONGEST_WAIT: Final = 86400.0
#: How long it may take a thread to see that its socket is shut, in seconds.
MOMENT: Final = 0.05


@final
class ThreadedDial:
    """The dials of one adapter.

    Args:
        close: closes a connection that came too late.
    """

    __slots__ = ("_close", "_stragglers")

    def __init__(self, close: Callable[[Any], None]) -> None:
        self._close = close
        self._stragglers: set[Attempt] = set()

    def dial(
        self, connect: Callable[[], Any], until: float, hurry: Callable[[], object] | None = None
    ) -> Any:
        """What ``connect()`` returns, or raises, if it does so before ``until``.

        Args:
            connect: a dial within the library's own time limit. It should be a closure: what a partial was given, the
                password among it, would be found in the variables of frames.
            until: monotonic seconds.
            hurry: has a dial that is given up end at once, where the library lets us; what it raises is ignored.

        Raises:
            Expired: it did not.
        """
        self._await_stragglers(until)
        attempt = Attempt(connect, self._close)
        try:
            attempt.start()
            if not attempt.ended(until):
                raise Expired
            return attempt.outcome()
        except BaseException:  # Ctrl-C too
            attempt.abandon()
            if not attempt.ended(0.0) and not (hurry is not None and attempt.hurried(hurry)):
                self._stragglers.add(attempt)
            raise

    def _await_stragglers(self, until: float) -> None:
        if until <= monotonic():
            raise Expired  # or this one would be a straggler from the start
        for attempt in tuple(self._stragglers):
            if not attempt.ended(until):
                raise Expired
            self._stragglers.discard(attempt)


@final
class Attempt:
    """One dial and its thread."""

    __slots__ = ("_abandoned", "_close", "_conn", "_connect", "_end", "_error", "_lock", "_pid")

    def __init__(self, connect: Callable[[], Any], close: Callable[[Any], None]) -> None:
        self._connect: Callable[[], Any] | None = connect
        self._close = close
        self._conn: Any = None
        self._error: BaseException | None = None
        self._abandoned = False
        self._pid = os.getpid()
        self._lock = allocate_lock()
        #: Held until the thread has done all it does.
        self._end = allocate_lock()
        self._end.acquire()

    def start(self) -> None:
        try:
            start_daemon(self._run, ())
        except RuntimeError:  # none can be had: late is better than never
            self._run()

    def _run(self) -> None:
        assert self._connect is not None
        conn = None
        try:
            conn = self._connect()
        except BaseException as error:
            self._error = without_frames(error)
        self._connect = None
        with self._lock:
            if not self._abandoned:
                self._conn, conn = conn, None
        self._discard(conn)
        self._end.release()

    def ended(self, until: float) -> bool:
        """Wait for its end; False if ``until`` came first. In a child of ``fork`` the parent's have ended."""
        if self._pid != os.getpid():
            return True
        left = min(max(0.0, until - monotonic()), LONGEST_WAIT)
        if not self._end.acquire(timeout=left):
            return False
        self._end.release()
        return True

    def outcome(self) -> Any:
        """The connection, which is the caller's from here on; or its error is raised."""
        error, self._error = self._error, None
        if error is not None:
            try:
                raise error
            finally:
                del error  # it leads to this frame
        with self._lock:
            conn, self._conn = self._conn, None
        return conn

    def abandon(self) -> None:
        """Nobody wants its connection any more."""
        with self._lock:
            self._abandoned = True
            conn, self._conn = self._conn, None
        self._discard(conn)

    def hurried(self, hurry: Callable[[], object]) -> bool:
        """Have it end at once. Returns whether it has."""
        try:
            hurry()
        except Exception:  # it is at a step at which it cannot be reached
            return False
        return self.ended(monotonic() + MOMENT)

    def _discard(self, conn: Any) -> None:
        if conn is not None:
            try:
                self._close(conn)
            except Exception:  # it came from a server that is slow or going: closed it is in any case
                pass
