"""What a socket tells about its connection without a round trip."""

from __future__ import annotations

import os
import select
from collections.abc import Callable

from .base import Sight

__all__ = ["orphan", "own_port", "sight", "shut", "watch"]

_HANG_UP = getattr(select, "POLLRDHUP", 0)
_GONE = select.POLLHUP | select.POLLERR | select.POLLNVAL | _HANG_UP


def watch(fd: int) -> Callable[[int], list[tuple[int, int]]]:
    """What to call with 0 to look at a descriptor: half a microsecond, and a black hole stays unseen.

    ``sight`` reads the answer.
    """
    poll = select.poll()
    poll.register(fd, select.POLLIN | _HANG_UP)
    return poll.poll


def sight(events: list[tuple[int, int]]) -> Sight:
    """What the answer to a look means."""
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


def own_port(fd: int) -> int:
    """The port at this end of a TCP connection, by which its server knows it; 0 for a Unix socket."""
    import socket

    with socket.socket(fileno=os.dup(fd)) as twin:
        name = twin.getsockname()
    return name[1] if isinstance(name, tuple) else 0


def shut(fd: int) -> None:
    """Shut a socket down for both directions; whoever waits on it wakes with an error."""
    import socket

    try:
        with socket.socket(fileno=os.dup(fd)) as twin:
            twin.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
