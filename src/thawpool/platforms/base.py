"""What a pool needs to know of a platform."""

# Annotations are not postponed here: a NamedTuple compiles each that is, which a cold start would pay for.
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

__all__ = ["Platform"]


class Platform(NamedTuple):
    """Facts about a platform, and the signals that it gives to a request. One that gives some is a subclass.

    Attributes:
        name: ``cloud.platform`` in OpenTelemetry's words, ``"vercel"``, or ``"local"``.
        freezes: whether the process is stopped, or gets no CPU, between requests. Timers and threads
            then do not run, so only the server can end an idle session.
        longest_request: seconds after which the platform ends any request; None where nothing does.
        keep: the default of the option ``keep``: how many idle connections may sleep; None for all.
    """

    name: str
    freezes: bool
    longest_request: float | None
    keep: int | None = None

    def remaining(self) -> float | None:
        """Seconds that the request has left in whose context this is called; None where nobody says."""
        return None

    def after_response(self, work: Callable[[], Coroutine[Any, Any, None]]) -> bool:
        """Have ``work()`` awaited after the response of the request in whose context this is called.

        The platform does not freeze the instance before that has ended. False where there is no such
        promise; ``work`` is then not called.
        """
        return False
