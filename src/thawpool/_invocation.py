"""An invocation: one request of a serverless function, with its deadline.

Several may overlap in one instance. When the last one ends, the instance may be frozen at any instant, so that is when
the pool lies down: what should not sleep is closed, and nothing of ours is left running. What is still under way then,
a dial or a lease, is waited for where that holds up no response.
"""

from __future__ import annotations

from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any, final

from ._core.policy import budget
from ._flows import settle
from .errors import ConfigError, PoolError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._base import PoolBase

__all__ = ["Invocation", "deadline", "remaining_of"]

#: The monotonic time at which the invocation that runs in this context must have its answer.
deadline: ContextVar[float] = ContextVar("thawpool_deadline", default=float("inf"))


@final
class Invocation:
    """What ``pool.invocation()`` answers: a context manager for ``with`` and ``async with``."""

    __slots__ = ("_pool", "_remaining", "_token", "_until")

    _token: Token[float]
    _until: float

    def __init__(self, pool: PoolBase, remaining: float | Callable[[], float] | None) -> None:
        self._pool = pool
        self._remaining = remaining

    def __enter__(self) -> None:
        pool = self._pool
        if self in pool._invocations:
            raise PoolError("this invocation runs already: call pool.invocation() for each request")
        left = self._remaining
        if left is None:
            left = pool._config.platform.remaining()
        elif callable(left):
            left = left()
        if left is not None and (type(left) not in (int, float) or left != left):
            raise ConfigError(
                f"remaining={left!r}: give the seconds that are left, a function that tells them, or None"
            )
        end = deadline.get()
        if left is not None:
            end = min(end, pool._mono() + budget(left))
        self._until = end
        self._token = deadline.set(end)
        pool._invocations.add(self)
        if not pool._marks:
            pool._mark_from_now_on()

    def __exit__(self, *exc: object) -> None:
        if self._was_last() and not self._left_to_platform():
            pool: Any = self._pool
            try:
                if self._owes() and not pool._is_async:
                    pool._run(settle(pool, self._patience(), leases=False))
            finally:
                pool._lie_down()

    async def __aenter__(self) -> None:
        self.__enter__()

    async def __aexit__(self, kind: object = None, error: object = None, traceback: object = None) -> None:
        if self._was_last() and not self._left_to_platform():
            if kind is None:
                await self._settle()
            else:  # somebody waits to hear of it, as whoever answers for the framework
                self._pool._lie_down()

    def _was_last(self) -> bool:
        """End it. Returns whether no other runs."""
        pool = self._pool
        try:
            deadline.reset(self._token)
        except ValueError:
            pass  # another context, as of a response that another thread closes: the deadline was never set in it
        pool._invocations.discard(self)
        return not pool._invocations

    # -- what is under way at the last end -------------------------------------------------------

    def _owes(self) -> bool:
        """Whether a freeze would catch something under way."""
        return self._pool._config.platform.freezes and self._pool._owes()

    def _patience(self) -> float:
        """Until when they are waited for: no longer than anybody waits for a connection, nor than this request had."""
        return min(self._pool._mono() + self._pool._config.timeout, self._until)

    def _left_to_platform(self) -> bool:
        """Whether the platform waits for what is under way, after the response."""
        return self._owes() and self._pool._config.platform.after_response(self._settle)

    async def _settle(self) -> None:
        """Wait for what is under way, and lie down unless another invocation has begun."""
        pool: Any = self._pool
        try:
            if self._owes():
                flow = settle(pool, self._patience())
                if pool._is_async:
                    await pool._run_here(flow)
                else:
                    from asyncio import to_thread

                    await to_thread(pool._run, flow)
        finally:
            pool._lie_down()


def remaining_of(args: tuple[Any, ...]) -> Callable[[], float] | None:
    """How a handler's arguments tell the seconds that are left, if one of them does, as AWS Lambda's context."""
    for argument in args:
        milliseconds = getattr(argument, "get_remaining_time_in_millis", None)
        if milliseconds is not None:
            return lambda: milliseconds() / 1000.0
    return None
