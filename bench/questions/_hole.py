"""A network that loses what is under way: a proxy that swallows the connections open at one moment.

New connections work, which is what an idle connection meets whose path was forgotten: by a NAT gateway, a load
balancer, a failover. ``thawpool.testing.proxy`` holds all connections or none, so this is one of the bench's own.
"""

from __future__ import annotations

import ctypes
import selectors
import socket
import struct
import sys
import threading
from typing import Self

from ..stage import BenchError

__all__ = ["Hole"]

#: Linux's number for a filter that a socket applies before TCP sees a packet.
SO_ATTACH_FILTER = 26
#: A filter's only instruction: keep nothing of any packet.
DROP_ALL = struct.pack("HBBI", 6, 0, 0, 0)


class Hole:
    """Listens on 127.0.0.1 and forwards to ``target``, a port there."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._listener.getsockname()[1]
        self._peers: dict[socket.socket, socket.socket] = {}
        self._swallowed: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._open = True
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._open = False
        self._thread.join()
        self._listener.close()
        self._selector.close()
        for sock in (*self._peers, *self._swallowed):
            sock.close()

    def swallow(self, *, acknowledged: bool) -> None:
        """From now on nothing passes on what is open.

        Args:
            acknowledged: the kernel still acknowledges what a client sends, as a proxy does that hangs; else
                every packet is dropped.

        Raises:
            BenchError: this system cannot drop packets.
        """
        with self._lock:
            for sock in self._peers:
                if not acknowledged:
                    _drop(sock)
                self._selector.unregister(sock)
            self._swallowed |= self._peers.keys()
            self._peers.clear()

    def _run(self) -> None:
        while self._open:
            for key, _ in self._selector.select(0.1):
                sock = key.fileobj
                assert isinstance(sock, socket.socket)
                with self._lock:
                    if sock is self._listener:
                        self._accept()
                    elif sock in self._peers:
                        self._forward(sock)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        try:
            server = socket.create_connection(("127.0.0.1", self._target))
        except OSError:
            client.close()
            return
        for sock, peer in ((client, server), (server, client)):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._peers[sock] = peer
            self._selector.register(sock, selectors.EVENT_READ)

    def _forward(self, sock: socket.socket) -> None:
        try:
            if data := sock.recv(65_536):
                self._peers[sock].sendall(data)
                return
        except OSError:
            pass  # one side has gone, so the other goes
        for each in (sock, self._peers[sock]):
            self._selector.unregister(each)
            del self._peers[each]
            each.close()


def _drop(sock: socket.socket) -> None:
    if sys.platform != "linux":
        raise BenchError("dropping packets needs Linux")
    program = ctypes.create_string_buffer(DROP_ALL, len(DROP_ALL))
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(program)))
    except PermissionError:
        raise BenchError("dropping packets needs root here") from None
