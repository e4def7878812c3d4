"""The network between a pool and PostgreSQL, which breaks on command and remembers whose statement that broke.

Each statement carries a mark of its request. It is in flight from when its text has come here until the server is
ready for another one outside of a transaction. Whatever is in flight on a connection at its end may be lost with it: by
this truth the failures of requests are judged, not by what the pool says of them.
"""

from __future__ import annotations

import re
import select
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from thawpool.testing._link import Link, Side
from thawpool.testing.proxy import FaultProxy

__all__ = ["Loss", "Unheard", "Wire", "mark"]

_MARK = re.compile(rb"request-(\d+)\.")
_READY = ord("Z")
_ERROR = ord("E")
_OUTSIDE = b"I"
#: The end of a connection may overtake what was passed on so shortly before, in seconds: a reset throws away what the
#: client has not read.
_UNREAD = 0.05


def mark(number: int) -> str:
    """The text by which the statements of a request are known."""
    return f"request-{number}."


class Loss(NamedTuple):
    """The end of a connection of which its client is not the cause.

    Attributes:
        when: as ``time.monotonic()``.
        marks: the requests whose statements were in flight; none if it was idle, or at a BEGIN, or half way.
        unread: those whose answers had only just been passed on.
    """

    when: float
    marks: frozenset[int]
    unread: frozenset[int]


class Unheard(NamedTuple):
    """A message into a connection that the network had forgotten.

    Attributes:
        when: as ``time.monotonic()``.
        marks: the request whose statement it was; none if it was a BEGIN, or the first half of a statement.
        idle: how long the connection had lain idle.
    """

    when: float
    marks: frozenset[int]
    idle: float


class Talk:
    """What was said on one connection, as far as it matters."""

    def __init__(self) -> None:
        self.in_flight: set[int] = set()
        #: Requests whose answers were passed on last, and when these arrive.
        self.answered: dict[int, float] = {}
        #: When an answer was last passed on, by the wall clock of the client.
        self.last_answer = 0.0
        self.served = False
        self.dismissed = False
        self.client_left = False
        self.lost = False
        self._rest = b""

    def up(self, data: bytes) -> None:
        self.in_flight |= {int(number) for number in _MARK.findall(data)}
        self.client_left |= not data

    def down(self, data: bytes, due: float, wall: float) -> None:
        if data in (b"N", b"S"):
            return  # a word about encryption, which is no message
        data = self._rest + data
        while len(data) >= 5:
            length = 1 + struct.unpack_from("!I", data, 1)[0]
            if len(data) < length:
                break
            if data[0] == _READY:
                self.last_answer = wall
                if data[5:6] == _OUTSIDE:
                    self.served |= bool(self.in_flight)
                    self.answered = dict.fromkeys(self.in_flight, due)
                    self.in_flight = set()
            elif data[0] == _ERROR and b"FATAL\0" in data[:length]:
                self.dismissed = True
            data = data[length:]
        self._rest = data

    def unread(self, now: float) -> frozenset[int]:
        return frozenset(number for number, due in self.answered.items() if due > now - _UNREAD)


class Wire(FaultProxy):
    """A fault proxy whose clients send marked statements to PostgreSQL."""

    def __init__(self, port: int) -> None:
        #: The seconds that have passed for the clients beyond those that ``time.monotonic()`` counts.
        self.shift = 0.0
        self._talks: dict[Link, Talk] = {}
        self._forgotten: set[Link] = set()
        #: The client's port of each connection that there was, by the port that the server sees.
        self.ports: dict[int, int] = {}
        self.losses: list[Loss] = []
        #: What went into connections that were forgotten before.
        self.into_silence: list[Unheard] = []
        super().__init__("127.0.0.1", port)

    def forget(self, most: int | None = None) -> None:
        """Forward nothing more on connections that have served before, on all or so many, and tell nobody."""
        self._order(lambda: self._forget(most))

    def close(self) -> None:
        super().close()
        for link in self._forgotten:
            link.finish()

    # -- in the proxy's thread -------------------------------------------------------------------

    def _forget(self, most: int | None) -> None:
        for link in [link for link in self._links if self._talk(link).served][:most]:
            self._links.remove(link)
            self._forgotten.add(link)
            link.client.queue.clear()
            self._lose(link)

    def _active(self) -> list[Side]:
        return [*super()._active(), *(link.client for link in self._forgotten)]

    def _carry(self, side: Side, events: int, now: float) -> None:
        link = side.link
        if link in self._forgotten:
            self._overhear(link)
            return
        super()._carry(side, events, now)
        if link not in self._links:
            reset_by_client = side is link.client and events & (select.POLLHUP | select.POLLERR)
            if not reset_by_client:
                self._lose(link)

    def _overhear(self, link: Link) -> None:
        """Read what is sent into silence."""
        try:
            data = link.client.receive(0.0)
        except OSError:
            link.client.ended = True
            return
        idle = time.monotonic() + self.shift - self._talk(link).last_answer
        if data:
            marks = frozenset(int(number) for number in _MARK.findall(data))
            self.into_silence.append(Unheard(time.monotonic(), marks, idle))

    def _count(self, side: Side, data: bytes) -> None:
        super()._count(side, data)
        talk = self._talk(side.link)
        if side is side.link.client:
            talk.up(data)
        else:
            now = time.monotonic()
            talk.down(data, now + self._delay, now + self.shift)
            if talk.dismissed or not data:
                self._lose(side.link)

    def _talk(self, link: Link) -> Talk:
        return self._talks.setdefault(link, Talk())

    def _lose(self, link: Link) -> None:
        """Note the end of a connection that was ever ready, unless its client wanted it or it was noted before."""
        talk = self._talk(link)
        if talk.last_answer and not talk.client_left and not talk.lost:
            talk.lost = True
            now = time.monotonic()
            self.losses.append(Loss(now, frozenset(talk.in_flight), talk.unread(now)))

    def _end(self, how: Callable[[Link], None]) -> None:
        for link in self._links:
            self._lose(link)
        super()._end(how)

    def _accept(self) -> None:
        super()._accept()
        self._note_ports()

    def _resume(self) -> None:
        super()._resume()
        self._note_ports()

    def _note_ports(self) -> None:
        for link in self._links:
            if link.server is not None:
                with suppress(OSError):  # one of them has gone already
                    self.ports[link.server.sock.getsockname()[1]] = link.client.sock.getpeername()[1]
