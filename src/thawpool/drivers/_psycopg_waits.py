"""How long a wait of psycopg's may last. Its waits are generators, which its waiting functions resume now and then."""

from __future__ import annotations

from collections.abc import Callable, Generator
from time import monotonic
from typing import Any, Final, TypeVar

__all__ = ["INTERVAL", "Expired", "Silent", "bounded", "patient", "slice_of"]

T = TypeVar("T")
#: How often a wait looks at its deadline and lets Ctrl-C through, as psycopg itself does.
INTERVAL: Final = 0.1


class Expired(Exception):
    """The deadline of a wait came before its end."""


def bounded(gen: Generator[Any, Any, T], until: float) -> Generator[Any, Any, T]:
    """``gen``, ended by ``Expired`` at ``until``: the waiting functions resume it every ``INTERVAL``.

    The time is looked at whether data came or not, since a reply may trickle or never end.
    """
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if monotonic() >= until:
                raise Expired
            wanted = gen.send(ready)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        gen.close()


class Silent(Exception):
    """A statement without a deadline has heard nothing of its server for long."""


def patient(gen: Generator[Any, Any, T], silence: float, ask: Callable[[], bool]) -> Generator[Any, Any, T]:
    """``gen``, ended by ``Silent`` when nothing comes for ``silence`` seconds and ``ask`` says that nobody is there."""
    try:
        wanted = next(gen)
        heard = monotonic()
        while True:
            ready = yield wanted
            if ready:
                heard = monotonic()
            elif monotonic() - heard >= silence:
                if not ask():
                    raise Silent
                heard = monotonic()
            wanted = gen.send(ready)
    except StopIteration as stop:
        result: T = stop.value
        return result


def slice_of(until: float) -> float:
    """How long a wait may sleep before it must look at its deadline."""
    left = max(0.001, until - monotonic())
    return left / max(1, round(left / INTERVAL))  # so that a slice ends at the deadline
