"""What an error of the pool is over HTTP: the one table by which every integration answers."""

# Annotations are not postponed here: a NamedTuple compiles each that is, which a cold start would pay for.
from math import ceil
from typing import NamedTuple

from thawpool.errors import ConnectFailed, ConnectionLost, Overloaded, PoolSaturated, PoolTimeout

__all__ = ["Answer", "answer", "log"]


class Answer(NamedTuple):
    """What the client is told: nothing of the error itself, which belongs in the log."""

    status: int
    #: To be sent as JSON.
    body: dict[str, str]
    #: Beside those that describe the body.
    headers: dict[str, str]


def answer(error: BaseException) -> Answer | None:
    """The answer to a request that failed with ``error``; None if that is for the framework to answer.

    ==============================================  ====================================================
    ConnectFailed, ConnectionLost,                  500 ``{"error": "Database connection failed"}``
    a PoolTimeout whose last dial failed
    Overloaded, PoolSaturated, any other            503 ``{"error": "Database busy"}``, with Retry-After
    PoolTimeout
    a group of nothing but these                    its first 500, or else its first
    ==============================================  ====================================================

    Everything else is a mistake in the code, its SQL or its settings (a missing table, a pool that was closed,
    no ``DATABASE_URL``): trying again does not help, and the framework's own 500 shows it to its owner.
    """
    if isinstance(error, BaseExceptionGroup):
        answers = [answer(each) for each in error.exceptions]
        known = [each for each in answers if each is not None]
        return min(known, key=lambda each: each.status) if len(known) == len(answers) else None
    away = isinstance(error, PoolTimeout) and error.connect_failed
    if away or isinstance(error, ConnectFailed | ConnectionLost):
        return Answer(500, {"error": "Database connection failed"}, {})
    if isinstance(error, Overloaded | PoolSaturated | PoolTimeout):
        seconds = error.retry_after if isinstance(error, Overloaded) else 1.0
        return Answer(503, {"error": "Database busy"}, {"Retry-After": str(max(1, ceil(seconds)))})
    return None


def log(said: Answer, error: BaseException) -> None:
    """Write to the log ``thawpool`` why this was answered: a 500 as an error, a 503 as a warning."""
    import logging

    level = logging.ERROR if said.status == 500 else logging.WARNING
    logging.getLogger("thawpool").log(
        level, "a request was answered with %d, %s", said.status, said.body["error"], exc_info=error
    )
