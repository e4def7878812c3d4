"""What a socket has received and nobody has read yet, for the pure Python drivers in threads."""

from __future__ import annotations

from typing import Any, Final, final

__all__ = ["ReadAhead"]

#: How much is received at a time, in bytes: the least, and the most, as room for it is made anew each time.
LEAST: Final = 65_536
MOST: Final = 1_048_576


@final
class ReadAhead:
    """Reads in large pieces, so that most of what a driver asks for is at hand already.

    Attributes:
        received: what was received last.
        at: where in it the next byte to be read is.
    """

    __slots__ = ("_sock", "at", "received")

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self.received = b""
        self.at = 0

    def have(self, need: int) -> tuple[bytes, int]:
        """Have at least so many bytes at hand. Returns ``received`` and ``at``.

        Raises:
            EOFError: the server hung up.
            OSError: the network failed.
            PoolTimeout: the deadline came.
        """
        pieces = [self.received[self.at :]]
        have = len(pieces[0])
        while have < need:
            piece = self._sock.recv(min(max(need - have, LEAST), MOST))
            if not piece:
                raise EOFError("the server closed the connection unexpectedly")
            pieces.append(piece)
            have += len(piece)
        self.received, self.at = b"".join(pieces), 0
        return self.received, 0

    def read(self, size: int) -> bytes:
        """Exactly so many bytes, by the same errors."""
        received, at = self.have(size)
        self.at = at + size
        return received[at : self.at]
