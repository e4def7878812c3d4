"""A TCP proxy that breaks the network on command, between a pool and a real server.

```python
with Postgres() as server, FaultProxy("127.0.0.1", server.port) as proxy:
    pool = Pool(proxy.url(server.url()))
    proxy.blackhole()    # from here on, nothing passes and nobody is told
```

One thread moves the bytes and obeys. A command has taken effect when it returns: bytes that a client had
sent before it are through and counted, later ones are not. So a test needs no sleep on either side of it.
"""

from __future__ import annotations

import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Self, TypeVar
from urllib.parse import urlsplit

from ._home import free_port
from ._link import Link, Side

__all__ = ["FaultProxy"]

_T = TypeVar("_T")


#: How many looks, a millisecond apart, must find nothing before all counts as arrived.
QUIET = 3


class FaultProxy:
    """Listens on 127.0.0.1 and forwards each connection to a target, until told otherwise.

    The faults combine; ``resume()`` ends them all. Everything is safe to call from any thread.

    Args:
        target_host: where to forward to.
        target_port: its port.
        record: keep what the clients send, for ``sent`` and ``conversations``.
    """

    def __init__(self, target_host: str, target_port: int, *, record: bool = False) -> None:
        self._target = (target_host, target_port)
        self._record = record
        self._links: list[Link] = []
        self._hold_open = self._hold_new = False
        self._delay = 0.0
        self._zero()
        self._port = free_port()
        self._listener: socket.socket | None = _listen(self._port)
        self._orders: deque[Callable[[], None]] = deque()
        self._order_lock = threading.RLock()
        self._open = True
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="fault-proxy", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def port(self) -> int:
        """The port it listens on, the same for its whole life."""
        return self._port

    def url(self, base_url: str) -> str:
        """``base_url`` with the proxy's host and port in place of the server's."""
        parts = urlsplit(base_url)
        credentials, at, _ = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{credentials}{at}127.0.0.1:{self._port}").geturl()

    # What has passed

    @property
    def connections(self) -> int:
        """How many connections are open now."""
        return self._order(lambda: len(self._links))

    @property
    def accepted(self) -> int:
        """How many connections were accepted."""
        return self._order(lambda: self._accepted)

    @property
    def bytes_up(self) -> int:
        """How many bytes clients sent."""
        return self._order(lambda: self._bytes_up)

    @property
    def bytes_down(self) -> int:
        """How many bytes the server sent."""
        return self._order(lambda: self._bytes_down)

    @property
    def chunks_up(self) -> int:
        """How often clients sent: each request that waits for its reply counts as one."""
        return self._order(lambda: self._chunks_up)

    @property
    def sent(self) -> bytes:
        """All that clients sent, in the order of arrival; empty without ``record``."""
        return self._order(lambda: bytes(self._sent))

    @property
    def conversations(self) -> list[bytes]:
        """What clients sent, one entry per connection in the order of their acceptance, with ``record``."""
        return self._order(lambda: [bytes(sent) for sent in self._conversations])

    def clear(self) -> None:
        """Set every total to zero and forget what was recorded; open connections go on."""
        self._order(self._zero)

    # The faults

    def cut(self) -> None:
        """End every open connection in good order: a FIN to both sides."""
        self._order(lambda: self._end(Link.finish))

    def reset(self) -> None:
        """Break every open connection off: an RST to both sides."""
        self._order(lambda: self._end(Link.abort))

    def blackhole(self) -> None:
        """Forward nothing either way, on open and on new connections, and keep all sockets open."""
        self._order(lambda: self._set(hold_open=True, hold_new=True))

    def accept_silently(self) -> None:
        """Accept new connections and say nothing; those that are open go on."""
        self._order(lambda: self._set(hold_new=True))

    def refuse(self) -> None:
        """Refuse new connections (ECONNREFUSED); those that are open go on."""
        self._order(self._stop_listening)

    def slow(self, delay: float) -> None:
        """Hold back what is sent from now on by ``delay`` seconds each way: twice that per round trip."""
        self._order(lambda: self._set(delay=delay))

    def resume(self) -> None:
        """End every fault: what was held is delivered, late, as after an outage of the network."""
        self._order(self._resume)

    def close(self) -> None:
        """Stop listening, end every connection and the thread. Safe to call again."""
        self._order(self._shut)
        self._thread.join()

    # Below: only the proxy's thread, but for _order

    def _order(self, action: Callable[[], _T]) -> _T:
        """Have the proxy's thread carry ``action`` out, and return its result."""
        result: Future[_T] = Future()

        def carry_out() -> None:
            try:
                result.set_result(action())
            except Exception as error:
                result.set_exception(error)

        with self._order_lock:
            if not self._open:
                return action()  # the thread has ended: nothing to race with
            self._orders.append(carry_out)
            self._wake_writer.send(b"!")
        return result.result()

    def _run(self) -> None:
        while self._open:
            self._move(self._patience())
            if self._orders:
                self._catch_up()
                self._wake_reader.recv(1)
                self._orders.popleft()()
        self._wake_reader.close()
        self._wake_writer.close()

    def _catch_up(self) -> None:
        """Move what was sent before an order was given; a stream that never pauses must not starve the order.

        A busy kernel delivers on loopback a moment after ``send`` returns, so one quiet look is not enough.
        """
        quiet = 0
        for _ in range(256):
            if self._move(0.0):
                quiet = 0
            elif (quiet := quiet + 1) > QUIET:
                return
            else:
                time.sleep(0.001)

    def _patience(self) -> float | None:
        """How long until the next held-back chunk is due, in seconds; None when there is none."""
        due = [side.queue[0][0] for side in self._active() if side.queue]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _active(self) -> list[Side]:
        links = () if self._hold_open else self._links
        return [side for link in links if link.server is not None for side in link.sides]

    def _move(self, timeout: float | None) -> bool:
        """Wait for something that can move, and move it. Returns whether anything did."""
        now = time.monotonic()
        poll = select.poll()
        sides = {side.sock.fileno(): side for side in self._active()}
        for fd, side in sides.items():
            if interest := side.interest(now):
                poll.register(fd, interest)
        if self._listener is not None:
            poll.register(self._listener, select.POLLIN)
        poll.register(self._wake_reader, select.POLLIN)
        ready = poll.poll(None if timeout is None else timeout * 1000)
        now = time.monotonic()
        moved = False
        for fd, events in ready:
            if fd == self._wake_reader.fileno():
                continue
            moved = True
            if fd in sides:
                self._carry(sides[fd], events, now)
            else:
                self._accept()
        return moved

    def _carry(self, side: Side, events: int, now: float) -> None:
        link = side.link
        if link not in self._links:
            return  # its other side has just failed
        try:
            if events & ~select.POLLOUT and side.connected:
                self._count(side, side.receive(now + self._delay))
            for end in link.sides:
                if end.connected or end is side:
                    end.flush(now)
        except OSError:
            link.abort()
            self._links.remove(link)
            return
        if link.over:
            link.finish()
            self._links.remove(link)

    def _count(self, side: Side, data: bytes) -> None:
        if side is not side.link.client:
            self._bytes_down += len(data)
        elif data:
            self._bytes_up += len(data)
            self._chunks_up += 1
            if self._record:
                self._sent += data
                side.link.sent += data

    def _accept(self) -> None:
        assert self._listener is not None
        try:
            client, _ = self._listener.accept()
        except OSError:
            return  # the client has gone before it was accepted
        link = Link(client, bytearray())
        self._accepted += 1
        self._links.append(link)
        self._conversations.append(link.sent)
        if not self._hold_new:
            link.connect(self._target)

    def _set(self, *, hold_open: bool = False, hold_new: bool = False, delay: float | None = None) -> None:
        self._hold_open |= hold_open
        self._hold_new |= hold_new
        self._delay = self._delay if delay is None else delay

    def _resume(self) -> None:
        self._hold_open = self._hold_new = False
        self._delay = 0.0
        if self._listener is None:
            self._listener = _listen(self._port)
        for link in self._links:
            if link.server is None:
                link.connect(self._target)
            for side in link.sides:
                side.queue = deque((0.0, data) for _, data in side.queue)

    def _end(self, how: Callable[[Link], None]) -> None:
        for link in self._links:
            how(link)
        self._links.clear()

    def _stop_listening(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _shut(self) -> None:
        with self._order_lock:
            self._open = False
        self._stop_listening()
        self._end(Link.finish)
        while self._orders:
            self._orders.popleft()()

    def _zero(self) -> None:
        self._accepted = self._bytes_up = self._bytes_down = self._chunks_up = 0
        self._sent = bytearray()
        self._conversations: list[bytearray] = []
        for link in self._links:
            link.sent = bytearray()
            self._conversations.append(link.sent)


def _listen(port: int) -> socket.socket:
    listener = socket.create_server(("127.0.0.1", port), backlog=512)
    listener.setblocking(False)
    return listener
