"""What a socket tells about its connection without a round trip."""

from __future__ import annotations

import os
import select

from .base import Sight

__all__ = ["look", "orphan", "shut"]

_GONE = select.POLLHUP | select.POLLERR | select.POLLNVAL | getattr(select, "POLLRDHUP", 0)


def look(fd: int) -> Sight:
    """Look at a descriptor. Half a microsecond; a black hole stays unseen."""
    if fd < 0:
        return Sight.GONE
    poll = select.poll()
    poll.register(fd, select.POLLIN | getattr(select, "POLLRDHUP", 0))
    events = poll.poll(0)
    if not events:
        return Sight.QUIET
    return Sight.GONE if events[0][1] & _GONE else Sight.READABLE


def orphan(fd: int) -> None:
    """Put ``/dev/null`` in a descriptor's place.

    A child of ``fork`` shares the parent's sockets. Whatever the library does to this descriptor
    afterwards, a goodbye included, no longer reaches the parent's server; and because the number stays
    taken until the library closes it, it cannot hit another file either.
    """
    try:
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        os.dup2(null, fd, inheritable=False)
        os.close(null)
    except OSError:
        pass


def shut(fd: int) -> None:
    """Shut a socket down for both directions; whoever waits on it wakes with an error."""
    import socket

    try:
        with socket.socket(fileno=os.dup(fd)) as twin:
            twin.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
