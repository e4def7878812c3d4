"""psycopg2's connection, instrumented: all of its calls that may wait go through ``io``."""

from __future__ import annotations

from operator import attrgetter
from typing import Any, ClassVar, Final

import psycopg2
from psycopg2 import extensions
from psycopg2.extensions import connection as Plain

from .. import _postgresql
from .._guarded import Guarded
from .._postgresql.alive import Address
from .cursor import Cursor, LargeObject, NamedCursor, gated

__all__ = ["Connection", "code_of"]


ACTIVE: Final = extensions.TRANSACTION_STATUS_ACTIVE
IN_TRANSACTION: Final = (extensions.TRANSACTION_STATUS_INTRANS, extensions.TRANSACTION_STATUS_INERROR)
READ_ONLY: Final = "25006"
#: Seconds without a call after which the server may have said goodbye; no limit of ours is shorter than twice that.
IDLE: Final = 0.5
#: The modes of a connection, in the order in which they can be put back: the last decides what the others send.
MODES: Final = ("isolation_level", "readonly", "deferrable", "autocommit")
modes_of: Final = attrgetter(*MODES)
#: Where a connection keeps the casts that were registered for it alone.
casts_of: Final = attrgetter("string_types", "binary_types")


def code_of(error: BaseException) -> str | None:
    """The SQLSTATE of an error."""
    code: str | None = getattr(error, "pgcode", None) or getattr(error, "sqlstate", None)
    return code if code is not None else _postgresql.last_words(str(error))


def _mode(name: str) -> Any:
    return property(getattr(Plain, name).__get__, lambda self, value: self._set_mode(name, value))


