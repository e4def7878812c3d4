"""Every error thawpool raises, as one small tree.

    PoolError
    ├── Unavailable            no usable connection: the caller may answer 5xx and try again later
    │   ├── PoolTimeout        the budget ran out; ``phase`` says where (also a TimeoutError)
    │   ├── PoolSaturated      more than ``max_waiting`` requests already wait
    │   ├── ConnectFailed      the server could not be reached or refused us
    │   ├── ConnectionLost     the connection died under ``query``, ``query_one`` or ``execute``
    │   └── Overloaded         the server has no slot left; ``retry_after`` seconds
    ├── PoolClosed
    ├── LeaseError             returned twice, returned to another pool, used after return
    ├── ParamsError            parameters that do not fit the statement (also ValueError, TypeError)
    └── ConfigError            an option or URL that cannot work (also a ValueError)

The driver's own error, where there is one, is ``__cause__``. Messages say what to do next and never
hold a secret. Errors that the database raises about a statement (a missing table, a unique violation)
are the driver's and pass through untouched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self

__all__ = [
    "ConfigError",
    "ConnectFailed",
    "ConnectionLost",
    "LeaseError",
    "Overloaded",
    "ParamsError",
    "PoolClosed",
    "PoolError",
    "PoolSaturated",
    "PoolTimeout",
    "Unavailable",
]


class PoolError(Exception):
    """Base of every error that thawpool raises."""


class Unavailable(PoolError):
    """No usable connection could be had; nothing is wrong with the caller's code."""

    def bare(self) -> Self:
        """The same error without traceback and cause, which keep alive all that a failed request held."""
        twin = type(self).__new__(type(self), *self.args)
        twin.__dict__.update(self.__dict__)
        return twin


class PoolTimeout(Unavailable, TimeoutError):
    """The time allowed for an operation ran out.

    Attributes:
        phase: where the time went: ``"waiting"`` for a lease to come back, ``"connecting"``,
            ``"checking"`` a connection after a thaw, or ``"budget"``: the statement itself ran into
            the deadline of its ``timeout`` or of the invocation.
        connect_failed: whether the newest attempt to connect had failed. Over HTTP such a timeout is
            "Database connection failed" (500); any other is "Database busy" (503).
    """

    def __init__(self, message: str, *, phase: str, connect_failed: bool = False) -> None:
        super().__init__(message)
        self.phase = phase
        self.connect_failed = connect_failed


class PoolSaturated(Unavailable):
    """``max_waiting`` requests already wait for a connection, so this one fails at once."""


class ConnectFailed(Unavailable):
    """A connection could not be opened. ``__cause__`` is the driver's error.

    Attributes:
        transient: whether a new attempt may succeed: True for a server that refuses, resets, says
            nothing or is starting up, False for a wrong password, an unknown host or a TLS failure.
    """

    def __init__(self, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.transient = transient


class ConnectionLost(Unavailable):
    """The connection died during ``query``, ``query_one`` or ``execute``.

    The statement may or may not have run. Repeat it only if running it twice is harmless; mark it
    ``idempotent=True`` and thawpool does so itself, once.
    """


class Overloaded(Unavailable):
    """The server refused a connection because it has no slot left.

    Attributes:
        retry_after: seconds after which a new attempt is sensible.
    """

    def __init__(self, message: str, *, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class PoolClosed(PoolError):
    """The pool was closed; make a new one."""


class LeaseError(PoolError):
    """A connection was returned twice, returned to a foreign pool, or used after its return."""


class ParamsError(PoolError, ValueError, TypeError):
    """``params`` does not fit the statement: a bare string, or the wrong number or names."""


class ConfigError(PoolError, ValueError):
    """An option, URL or driver choice that cannot work; the message names it and the remedy."""
