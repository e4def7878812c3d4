"""The connection of pg8000 as the pool lends it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final

from pg8000 import core, dbapi
from pg8000.converters import make_params, string_in
from pg8000.exceptions import DatabaseError, InterfaceError

from .. import _postgresql
from .._marks import Marked
from .._refusals import overran, returned
from .wire import Answer, Wire, described

__all__ = ["Connection", "sqlstate"]

#: Typed as anything, as pg8000 has no types.
Base: Any = dbapi.Connection
NUL: Final = core.NULL_BYTE
DESCRIBE: Final = core._create_message(core.DESCRIBE, core.PORTAL + NUL)
FAILED: Final = core.IN_FAILED_TRANSACTION
TRANSACTION: Final = (core.IN_TRANSACTION, FAILED)
READ_ONLY: Final = "25006"
#: By which an authentication request asks for a password: in the clear, as an MD5, and by SASL.
ASKS_PASSWORD: Final = (3, 5, 10)


def sqlstate(error: BaseException) -> str | None:
    """What the server calls this error; None if it is not the server's."""
    told = error.args[0] if isinstance(error, DatabaseError) and error.args else None
    return told.get("C") if isinstance(told, dict) else None


class Connection(Marked, Base):  # type: ignore[misc]
    """``pg8000.dbapi.Connection`` as the pool lends it."""

    server: ClassVar[Any] = _postgresql
    settings: ClassVar[tuple[str, ...]] = ("_xid", "autocommit", "pg_types", "py_types")
    tables: ClassVar[tuple[str, ...]] = ("pg_types", "py_types")

    password: bytes | None
    _backend_key_data: bytes
    _usock: Any = None
    _wire: Wire | None = None

    def __init__(self, route: Callable[[float], Any], until: float, **options: Any) -> None:
        """Begin a session.

        Args:
            route: gives a socket that minds deadlines, connected until a time; with TLS over it, if there shall be.
            until: when the session must have begun.
        """
        self.until = until
        self.route = route
        try:
            self._usock = sock = route(until)
            sock.owner = weakref.ref(self)
            self.peer = sock.getpeername()
            super().__init__(sock=sock, ssl_context=False, **options)
        except BaseException:
            self._drop()
            if self.overran:
                raise overran() from None
            raise
        finally:
            self.password = None  # nobody needs it any more
            self.__dict__.pop("auth", None)
        self.autocommit = True

    @property
    def _sock(self) -> Any:
        return self._wire

    @_sock.setter
    def _sock(self, file: Any) -> None:
        if file is not None:
            file.close()
        self._wire = None if file is None else Wire(self._usock)

    def handle_AUTHENTICATION_REQUEST(self, data: bytes, context: Any) -> None:
        asked: int = core.i_unpack(data)[0]
        if asked in ASKS_PASSWORD and self.password is None:
            raise InterfaceError("the server asks for a password: no password supplied")
        super().handle_AUTHENTICATION_REQUEST(data, context)

    # -- the gate --------------------------------------------------------------------------------

    def execute_simple(self, statement: str) -> Any:
        message = core._create_message(core.QUERY, statement.encode(self._client_encoding) + NUL)
        return self._exchange(message, Answer(statement))

    def execute_unnamed(
        self, statement: str, vals: Sequence[Any] = (), oids: Sequence[int] = (), stream: Any = None
    ) -> Any:
        """As pg8000's, but in one round trip where it takes three."""
        encoding = self._client_encoding
        types = [core.i_pack(max(oid, 0)) for oid in oids]
        values = []
        for value in make_params(self.py_types, vals):
            text = b"" if value is None else value.encode(encoding)
            values.append(core.i_pack(-1 if value is None else len(text)) + text)
        parse = NUL + statement.encode(encoding) + NUL + core.H_pack(len(types)) + b"".join(types)
        bind = NUL + NUL + core.H_pack(0) + core.H_pack(len(values)) + b"".join(values) + core.H_pack(0)
        message = (
            core._create_message(core.PARSE, parse)
            + core._create_message(core.BIND, bind)
            + DESCRIBE
            + core.EXECUTE_MSG
            + core.SYNC_MSG
        )
        return self._exchange(message, Answer(statement, stream))

    def prepare_statement(self, statement: str, oids: Sequence[int] = ()) -> Any:
        self.admit()
        return super().prepare_statement(statement, oids)

    def execute_named(self, *args: Any) -> Any:
        self.admit()
        return super().execute_named(*args)

    def close_prepared_statement(self, name: bytes) -> None:
        self.admit("")
        super().close_prepared_statement(name)

    def _exchange(self, message: bytes, answer: Answer) -> Answer:
        self.admit(answer.statement)
        if self._usock is None:
            raise InterfaceError("connection is closed")
        try:
            self._usock.sendall(message)
        except (BrokenPipeError, ConnectionResetError) as error:
            if error.errno is None:  # nobody is there; else the server may have said why it hung up
                raise self._lost(answer, error) from error
        except OSError as error:
            if not self.overran:
                raise self._lost(answer, error) from error
            self.hang_up()
            raise
        except BaseException:
            self.hang_up()
            raise
        self.handle_messages(answer)
        return answer

    def handle_messages(self, context: Any) -> None:
        """Read a reply to its end. Where that cannot be reached, the connection is closed."""
        assert self._wire is not None
        ahead, handlers, code = self._wire.ahead, self.message_types, b""
        try:
            while code != core.READY_FOR_QUERY:
                received, at = ahead.received, ahead.at
                if len(received) < at + 5:
                    received, at = self._more(5, context)
                size = 1 + core.i_unpack(received, at + 1)[0]
                if len(received) < at + size:
                    received, at = self._more(size, context)
                ahead.at = end = at + size
                code = received[at : at + 1]
                handlers[code](received[at + 5 : end], context)
        except BaseException:
            self._give_up()
            if self.overran:
                raise overran() from None
            raise
        self.settled()
        if context.error is not None:
            self.noticed(context.error, sqlstate(context.error))
            raise context.error

    def _more(self, size: int, context: Any) -> tuple[bytes, int]:
        assert self._wire is not None
        try:
            return self._wire.ahead.have(size)
        except (EOFError, OSError) as error:
            if self.overran:
                raise
            raise self._lost(context, error) from error

    def _give_up(self) -> None:
        """Close in the middle of a reply."""
        if self._usock is not None:
            self.tell(self)
            self.hang_up()

    def _lost(self, context: Any, error: Exception) -> Any:
        """The network failed: what the server said before, or that."""
        self._drop()
        if context.error is None:
            return InterfaceError(f"network error: {error}")
        self.noticed(context.error, sqlstate(context.error))
        return context.error

    def handle_ROW_DESCRIPTION(self, data: bytes, context: Any) -> None:
        """As pg8000's, by which an unknown type would be added to the table of types."""
        columns = described(data, self._client_encoding)
        types = self.pg_types
        context.columns = columns
        context.input_funcs = [types.get(column["type_oid"], string_in) for column in columns]
        if context.rows is None:
            context.rows = []
        if type(context) is Answer:
            context.results.append((columns, len(context.rows)))

    def close(self) -> None:
        if self._usock is None:
            raise InterfaceError("connection is closed")
        if not self.leased:
            raise returned()
        self.part()

    def part(self) -> None:
        """Close with a goodbye, if that cannot block."""
        if self._usock is not None:
            self._usock.farewell(core.TERMINATE_MSG)
        self.hang_up()

    # -- what the pool asks ----------------------------------------------------------------------

    def alive(self) -> bool:
        return self._usock is not None

    def transacting(self) -> bool:
        return self._transaction_status in TRANSACTION

    def failed(self) -> bool:
        """Whether a transaction is open that can only be rolled back."""
        return bool(self._transaction_status == FAILED)

    def own_doing(self, code: Any) -> bool:
        told = self.parameter_statuses
        standby = "on" in (told.get("in_hot_standby"), told.get("default_transaction_read_only"))
        return code == READ_ONLY and not standby

    def untouched(self) -> bool:
        return not (
            self.marked
            or self.running
            or self._usock is None
            or self._transaction_status in TRANSACTION
            or self.notices
            or self.notifications
            or self._read(self) != self._kept
        )

    def restore(self) -> None:
        super().restore()
        self.notices.clear()
        self.notifications.clear()

    def hang_up(self) -> None:
        self.hung_up = self.hung_up or self.alive()
        self._drop()

    def _drop(self) -> None:
        sock, self._usock = self._usock, None
        self._sock = None
        if sock is not None:
            sock.close()
