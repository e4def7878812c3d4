"""An invocation: one request of a serverless function, with its deadline.

Several may overlap in one instance. When the last one ends, the instance may be frozen at any instant,
so that is when the pool decides what sleeps.
"""

from __future__ import annotations

from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any, final

from . import _explain
from ._core.policy import budget
from ._core.slot import LEASED
from .errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._base import PoolBase

__all__ = ["Invocation", "deadline", "remaining_of"]

#: The monotonic time at which the invocation that runs in this context must have its answer.
deadline: ContextVar[float] = ContextVar("thawpool_deadline", default=float("inf"))


@final
class Invocation:
    """What ``pool.invocation()`` answers. It never waits, so one ``with`` serves sync and async code."""

    __slots__ = ("_pool", "_remaining", "_token")

    _token: Token[float]

    def __init__(self, pool: PoolBase, remaining: float | Callable[[], float] | None) -> None:
        self._pool = pool
        self._remaining = remaining

    def __enter__(self) -> None:
        pool, left = self._pool, self._remaining
        if callable(left):
            left = left()
        if left is not None and (type(left) not in (int, float) or left != left):
            raise ConfigError(
                f"remaining={left!r}: give the seconds that are left, a function that tells them, or None"
            )
        end = deadline.get()
        self._token = deadline.set(end if left is None else min(end, pool._mono() + budget(left)))
        pool._invocations.add(self)
        pool._marks = True

    def __exit__(self, *exc: object) -> None:
        pool = self._pool
        deadline.reset(self._token)
        pool._invocations.discard(self)
        if not pool._invocations:
            pool._marks = pool._config.debug
            self._put_to_bed()

    def _put_to_bed(self) -> None:
        """Report what is still out, and close what should not sleep."""
        pool = self._pool
        out = [slot for slot in tuple(pool._state.slots) if slot.state is LEASED]
        if out:
            _explain.still_out(pool.name, len(out), [slot.where for slot in out if slot.where])
        driver, keep = pool._driver, pool._config.keep
        if driver is not None and not driver.cleans_up():
            pool._trim(0)
        elif keep is not None:
            pool._trim(max(keep, pool._config.min_size))


def remaining_of(args: tuple[Any, ...]) -> Callable[[], float] | None:
    """How a handler's arguments tell the seconds that are left, if one of them does, as AWS Lambda's context."""
    for argument in args:
        milliseconds = getattr(argument, "get_remaining_time_in_millis", None)
        if milliseconds is not None:
            return lambda: milliseconds() / 1000.0
    return None
