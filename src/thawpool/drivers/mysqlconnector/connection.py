"""The connection of mysql.connector as the pool lends it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import lru_cache, wraps
from typing import Any, ClassVar, Final

from mysql.connector import Error, MySQLConnection, __version__
from mysql.connector.constants import ClientFlag, ServerCmd, ServerFlag
from mysql.connector.errors import InterfaceError
from mysql.connector.protocol import MySQLProtocol

from .. import _mysql
from .._adapter import Result
from .._marks import Marked
from .stream import NO_TLS, Stream

__all__ = ["Connection", "Protocol", "number_of"]

#: Typed as anything: its types say nothing of much that is used here.
Base: Any = MySQLConnection
#: What stands before a statement's text where the server takes attributes with it, and there are none.
NO_ATTRIBUTES: Final = b"\0\1"
#: In which of the server's states the next borrower may find a session, and which flags tell it.
AT_REST: Final = ServerFlag.STATUS_AUTOCOMMIT
FLAGS: Final = AT_REST | ServerFlag.STATUS_IN_TRANS | ServerFlag.MORE_RESULTS_EXISTS
#: The error of a write in a READ ONLY transaction.
READ_ONLY: Final = 1792


def number_of(error: BaseException) -> int | None:
    """The number of an error of the library's, if it has one."""
    return error.errno if isinstance(error, Error) and error.errno > 0 else None


def _answered(method: Callable[..., Any]) -> Callable[..., Any]:
    """When this method ends, a reply has been read to its end, unless the error is the library's own."""

    @wraps(method)
    def answered(self: Connection, *args: Any, **kwargs: Any) -> Any:
        try:
            answer = method(self, *args, **kwargs)
        except Error as error:
            code = number_of(error)
            if code is not None and _mysql.from_server(code):
                self.refused(error, code)
            raise
        self.running = False
        return answer

    return answered


class Protocol(MySQLProtocol):
    """The library's, but that it reads what a server says of a column once: it says the same each time."""

    parse_column = staticmethod(lru_cache(1024)(MySQLProtocol.parse_column))


