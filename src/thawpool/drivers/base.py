"""What a pool needs of a database library: a dozen verbs, and no opinion about when to use them.

``Driver`` is for threads, ``AsyncDriver`` for asyncio. The verbs that are the same in both never wait.
An adapter retries nothing, keeps no connection and decides no policy: the pool does. Timeouts are
seconds from now, and an adapter keeps them itself: at the end the socket is closed, not asked.

A connection that an adapter opens is an instance of a subclass of the library's own class, which notes
what was executed and carries three marks for the pool, see ``Leased``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Literal, Protocol, TypeAlias, final

__all__ = ["AsyncDriver", "Common", "Driver", "Leased", "Params", "Row", "Sight", "Verdict"]

Params: TypeAlias = Sequence[object] | Mapping[str, object]
Row: TypeAlias = dict[str, Any]


@final
class Sight(Enum):
    """The answer of a look: what the socket's state tells, without a round trip."""

    QUIET = "quiet"  # nothing to read, nobody hung up: as far as can be seen, alive
    READABLE = "readable"  # bytes wait that nobody asked for: a notice, or the reason of a hang-up
    GONE = "gone"  # the peer hung up, or the descriptor is closed


@final
class Verdict(Enum):
    """What a connection is worth when its borrower gives it back, judged without a round trip.

    The values of the last three are the reasons under which the pool retires it.
    """

    CLEAN = "clean"  # nothing stateful was seen: lease it again as it is
    DIRTY = "dirty"  # a reset is owed
    BUSY = "busy"  # a reply may be on its way, or its borrower closed it
    LOST = "lost"  # the server or the network ended it: doubt the others too
    FAILOVER = "failover"  # it answers, but its server no longer takes writes: replace them all


class Leased(Protocol):
    """The pool's marks on a connection."""

    #: True while a borrower has it. I/O while this is false raises ``LeaseError``.
    leased: bool
    #: The monotonic time at which a statement must have ended; ``inf`` for no limit.
    until: float
    #: Holds the lease of a connection taken with ``getconn``, so that both die together.
    holder: object


class Common(Protocol):
    """The verbs that never wait, the same for threads and asyncio."""

    #: ``db.system.name`` in OpenTelemetry's words.
    system: Literal["postgresql", "mysql"]

    def close(self, conn: Any) -> None:
        """Close at once, also when its event loop is closed: say goodbye if that cannot block. Never raises."""
        ...

    def abandon(self, conn: Any) -> None:
        """Drop what a fork copied from the parent: close our descriptor, send nothing. Never raises."""
        ...

    def abort(self, conn: Any) -> None:
        """Shut the socket down under whoever uses the connection, from any thread. Never raises."""
        ...

    def look(self, conn: Any) -> Sight:
        """See from the socket's state whether the connection seems alive: no round trip."""
        ...

    def verdict(self, conn: Any) -> Verdict:
        """Judge a connection that comes back, and put its client-side settings as they were."""
        ...

    def in_transaction(self, conn: Any) -> bool:
        """Whether a transaction is open, failed or not."""
        ...

    def lost(self, conn: Any) -> bool:
        """Whether the connection is known to be closed."""
        ...

    def unsent(self, error: BaseException) -> bool:
        """Whether the server provably did not run the statement that met this error."""
        ...

    def explain(self, error: BaseException) -> str | None:
        """If one of our own server-side limits caused this error: which, in a sentence."""
        ...

    def cleans_up(self) -> bool:
        """Whether the server ends a session that stays idle, so that a frozen instance may keep some."""
        ...


class Driver(Common, Protocol):
    """A library used from threads."""

    def connect(self, timeout: float) -> Any:
        """Open and set up one connection.

        Raises:
            ConnectFailed: it could not be opened within ``timeout``. ``transient`` tells whether a
                new attempt may succeed.
            Overloaded: the server has no slot left.
            ConfigError: an option that cannot work.
        """
        ...

    def check(self, conn: Any, timeout: float) -> bool:
        """Spend one round trip, of at most ``timeout``, to see whether the connection lives."""
        ...

    def reset(self, conn: Any, timeout: float) -> bool:
        """Make the connection as new. Returns False if it cannot be, and must be closed."""
        ...

    def fetch(self, conn: Any, sql: str, params: Params | None) -> list[Row]:
        """Run one statement and return its rows; a statement without rows returns none."""
        ...

    def execute(self, conn: Any, sql: str, params: Params | None) -> int:
        """Run one statement and return the number of rows it touched; -1 if the server did not say."""
        ...

    def begin(self, conn: Any, isolation: str | None, readonly: bool, deferrable: bool) -> None:
        """Begin a transaction with these properties.

        Raises:
            ConfigError: the server has no such isolation level, or no such transactions.
        """
        ...

    def commit(self, conn: Any) -> bool:
        """Commit. Returns False if the server rolled back instead, as it does after a failed statement."""
        ...

    def rollback(self, conn: Any, timeout: float) -> None:
        """Roll back, within ``timeout``."""
        ...


class AsyncDriver(Common, Protocol):
    """A library used from asyncio; each verb as in ``Driver``."""

    async def connect(self, timeout: float) -> Any: ...

    async def check(self, conn: Any, timeout: float) -> bool: ...

    async def reset(self, conn: Any, timeout: float) -> bool: ...

    async def answers(self, conn: Any) -> bool:
        """Ask the connection's server, on a socket of its own, whether it is there at all."""
        ...

    async def fetch(self, conn: Any, sql: str, params: Params | None) -> list[Row]: ...

    async def execute(self, conn: Any, sql: str, params: Params | None) -> int: ...

    async def begin(self, conn: Any, isolation: str | None, readonly: bool, deferrable: bool) -> None: ...

    async def commit(self, conn: Any) -> bool: ...

    async def rollback(self, conn: Any, timeout: float) -> None: ...