class Connection(Guarded, Plain):  # type: ignore[misc]
    """``psycopg2.extensions.connection`` as the pool lends it."""

    server: ClassVar[Any] = _postgresql
    address: Address
    rest: ClassVar[float] = IDLE
    #: Whether a ``with conn:`` is open, in which the next statement begins a transaction.
    inside: bool = False

    # -- the gate --------------------------------------------------------------------------------

    def hear_out(self) -> None:
        """If the server has said goodbye, its reason would be lost with the next statement."""
        if self.leased and self.look(0):
            try:
                super().poll()
            except psycopg2.Error:
                pass  # the statement will meet it, too

    def unanswered(self, text: str) -> Exception:
        return psycopg2.OperationalError(text)  # type: ignore[no-any-return]

    def failed(self, error: Exception) -> None:
        if self.get_transaction_status() != ACTIVE:  # as it is in the middle of a COPY
            self.settled()
        if isinstance(error, psycopg2.Error):
            code = code_of(error)
            if code is None and self.closed:
                code = error.sqlstate = _postgresql.last_words(" ".join(self.notices or ()))
            self.noticed(error, code)

    def own_doing(self, code: Any) -> bool:
        return code == READ_ONLY and not self._standby()

    def _standby(self) -> bool:
        report = self.get_parameter_status
        return "on" in (report("in_hot_standby"), report("default_transaction_read_only"))

    # -- what a borrower calls -------------------------------------------------------------------

    def cursor(
        self, name: Any = None, cursor_factory: Any = None, withhold: Any = False, scrollable: Any = None
    ) -> Any:
        if name is None and cursor_factory is None and self.cursor_factory is None and not withhold:
            return Cursor(self)
        factory = cursor_factory or self.cursor_factory or extensions.cursor
        cursor = gated(factory, Cursor if name is None else NamedCursor)
        return super().cursor(name, cursor, withhold, scrollable)

    def lobject(
        self,
        oid: Any = 0,
        mode: Any = "",
        new_oid: Any = 0,
        new_file: Any = None,
        lobject_factory: Any = extensions.lobject,
    ) -> Any:
        factory = gated(lobject_factory, LargeObject)
        return self.io("", super().lobject, oid, mode, new_oid, new_file, factory)

    def commit(self) -> None:
        self.io("", super().commit)

    def rollback(self) -> None:
        self.io("", super().rollback)

    def poll(self) -> Any:
        return self.io("", super().poll)

    def reset(self) -> None:
        self.io(None, super().reset)

    def tpc_begin(self, *args: Any) -> None:
        self.io(None, super().tpc_begin, *args)

    def tpc_prepare(self) -> None:
        self.io(None, super().tpc_prepare)

    def tpc_commit(self, *args: Any) -> None:
        self.io(None, super().tpc_commit, *args)

    def tpc_rollback(self, *args: Any) -> None:
        self.io(None, super().tpc_rollback, *args)

    def cancel(self) -> None:
        """As psycopg2's. A late one would hit the next borrower's statement: so a reset has to take it up first."""
        self.dirty = self.marked = True
        super().cancel()

    def close(self) -> None:
        self.hung_up = True
        super().close()

    def __enter__(self) -> Any:
        self.inside = True
        return super().__enter__()

    def __exit__(self, *exc: Any) -> None:
        self.inside = False
        super().__exit__(*exc)

    # -- client-side settings --------------------------------------------------------------------

    autocommit = _mode("autocommit")
    isolation_level = _mode("isolation_level")
    readonly = _mode("readonly")
    deferrable = _mode("deferrable")

    def _set_mode(self, name: str, value: Any) -> None:
        """psycopg2 sends something unless a BEGIN of its own will say it."""
        *ways, autocommit = modes_of(self)
        sends = ways != [None, None, None] if name == "autocommit" else autocommit
        self.marked = True
        self.io(None if sends else "", getattr(Plain, name).__set__, self, value)

    def set_session(self, *args: Any, **options: Any) -> None:
        self.io(None, super().set_session, *args, **options)

    def set_isolation_level(self, level: Any) -> None:
        self.io(None, super().set_isolation_level, level)

    def set_client_encoding(self, encoding: str) -> None:
        self.io(None, super().set_client_encoding, encoding)

    def remember(self) -> None:
        self.kept_factory: Any = self.cursor_factory
        self.kept_modes = modes_of(self)
        self.kept_encoding = self.encoding
        self.kept_casts = [dict(casts) for casts in casts_of(self)]
        self.casts = any(self.kept_casts)
        self.restore()

    def touched(self) -> bool:
        strings, binaries = casts_of(self)
        return bool(
            self.cursor_factory is not self.kept_factory
            or self.notices != []
            or self.notifies != []
            or ((strings or binaries or self.casts) and self._recast())
        )

    def _recast(self) -> bool:
        """Two casts of the same types are equal, whatever they do: so it is asked whether they are the same ones."""
        return any(
            len(casts) != len(kept) or any(kept.get(oid) is not cast for oid, cast in casts.items())
            for casts, kept in zip(casts_of(self), self.kept_casts, strict=True)
        )

    def restore(self) -> None:
        """Put them back, as far as that takes no I/O; for the rest a reset is owed, and ``renew``."""
        self.cursor_factory = self.kept_factory
        self.notices: list[str] = []
        self.notifies: list[Any] = []
        for casts, kept in zip(casts_of(self), self.kept_casts, strict=True):
            casts.clear()
            casts.update(kept)
        if self.status == extensions.STATUS_READY and not self.autocommit:
            self._set_modes()
        self.dirty = self.dirty or modes_of(self) != self.kept_modes or self.encoding != self.kept_encoding
        self.marked = self.dirty

    def renew(self) -> None:
        """Put back what takes I/O."""
        if modes_of(self) != self.kept_modes:
            self.io("", self._set_modes)
        if self.encoding != self.kept_encoding:
            self.io("", super().set_client_encoding, self.kept_encoding)

    def _set_modes(self) -> None:
        for name, value in zip(MODES, self.kept_modes, strict=True):
            getattr(Plain, name).__set__(self, value)

    # -- what the pool asks ----------------------------------------------------------------------

    def alive(self) -> bool:
        return not (self.closed or self.overran)

    def transacting(self) -> bool:
        return self.get_transaction_status() in IN_TRANSACTION

    def unread(self) -> bool:
        return self.inside

    def untouched(self) -> bool:
        return not (
            self.marked
            or self.running
            or self.get_transaction_status()  # that of a closed connection is "unknown"
            or self.inside
            or self.touched()
        )

    def hang_up(self) -> None:
        self.wire.shut()
        self.close()

    def disown(self) -> None:
        if not self.running:  # one that another thread was in at the fork stays locked for good
            self.close()
