"""An address that drops every packet of a new connection, as a firewall does: connecting hangs."""

from __future__ import annotations

import select
import socket
from typing import Self

__all__ = ["FullBacklog"]


class FullBacklog:
    """A listening socket that never accepts and whose queue is full.

    The kernel then ignores a SYN, neither completing the connection nor refusing it; the client repeats
    it after 1, 3, 7 ... seconds, in vain. Nothing of it depends on the network or needs privileges.
    """

    def __init__(self) -> None:
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(0)
        self.host, self.port = self._listener.getsockname()
        self._fillers: list[socket.socket] = []
        while self._fill():
            assert len(self._fillers) < 1000, "this system's backlog does not fill"

    def _fill(self) -> bool:
        """Open one more connection; false when it no longer completes: the queue is full."""
        filler = socket.socket()
        self._fillers.append(filler)
        filler.setblocking(False)
        filler.connect_ex((self.host, self.port))
        poll = select.poll()
        poll.register(filler, select.POLLOUT)
        return bool(poll.poll(50))  # on loopback a connection completes within the call that begins it

    def url(self, user: str = "postgres", database: str = "postgres") -> str:
        return f"postgresql://{user}@{self.host}:{self.port}/{database}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        for sock in (*self._fillers, self._listener):
            sock.close()
