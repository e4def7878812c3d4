"""One connection through the fault proxy: two sockets, and what waits to be written to each."""

from __future__ import annotations

import select
import socket
import struct
from collections import deque

__all__ = ["Link", "Side"]

_CHUNK = 65_536
#: A side that lags this many chunks behind is given no more: TCP then slows the sender down.
_BEHIND = 64
_FIN = b""


class Side:
    """A socket, what waits to be written to it and when, and how far its two directions have ended."""

    __slots__ = ("connected", "ended", "link", "peer", "queue", "shut", "sock")

    link: Link
    peer: Side

    def __init__(self, sock: socket.socket, *, connected: bool) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self.connected = connected
        self.queue: deque[tuple[float, bytes]] = deque()
        self.ended = False  # it has sent its FIN
        self.shut = False  # it was sent ours

    def interest(self, now: float) -> int:
        """The poll events that can be acted upon."""
        if not self.connected:
            return select.POLLOUT
        readable = not self.ended and len(self.peer.queue) < _BEHIND
        writable = bool(self.queue) and self.queue[0][0] <= now
        return (select.POLLIN if readable else 0) | (select.POLLOUT if writable else 0)

    def receive(self, due: float) -> bytes:
        """Read what has come and queue it for the other side, to be written at ``due``."""
        data = self.sock.recv(_CHUNK)
        self.ended = not data
        self.peer.queue.append((due, data))
        return data

    def flush(self, now: float) -> None:
        """Write what is due, as far as the socket takes it."""
        if not self.connected and (error := self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)):
            raise OSError(error, "the target cannot be reached")
        self.connected = True
        while self.queue and self.queue[0][0] <= now:
            due, data = self.queue.popleft()
            if data == _FIN:
                self.sock.shutdown(socket.SHUT_WR)
                self.shut = True
                continue
            try:
                written = self.sock.send(data)
            except BlockingIOError:
                written = 0
            if written < len(data):
                self.queue.appendleft((due, data[written:]))
                return

    def finish(self) -> None:
        """Close with a FIN. Unread bytes are read first: with them, closing would send an RST."""
        try:
            while self.sock.recv(_CHUNK):
                pass
        except OSError:
            pass
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()

    def abort(self) -> None:
        """Close with an RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


class Link:
    """A client's connection, and the one to the target unless silence was ordered before it was made."""

    def __init__(self, client: socket.socket, sent: bytearray) -> None:
        self.client = Side(client, connected=True)
        self.client.link = self
        self.server: Side | None = None
        #: What the client sent, when that is recorded.
        self.sent = sent

    @property
    def sides(self) -> tuple[Side, ...]:
        return (self.client,) if self.server is None else (self.client, self.server)

    def connect(self, target: tuple[str, int]) -> None:
        """Begin to connect to the target; that it cannot be reached shows at the first ``flush``."""
        server = self.server = Side(socket.socket(), connected=False)
        server.link = self
        server.peer, self.client.peer = self.client, server
        server.sock.connect_ex(target)

    @property
    def over(self) -> bool:
        """Whether both sides have ended and know it of each other."""
        return all(side.ended and side.shut for side in self.sides)

    def finish(self) -> None:
        for side in self.sides:
            side.finish()

    def abort(self) -> None:
        for side in self.sides:
            side.abort()
