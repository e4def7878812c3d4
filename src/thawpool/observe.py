"""What a pool tells an observer, after the fact and outside of its lock."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Observer"]


class Observer(Protocol):
    """Receives a pool's events, in order. An exception in it is logged and goes no further.

    ``flush`` may be left out by an observer that keeps nothing back.

    Nothing is reported on the fast path: a lease of a trusted connection costs no call.
    """

    def opened(self, pool: str) -> None:
        """A connection was opened."""
        ...

    def open_failed(self, pool: str, error: str) -> None:
        """A dial failed; ``error`` is the name of its class."""
        ...

    def retired(self, pool: str, reason: str) -> None:
        """A connection was closed: idle, lifetime, uses, lost, check, condemned, dirty, surplus, ..."""
        ...

    def thawed(self, pool: str, why: str) -> None:
        """Trust was withdrawn from all that was open: a gap, a signal, a fork, a new event loop."""
        ...

    def waited(self, pool: str, seconds: float) -> None:
        """A request was not served on the fast path and waited that long, dialing and checking included."""
        ...

    def flush(self, pool: str) -> None:
        """The last invocation has ended and the instance may be frozen: send now what was gathered."""
        ...
