"""What psycopg's connection classes carry for the pool: marks, and the client-side settings to be put back."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import capabilities, sql
from psycopg._preparing import PrepareManager
from psycopg.abc import AdaptContext
from psycopg.adapt import AdaptersMap
from psycopg.pq import ConnStatus, TransactionStatus

from .._postgresql import condemns, explain, last_words, stateful
from .._postgresql.alive import Address
from .._refusals import returned
from .cursor import Adapters

__all__ = ["ACTIVE", "INFINITY", "OK", "Instrumented"]

INFINITY = float("inf")
#: Before libpq 17 asking a server to cancel blocks for as long as the network pleases.
CAN_CANCEL = capabilities.has_cancel_safe()
OK = ConnStatus.OK
IDLE = TransactionStatus.IDLE
ACTIVE = TransactionStatus.ACTIVE
IN_TRANSACTION = (TransactionStatus.INTRANS, TransactionStatus.INERROR)
READ_ONLY = "25006"


def _text(query: Any, context: AdaptContext) -> str | None:
    """The statement as text, or None where it cannot be told."""
    if isinstance(query, str):
        return query
    if isinstance(query, sql.Composable):
        return query.as_string(context)
    if isinstance(query, bytes):
        return query.decode("utf-8", "replace")
    return None


class Instrumented(psycopg.BaseConnection[Any]):
    """What both connection classes share. See ``drivers.base.Leased`` for the first three marks."""

    row_factory: Any
    cursor_factory: Any
    server_cursor_factory: Any
    _adapters: Any

    #: Looks at the socket.
    watch: Callable[[int], list[tuple[int, int]]]
    #: Seconds after which a statement without a deadline asks whether its server is still there.
    silence: float = 5.0
    leased: bool = True
    until: float = INFINITY
    holder: object = None
    #: Whether something was executed that may have left state behind on the server.
    dirty: bool = False
    #: Whether the borrower touched client-side settings that plain comparison would not show.
    touched: bool = False
    #: Whether any of these marks is set: the one that a return looks at.
    marked: bool = False
    #: Whether the I/O that comes next was announced by its statement.
    noted: bool = False
    #: Whether a statement ran into its deadline, so that it was we who closed the connection.
    overran: bool = False
    #: Whether an error said that no connection of the pool is good any more: a failover, a shutdown.
    condemned: bool = False

    def __del__(self, *_: Any) -> None:
        """Say nothing: a connection that sleeps in a pool when the process ends is no mistake."""

    def note(self, query: Any) -> None:
        """Announce a statement."""
        if not self.dirty:
            text = query if type(query) is str else _text(query, self)
            if text is None or stateful(text):
                self.dirty = self.marked = True
        self.noted = True

    def admit(self) -> None:
        """Account for the I/O that is about to happen."""
        self._refuse_unleased()
        if self.noted:
            self.noted = False
        else:
            self.dirty = self.marked = True

    def _refuse_unleased(self) -> None:
        if not self.leased:
            self.noted = False
            raise returned()

    def _should_cancel(self) -> bool:
        """A late cancel would hit the next borrower's statement: so a reset has to take it up first."""
        self._refuse_unleased()
        self.dirty = self.marked = True
        return super()._should_cancel()

    @property
    def address(self) -> Address:
        """Where the server is, by number if that is known."""
        pgconn = self.pgconn
        host, port = (pgconn.hostaddr or pgconn.host).decode(), int(pgconn.port)
        return f"{host}/.s.PGSQL.{port}" if host.startswith("/") else (host, port)

    @property
    def stoppable(self) -> bool:
        """Whether a statement runs on the server that can be asked to stop without blocking."""
        return self.pgconn.transaction_status == ACTIVE and CAN_CANCEL

    def hang_up(self) -> None:
        """Close at once: a reply may be on its way, and nobody waits for it."""
        self.overran = True
        self.pgconn.finish()

    def noticed(self, error: psycopg.Error) -> None:
        """Look at an error that passes through: say which of our limits caused it, and see a failover."""
        if error.sqlstate is None and self.pgconn.status != OK:
            error.sqlstate = last_words(self.pgconn.get_error_message())
        why = explain(error.sqlstate)
        if why and why not in getattr(error, "__notes__", ()):
            error.add_note(why)
        if condemns(error.sqlstate) and (error.sqlstate != READ_ONLY or self.standby()):
            self.condemned = self.marked = True

    def standby(self) -> bool:
        """Whether a refused write is the server's doing and not that of a read-only transaction."""
        report = self.pgconn.parameter_status
        return b"on" in (report(b"in_hot_standby"), report(b"default_transaction_read_only"))

    def in_transaction(self) -> bool:
        """Whether a transaction is open, failed or not."""
        return self.pgconn.transaction_status in IN_TRANSACTION

    def has_prepared(self) -> bool:
        """Whether the server keeps a statement that psycopg prepared."""
        return bool(self._prepared._names)

    def forget_prepared(self) -> None:
        """The server forgets its prepared statements: so does the client."""
        self._prepared = PrepareManager()

    def ready_again(self) -> bool:
        """The end of a reset. Returns whether the connection is as new."""
        self.dirty = self.marked = self.noted = False
        return bool(self.pgconn.transaction_status == IDLE)

    # -- client-side state -----------------------------------------------------------------------

    def remember(self) -> None:
        """Take the client-side state as it is now for what every borrower shall find."""
        prepared = self._prepared
        self.factories = (self.row_factory, self.cursor_factory, self.server_cursor_factory)
        self.modes = (self._autocommit, self._isolation_level, self._read_only, self._deferrable)
        self.preparing = (prepared.prepare_threshold, prepared.prepared_max)
        self.handlers = (tuple(self._notice_handlers), tuple(self._notify_handlers))
        self.template: AdaptersMap = self._adapters or psycopg.adapters
        self.restore()

    def restore(self) -> None:
        """Put the client-side state back, without I/O."""
        prepared = self._prepared
        self.row_factory, self.cursor_factory, self.server_cursor_factory = self.factories
        self._autocommit, self._isolation_level, self._read_only, self._deferrable = self.modes
        self._begin_statement = b""
        prepared.prepare_threshold, prepared.prepared_max = self.preparing
        self._notice_handlers, self._notify_handlers = list(self.handlers[0]), list(self.handlers[1])
        self._notifies_backlog = deque()
        self._tpc = None
        self._adapters = Adapters(self.template)
        self.touched = False
        self.marked = self.dirty

    def add_notice_handler(self, callback: Callable[..., None]) -> None:
        self.touched = self.marked = True
        super().add_notice_handler(callback)

    def remove_notice_handler(self, callback: Callable[..., None]) -> None:
        self.touched = self.marked = True
        super().remove_notice_handler(callback)

    def add_notify_handler(self, callback: Callable[..., None]) -> None:
        self.touched = self.marked = True
        super().add_notify_handler(callback)

    def remove_notify_handler(self, callback: Callable[..., None]) -> None:
        self.touched = self.marked = True
        super().remove_notify_handler(callback)

    @property
    def prepare_threshold(self) -> int | None:
        return self._prepared.prepare_threshold

    @prepare_threshold.setter
    def prepare_threshold(self, value: int | None) -> None:
        self.touched = self.marked = True
        self._prepared.prepare_threshold = value

    @property
    def prepared_max(self) -> int | None:
        return psycopg.BaseConnection.prepared_max.fget(self)  # type: ignore[attr-defined,no-any-return]

    @prepared_max.setter
    def prepared_max(self, value: int | None) -> None:
        self.touched = self.marked = True
        psycopg.BaseConnection.prepared_max.fset(self, value)  # type: ignore[attr-defined]
