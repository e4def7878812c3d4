"""asyncpg's connection class, instrumented: what a pool must know of a lease, and of what was done in it.

``_asyncpg_protocol`` has the gate through which all its I/O goes. asyncpg makes the protocol object by
itself; it becomes one of ours when its connection is made.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from functools import wraps
from time import monotonic
from typing import Any, Final

import asyncpg
from asyncpg.protocol import NO_TIMEOUT

from .._postgresql import condemns, explain, stateful
from .._refusals import overran, returned
from .._socket import orphan, shut
from .._transport import cut, discard
from .loop import Loop
from .protocol import Protocol
from .statements import Base, Statements

__all__ = ["INFINITY", "Connection", "sqlstate"]

INFINITY: Final = float("inf")
READ_ONLY: Final = "25006"
#: What a connection carries beyond asyncpg's own slots. Nothing of a borrower's own can be hung on it.
MARKS: Final = (
    "_process", "address", "condemned", "dirty", "holder", "kept", "last_words", "leased", "look", "marked", "recoded",
    "sock", "turn", "until", "wire",
)  # fmt: skip


def sqlstate(error: BaseException) -> str | None:
    """The server's code for an error. For a connection lost in the middle, that of its last words."""
    for told in (error.__cause__, error):
        if isinstance(told, asyncpg.PostgresError) and told.sqlstate is not None:
            return str(told.sqlstate)
    return None


class _Turn:
    """One lease, as asyncpg's resources see it.

    A prepared statement, a cursor or a transaction remembers asyncpg's count of releases at its birth and
    compares before each use. One of these in the count's place makes those of an earlier lease complain. Most
    leases never make one.
    """

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        if other is self:
            return True
        raise returned()


def _touching(method: Any) -> Any:
    """asyncpg's method, which changes what the client side keeps for a connection."""

    @wraps(method)
    def touch(self: Connection, *args: Any, **options: Any) -> Any:
        self.marked = True
        return method(self, *args, **options)

    return touch


def _recoding(method: Any) -> Any:
    """asyncpg's method, which changes a codec: it cannot be put back without asking the server."""

    @wraps(method)
    def recode(self: Connection, typename: str, *args: Any, **options: Any) -> Any:
        self.recoded = self.marked = True
        self.coded.add(typename)
        return method(self, typename, *args, **options)

    return recode