class Connection(Marked, Base):  # type: ignore[misc]
    """``mysql.connector.MySQLConnection`` as the pool lends it."""

    server: ClassVar[Any] = _mysql
    settings: ClassVar[tuple[str, ...]] = (
        "_allow_local_infile_in_path", "_buffered", "_client_flags", "_consume_results", "_converter_str_fallback",
        "_get_warnings", "_query_attrs", "_raise_on_warnings", "_raw", "_use_unicode", "converter",
    )  # fmt: skip
    tables: ClassVar[tuple[str, ...]] = ("_query_attrs",)
    # A class of converters is never set without a converter.
    stated: ClassVar[tuple[str, ...]] = ("_autocommit", "_charset_id", "_converter_class")

    #: For the dial: a connected socket, TLS, whether nothing may be sent without, and what a new session is told.
    dialed: Any = None
    context: Any = None
    strict: bool = False
    first: str = ""
    #: The flags of the server's last word.
    status: int = AT_REST
    #: Whether the session is another user's by now, which no reset takes back.
    another: bool = False
    #: Whether a cursor may be made without asking the server whether it is there.
    vouched: bool = False

    # -- the dial --------------------------------------------------------------------------------

    def _add_default_conn_attrs(self) -> None:
        """The library's, less the operating system's name, for which it may run a program at each dial."""
        self._conn_attrs |= {
            "_client_name": "mysql-connector-python",
            "_client_version": __version__,
            "_pid": str(os.getpid()),
        }

    def _get_connection(self) -> Stream:
        sock, self.dialed = self.dialed, None
        if sock is None:
            raise InterfaceError("a pool's connection does not connect again: take another one from the pool")
        return Stream(self, sock, self._unix_socket or f"{self._host}:{self._port}")

    def _do_handshake(self) -> None:
        super()._do_handshake()
        if self.strict and not self._client_flags & ClientFlag.SSL:
            raise InterfaceError("the server doesn't support SSL, and the URL demands it", errno=NO_TLS)

    def _post_connection(self) -> None:
        """In one statement, or none where the pool's greeting says the same; the library takes two."""
        if self.first:
            self.cmd_query(self.first)

    # -- the gate --------------------------------------------------------------------------------

    def text_of(self, command: bytes) -> bytes | None:
        """The statement in a command; nothing if it leaves no state, None if that is not known."""
        if command[0] != ServerCmd.QUERY:
            return b"" if command[0] in (ServerCmd.PING, ServerCmd.QUIT) else None
        if not self._query_attrs_supported:
            return command[1:]
        return command[3:] if command[1:3] == NO_ATTRIBUTES else None

    def refused(self, error: Error, code: int) -> None:
        """Take an error of the server's, after which no further result comes."""
        self.settled()
        self._have_next_result = False
        self.status &= ~ServerFlag.MORE_RESULTS_EXISTS
        self.noticed(error, code)
        if _mysql.Fault.LOST in _mysql.classify(code, str(error)):
            self._socket.close_connection()

    _handle_ok = _answered(Base._handle_ok)
    _handle_eof = _answered(Base._handle_eof)
    _handle_result = _answered(Base._handle_result)
    _handle_binary_result = _answered(Base._handle_binary_result)
    cmd_stmt_prepare = _answered(Base.cmd_stmt_prepare)
    cmd_stmt_close = _answered(Base.cmd_stmt_close)
    cmd_stmt_fetch = _answered(Base.cmd_stmt_fetch)
    cmd_stmt_send_long_data = _answered(Base.cmd_stmt_send_long_data)
    cmd_statistics = _answered(Base.cmd_statistics)
    get_rows = _answered(Base.get_rows)

    def cmd_change_user(self, *args: Any, **kwargs: Any) -> Any:
        self.another = self.marked = True
        return super().cmd_change_user(*args, **kwargs)

    def _handle_server_status(self, flags: int) -> None:
        self.status = flags
        super()._handle_server_status(flags)

    def close(self) -> None:
        was_open = self.alive()
        super().close()
        self.hung_up = self.hung_up or was_open

    disconnect = shutdown = close

    def cursor(self, *args: Any, **kwargs: Any) -> Any:
        """The library's, less the round trip by which it finds out whether the server is there: a statement will."""
        self.vouched = self.alive()
        try:
            return super().cursor(*args, **kwargs)
        finally:
            self.vouched = False

    def is_connected(self) -> bool:
        return self.vouched or bool(super().is_connected())

    # -- what the pool asks ----------------------------------------------------------------------

    def alive(self) -> bool:
        return self._socket is not None and self._socket.sock is not None

    def transacting(self) -> bool:
        return bool(self.status & ServerFlag.STATUS_IN_TRANS)

    def own_doing(self, code: Any) -> bool:
        started = self.status & ServerFlag.SERVER_STATUS_IN_TRANS_READONLY
        return code == READ_ONLY and bool(started or self.dirty)

    def unread(self) -> bool:
        return self._unread_result or self._have_next_result or self.another

    def untouched(self) -> bool:
        return not (
            self.marked
            or self.running
            or self.status & FLAGS != AT_REST
            or self._unread_result
            or self._socket.sock is None
            or self._read(self) != self._kept
        )

    def restore(self) -> None:
        super().restore()
        self.converter.set_charset(self.charset, character_set=self._character_set)
        self.converter.set_unicode(self._use_unicode)

    def hang_up(self) -> None:
        self.hung_up = True
        if self._socket is not None:
            self._socket.close_connection()

    # -- statements of the pool's verbs ----------------------------------------------------------

    def filled(self, pieces: Sequence[str], arguments: Sequence[object]) -> bytes:
        """A statement with its parameters, converted as the library's cursors do."""
        converter, charset = self.converter, self.python_charset
        mode = "NO_BACKSLASH_ESCAPES" if self.status & ServerFlag.STATUS_NO_BACKSLASH_ESCAPES else ""
        parts = [pieces[0].encode(charset)]
        for argument, piece in zip(arguments, pieces[1:], strict=True):
            value = converter.escape(converter.to_mysql(argument), mode)
            parts.append(value if isinstance(argument, Decimal) else converter.quote(value))
            parts.append(piece.encode(charset))
        return b"".join(parts)

    def taken(self, answer: dict[str, Any]) -> Result:
        """A result, read to its end."""
        if "columns" not in answer:
            return None, (), answer["affected_rows"]
        rows, _ = self.get_rows()
        return tuple([column[0] for column in answer["columns"]]), rows, len(rows)
