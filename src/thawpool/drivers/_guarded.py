"""What connections of libraries in C share: their calls block, so each is one that the watchdog guards."""

from __future__ import annotations

import os
import socket
from abc import abstractmethod
from collections.abc import Callable
from time import monotonic
from typing import Any, ClassVar, TypeVar

from ._marks import INFINITY, Marked
from ._refusals import overran
from ._transport import keep_alive
from ._watchdog import Watched, Wire, watchdog

__all__ = ["Guarded", "peer_of"]

T = TypeVar("T")


class Guarded(Marked):
    """A connection whose every call that may wait goes through ``io``."""

    wire: Wire
    #: When the last call began, and after how many seconds without one the library shall hear the server out.
    heard: float = 0.0
    rest: ClassVar[float] = INFINITY

    def io(self, text: str | bytes | None, call: Callable[..., T], *args: Any, **options: Any) -> T:
        """Make a call that may wait; ``text`` is as for ``admit``.

        If it is interrupted by Ctrl-C the connection stays ``running``, and so is closed when it comes back.
        """
        if self.leased and self.noted:
            self.noted, self.running, self.sent = False, True, text
        else:
            self.admit(text)
        now = monotonic()
        if now - self.heard > self.rest:
            self.hear_out()
        self.heard = now
        watched = Watched(self.wire, self.until, now + self.silence)
        try:
            try:
                watchdog.enter(watched)
                answer = call(*args, **options)
            finally:
                if watchdog.leave(watched):
                    self.overran = self.marked = True
        except Exception as error:
            if watched.struck:
                raise self._struck(watched) from None
            if self.overran:  # in an earlier call, whose rows had come already
                raise overran() from None
            self.failed(error)
            raise
        except BaseException:
            self.tell(self)
            raise
        self.running = False
        return answer

    def _struck(self, watched: Watched) -> Exception:
        if watched.until < INFINITY:
            self.tell(self)
            return overran()
        self.overran = False  # it was the server's doing
        return self.unanswered(
            "the server sent nothing for long and does not answer, so its connection was closed"
        )

    def hear_out(self) -> None:
        """Read what the server sent unasked."""

    @abstractmethod
    def unanswered(self, text: str) -> Exception:
        """The library's error for a connection that is lost."""

    @abstractmethod
    def failed(self, error: Exception) -> None:
        """A call has met an error: see what it means, and whether its reply has been read to the end."""


def peer_of(fd: int, tcp_timeout: float | None) -> tuple[str, int] | str:
    """The other end of a socket: host and port by number, or the path of a Unix socket.

    Args:
        fd: the socket's descriptor, which stays the library's.
        tcp_timeout: have the kernel give up on a peer that is silent for so long; None to leave that as it is.
    """
    with socket.socket(fileno=os.dup(fd)) as twin:
        if tcp_timeout is not None:
            keep_alive(twin, tcp_timeout)
        peer = twin.getpeername()
    return peer if isinstance(peer, str) else (peer[0], peer[1])