class Connection(Statements):
    """``asyncpg.Connection`` as the pool lends it. See ``drivers.base.Leased`` for the first three marks."""

    __slots__ = MARKS

    leased: bool
    until: float
    holder: object
    #: Whether something was executed that may have left state behind on the server.
    dirty: bool
    #: Whether a codec was changed, which cannot be put back without asking the server.
    recoded: bool
    #: Whether an error said that no connection of the pool is good any more: a failover, a shutdown.
    condemned: bool
    #: Whether any of these is set, or a listener was added or removed: the one that a return looks at.
    marked: bool
    #: This lease, if asyncpg has asked for it. To be forgotten at its end.
    turn: _Turn | None
    #: The error with which the server ended the session when nothing was asked of it.
    last_words: asyncpg.PostgresError | None
    #: The socket, as far as a transport shows it.
    sock: Any
    #: See ``_socket.watch``.
    look: Callable[[int], list[tuple[int, int]]]
    #: The transport, beneath TLS if there is any.
    wire: Any
    #: The address of the peer.
    address: str
    # asyncpg's own, as far as they are changed here.
    _listeners: Any
    _log_listeners: Any
    _query_loggers: Any
    _termination_listeners: Any
    _top_xact: Any

    def __init__(self, protocol: Any, transport: Any, loop: Loop, *args: Any) -> None:
        protocol.__class__ = Protocol
        protocol.owner = weakref.ref(self)
        transport.set_protocol(protocol)  # again, since uvloop keeps its methods
        super().__init__(protocol, transport, loop.real, *args)
        self.wire = loop.wire
        self.sock = transport.get_extra_info("socket")
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if isinstance(peer, tuple) else ""
        self._process = os.getpid()
        self.leased = True
        self.until = INFINITY
        self.holder = self.last_words = None
        self.dirty = self.recoded = self.condemned = self.marked = False
        self.remember()

    # -- the gate ---------------------------------------------------------------------------------

    def enter(self, text: str | None, timeout: Any) -> Any:
        """Begin an operation.

        Args:
            text: what it executes; nothing if empty, something unknown if None.
            timeout: what the caller grants it.

        Returns:
            What it may take: the caller's timeout, or the time until the deadline if that is shorter.

        Raises:
            LeaseError: the connection lies in the pool.
            PoolTimeout: the deadline has passed; the connection is closed.
        """
        if not self.leased:
            raise returned()
        if self.until != INFINITY:
            timeout = self._limit(timeout)
        if not self.dirty and (text is None or (text and stateful(text))):
            self.dirty = self.marked = True
        self.running += 1
        return timeout

    def _limit(self, timeout: Any) -> Any:
        left = self.until - monotonic()
        if left <= 0.0:
            self.hang_up()
            raise overran()
        left = max(0.001, left)
        return left if timeout is None or timeout is NO_TIMEOUT else min(left, float(timeout))

    def noticed(self, error: BaseException) -> None:
        """Look at an error that passes through: say which of our limits caused it, and see a failover."""
        code = sqlstate(error)
        why = explain(code)
        if why and why not in getattr(error, "__notes__", ()):
            error.add_note(why)
        if condemns(code) and (code != READ_ONLY or self.standby()):
            self.condemned = self.marked = True

    def standby(self) -> bool:
        """Whether a refused write is the server's doing and not that of a read-only transaction."""
        settings = self.get_settings()
        reports = ("in_hot_standby", "default_transaction_read_only")
        return any(getattr(settings, name, None) == "on" for name in reports)

    def dismissed(self, fields: dict[str, str]) -> None:
        """Take the server's last words, and hang up."""
        self.last_words = error = asyncpg.PostgresError.new(fields)
        self.noticed(error)
        self.hang_up()

    def _check_open(self) -> None:
        if self._aborted or not self._protocol.is_connected():
            raise self.last_words or asyncpg.InterfaceError("connection is closed")

    async def _introspect_types(self, *args: Any) -> Any:
        """asyncpg's own look at types that are new to it: it puts back the one setting that it changes."""
        before = self.dirty, self.marked
        found = await super()._introspect_types(*args)
        self.dirty, self.marked = before
        return found

    # -- the end ----------------------------------------------------------------------------------

    def give_up(self) -> None:
        """Count as closed from here on, and hear no more of what the server sends. To be followed by ``hang_up``."""
        self._aborted = True
        self.wire.pause_reading()

    def hang_up(self) -> None:
        """Close at once, without a goodbye, also when the loop is closed. Whoever waits for a reply gets an error."""
        self._aborted = True
        if self._loop.is_closed():
            discard(self.wire, self._transport)
        else:
            cut(self.wire)

    def terminate(self) -> None:
        """Close at once, with a goodbye if that cannot block."""
        super().terminate()
        cut(self.wire)

    async def close(self, *, timeout: float | None = None) -> None:
        """Close at once. asyncpg would wait for the server's goodbye, for ever if it does not come."""
        self.terminate()

    def disown(self) -> None:
        """In a child process: close our copy of the descriptor, and touch neither the socket nor the loop."""
        self._aborted = True
        orphan(self.sock.fileno())
        discard(self.wire, self._transport)

    def __del__(self) -> None:
        """Hang up in silence: a connection that sleeps in a pool when the process ends is no mistake."""
        if getattr(self, "sock", None) is None or self.is_closed():
            return
        if self._process != os.getpid():
            self.disown()
        elif self._loop.is_closed():
            discard(self.wire, self._transport)
        else:
            shut(self.sock.fileno())  # the loop, which may run in another thread, sees that and cleans up

    # -- client-side state ------------------------------------------------------------------------

    def in_transaction(self) -> bool:
        """Whether a transaction is open, failed or not."""
        protocol = self._protocol
        return protocol is not None and bool(protocol.is_in_transaction())

    def untouched(self) -> bool:
        """Whether the connection is as every borrower shall find it."""
        return not (
            self.marked
            or self.unsynced
            or self.running
            or self._aborted
            or self._top_xact is not None
            or self._protocol.is_in_transaction()
            or not self._protocol.is_connected()
        )

    def remember(self) -> None:
        """Take the client-side state as it is now for what every borrower shall find."""
        self.kept = (
            {channel: set(callbacks) for channel, callbacks in self._listeners.items()},
            set(self._log_listeners),
            set(self._termination_listeners),
            set(self._query_loggers),
        )
        self.recoded = False
        self.marked = self.dirty

    def bare(self) -> None:
        """Forget all client-side state, for ``configure`` to begin anew."""
        self.kept = ({}, set(), set(), set())
        self.restore()

    def restore(self) -> None:
        """Put the client-side state back, without I/O."""
        listeners, logs, terminations, queries = self.kept
        self._listeners = {channel: set(callbacks) for channel, callbacks in listeners.items()}
        self._log_listeners, self._termination_listeners = set(logs), set(terminations)
        self._query_loggers = set(queries)
        self._top_xact = None
        self.marked = self.dirty or self.recoded

    @property
    def _pool_release_ctr(self) -> _Turn:
        if self.turn is None:
            self.turn = _Turn()
        return self.turn

    @_pool_release_ctr.setter
    def _pool_release_ctr(self, count: object) -> None:
        self.turn = None

    def ready_again(self) -> bool:
        """The end of a reset. Returns whether the connection is as new."""
        self.dirty = False
        self.marked = self.recoded
        return self.untouched()

    add_listener = _touching(Base.add_listener)
    remove_listener = _touching(Base.remove_listener)
    add_log_listener = _touching(Base.add_log_listener)
    remove_log_listener = _touching(Base.remove_log_listener)
    add_termination_listener = _touching(Base.add_termination_listener)
    remove_termination_listener = _touching(Base.remove_termination_listener)
    add_query_logger = _touching(Base.add_query_logger)
    remove_query_logger = _touching(Base.remove_query_logger)
    set_type_codec = _recoding(Base.set_type_codec)
    reset_type_codec = _recoding(Base.reset_type_codec)
    set_builtin_type_codec = _recoding(Base.set_builtin_type_codec)
