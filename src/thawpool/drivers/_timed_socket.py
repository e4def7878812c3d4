"""Sockets whose every wait ends at the deadline of their connection, for the pure Python drivers in threads.

A driver reads a reply in many small steps, each with a timeout of its own if any. What a statement may take is one
absolute deadline, so it is kept where all the waiting is done.
"""

from __future__ import annotations

import os
import socket
import ssl
import struct
from collections.abc import Callable
from time import monotonic
from typing import Any, Final

from ._dial import Expired
from ._marks import INFINITY
from ._refusals import overran
from ._transport import keep_alive

__all__ = ["TimedSSLSocket", "TimedSocket", "dial"]

_set_timeout: Final = socket.socket.settimeout


class _Timed(socket.socket):
    """What both kinds share. ``owner`` tells the connection, whose ``until`` is the deadline."""

    owner: Callable[[], Any] = staticmethod(lambda: None)
    _granted: float | None = None

    def settimeout(self, value: float | None) -> None:
        """Do nothing once there is an owner: the library has no say in this.

        Before, it is how a TLS handshake, made while the socket is, takes over what the plain one was granted.
        """
        if self.owner() is None:
            _set_timeout(self, value)

    def _grant(self) -> None:
        """Give the next wait what its statement has left, or as long as silence is no alarm."""
        conn = self.owner()
        if conn is None:
            return
        if conn.until == INFINITY:
            self._granted = conn.silence
            self._patient(conn.silence)
            return
        left = conn.until - monotonic()
        if left <= 0.0:
            self._late()
        self._granted = None
        _set_timeout(self, left)

    def _patient(self, silence: float) -> None:
        """Let waits without a deadline fail after so much silence."""
        _set_timeout(self, silence)

    def _late(self) -> None:
        """A wait took what it was granted: go on if there is no deadline, and the server is still there."""
        conn = self.owner()
        if conn is None or conn.until < INFINITY:
            if conn is not None:
                conn.overran = True
            raise overran()
        try:
            there = conn.answers(conn)
        except Exception:  # as when the password cannot be had: nothing is known
            there = True
        if not there:
            raise ConnectionResetError(
                "the server sent nothing for long and does not answer, so its connection was closed"
            )

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        while True:
            if (conn := self.owner()) is None or conn.until != INFINITY or self._granted != conn.silence:
                self._grant()
            try:
                return super().recv_into(buffer, nbytes, flags)
            except (TimeoutError, BlockingIOError):
                self._late()

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        while True:
            if (conn := self.owner()) is None or conn.until != INFINITY or self._granted != conn.silence:
                self._grant()
            try:
                return super().recv(bufsize, flags)
            except (TimeoutError, BlockingIOError):
                self._late()

    def sendall(self, data: Any, flags: int = 0) -> None:
        while True:
            if (conn := self.owner()) is None or conn.until != INFINITY or self._granted != conn.silence:
                self._grant()
            try:
                sent = super().send(data, flags)
            except (TimeoutError, BlockingIOError):
                self._late()
                continue
            if sent == len(data):
                return
            data = memoryview(data)[sent:]

    def farewell(self, data: bytes) -> None:
        """Send this if it cannot block."""
        try:
            _set_timeout(self, 0.0)
            super().send(data)
        except OSError:
            pass


class TimedSocket(_Timed):
    """A plain socket. Where there is no deadline the kernel minds the silence, at no cost for each wait."""

    _minded = 0.0

    def _patient(self, silence: float) -> None:
        if os.name != "posix":
            super()._patient(silence)
            return
        if self._minded != silence:
            spell = struct.pack("@ll", int(silence), int(silence % 1 * 1_000_000))
            for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                self.setsockopt(socket.SOL_SOCKET, option, spell)
            self._minded = silence
        _set_timeout(self, None)


class TimedSSLSocket(_Timed, ssl.SSLSocket):  # type: ignore[misc]
    """The same under TLS: for ``SSLContext.sslsocket_class``."""


def dial(host: str, port: int, address: str, until: float, tcp_timeout: float) -> TimedSocket:
    """Connect to a server before ``until``.

    Args:
        host: a name or an address, or the path of a Unix socket.
        address: where to find ``host``, if that was looked up.
        tcp_timeout: see the pool's option.

    Raises:
        Expired: it took too long.
        OSError: the network refused.
    """
    where: Any = host if host.startswith(("/", "@")) else (address or host, port)
    unix = isinstance(where, str)
    family = socket.AF_UNIX if unix else socket.AF_INET6 if ":" in where[0] else socket.AF_INET
    sock = TimedSocket(family, socket.SOCK_STREAM)
    try:
        _set_timeout(sock, max(0.001, until - monotonic()))
        sock.connect(where)
        if not unix:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            keep_alive(sock, tcp_timeout)
        return sock
    except TimeoutError:
        sock.close()
        raise Expired from None
    except BaseException:
        sock.close()
        raise
