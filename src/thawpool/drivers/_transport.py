"""What asyncio does not offer for a transport: keepalives, and an end at once, or without its event loop."""

from __future__ import annotations

import socket
from typing import Any, Final

from ._socket import orphan

__all__ = ["beneath", "cut", "discard", "keep_alive"]

#: uvloop's transports without TLS.
_OF_UVLOOP: Final = ("TCPTransport", "UnixTransport")


def keep_alive(sock: Any, timeout: float) -> None:
    """Have the kernel give up on a TCP peer that is silent for about ``timeout`` seconds.

    Probes find out while the connection is idle. On Linux TCP_USER_TIMEOUT does while something that was
    sent waits to be acknowledged, where the kernel's own patience is a quarter of an hour.
    """
    if sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    seconds = max(1, round(timeout))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", seconds),
        ("TCP_KEEPALIVE", seconds),  # the same on macOS
        ("TCP_KEEPINTVL", max(1, seconds // 3)),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", round(timeout * 1000)),
    ):
        option = getattr(socket, name, None)
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


def beneath(transport: Any) -> Any:
    """The transport without the TLS that may run over it."""
    tls = getattr(transport, "_ssl_protocol", None)  # asked for directly; uvloop does not show it
    return transport if tls is None else tls._transport


def cut(wire: Any) -> None:
    """Abort a transport, and close its socket now: its loop would at its next turn.

    uvloop does not let go of a descriptor, so that gets another meaning. That is safe while libuv watches
    it for nothing, which is so after the abort if nothing waits to be written.
    """
    wire.abort()
    sock = getattr(wire, "_sock", None)
    if sock is not None:
        sock.close()
    elif type(wire).__name__ in _OF_UVLOOP and not wire.get_write_buffer_size():
        sock = wire.get_extra_info("socket")
        if sock is not None:
            orphan(sock.fileno())


def discard(wire: Any, transport: Any) -> None:
    """Close a transport's descriptor behind the back of its event loop, which is closed or another process's.

    ``abort()`` would ask the loop to do it. So asyncio's transports, which keep their socket in ``_sock``,
    lose it here, and with it the wish to complain when they are collected; so does the one for TLS over it.
    uvloop closes the descriptors of a loop with the loop.
    """
    sock = getattr(wire, "_sock", None)
    if sock is not None:
        wire._sock = None
        sock.close()
        if transport is not wire:
            transport._closed = True
