"""MySQL and MariaDB through PyMySQL, for threads."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

import pymysql
from pymysql.connections import MAX_PACKET_LEN
from pymysql.constants import CLIENT, COMMAND, CR, SERVER_STATUS
from pymysql.cursors import Cursor
from pymysql.protocol import FieldDescriptorPacket, MysqlPacket

from . import _mysql
from ._adapter import Result
from ._dial import Expired
from ._marks import Marked
from ._mysql.adapter import COM_RESET_CONNECTION, FOUND_ROWS, OfMySQL
from ._mysql.packets import ERROR, described
from ._read_ahead import ReadAhead
from ._refusals import overran
from ._shells import ThreadAdapter
from ._timed_socket import TimedSSLSocket, dial

if TYPE_CHECKING:
    from .._url import Target
    from ..config import PoolConfig

__all__ = ["PyMySQL"]


QUIT: Final = b"\x01\0\0\0" + bytes([COMMAND.COM_QUIT])
#: In which of the server's states the next borrower may find a session, and which flags tell it.
AT_REST: Final = SERVER_STATUS.SERVER_STATUS_AUTOCOMMIT
FLAGS: Final = AT_REST | SERVER_STATUS.SERVER_STATUS_IN_TRANS | SERVER_STATUS.SERVER_MORE_RESULTS_EXISTS
#: The error of a write in a READ ONLY transaction, and the flag of one.
READ_ONLY: Final = 1792
IN_READ_ONLY_TRANSACTION: Final = 0x2000
LOST: Final = "Lost connection to MySQL server during query"


class Connection(Marked, pymysql.Connection):  # type: ignore[misc]
    """``pymysql.Connection`` as the pool lends it."""

    server: ClassVar[Any] = _mysql
    settings: ClassVar[tuple[str, ...]] = ("cursorclass", "decoders", "encoders", "use_unicode")
    tables: ClassVar[tuple[str, ...]] = ("decoders", "encoders")
    stated: ClassVar[tuple[str, ...]] = ("autocommit_mode", "charset", "collation", "encoding")

    alone: ClassVar[bool] = True
    _ahead: Any = None
    # PyMySQL's own, as far as they are changed here.
    _next_seq_id: int
    _result: Any

    @property
    def _sock(self) -> Any:
        return self._timed

    @_sock.setter
    def _sock(self, sock: Any) -> None:
        self._timed = sock
        if sock is not None:
            sock.owner = weakref.ref(self)
            self._ahead = ReadAhead(sock)

    # -- reading ---------------------------------------------------------------------------------

    def _read_packet(self, packet_type: Any = MysqlPacket) -> Any:
        """PyMySQL's, which asks a buffered file twice for each packet; here most are at hand already.

        A row is a packet, so this is most of what PyMySQL does, and more than makes up for what the pool costs.
        """
        ahead = self._ahead
        received, at = ahead.received, ahead.at
        if len(received) < at + 4:
            received, at = self._have(4)
        length = received[at] | received[at + 1] << 8 | received[at + 2] << 16
        number = self._next_seq_id
        if received[at + 3] != number or length == MAX_PACKET_LEN:
            return super()._read_packet(packet_type)
        self._next_seq_id = (number + 1) & 255
        start = at + 4
        if len(received) < start + length:
            ahead.at = start
            received, start = self._have(length)
        ahead.at = end = start + length
        if packet_type is FieldDescriptorPacket:
            return described(packet_type, received[start:end], self.encoding)
        packet = packet_type(received[start:end], self.encoding)
        if length and received[start] == ERROR:
            if self._result is not None and self._result.unbuffered_active:
                self._result.unbuffered_active = False
            packet.raise_for_error()
        return packet

    def _read_bytes(self, num_bytes: int) -> bytes:
        self._have(num_bytes)
        return bytes(self._ahead.read(num_bytes))

    def _have(self, need: int) -> tuple[bytes, int]:
        """Have at least so many bytes at hand. Returns what there is, and where it begins."""
        try:
            have: tuple[bytes, int] = self._ahead.have(need)
            return have
        except (OSError, EOFError) as error:
            self._force_close()
            raise pymysql.OperationalError(CR.CR_SERVER_LOST, f"{LOST} ({error})") from error
        except BaseException:
            self._force_close()
            raise

    # -- the gate --------------------------------------------------------------------------------

    def _execute_command(self, command: int, sql: Any) -> None:
        known = command == COMMAND.COM_QUERY
        self.admit(sql if known else "" if command == COMMAND.COM_PING else None)
        super()._execute_command(command, sql)
        self.running = True  # an earlier reply, read to its end on the way, had it cleared

    def _answer(self, read: Callable[..., Any], *args: Any) -> Any:
        """Read a reply. Be it an error, it has been read to its end, or PyMySQL has closed the connection."""
        try:
            answer = read(*args)
        except pymysql.MySQLError as error:
            if self.overran:
                self.tell(self)
                raise overran() from None
            self.settled()
            self.noticed(error, error.args[0] if error.args else None)
            raise
        except BaseException:
            self.tell(self)
            raise
        self.settled()
        return answer

    def query(self, sql: Any, unbuffered: bool = False) -> Any:
        try:
            return super().query(sql, unbuffered)
        except pymysql.MySQLError:
            if self.overran:  # while it was sent
                raise overran() from None
            raise

    def _read_query_result(self, unbuffered: bool = False) -> Any:
        self.marked = self.marked or unbuffered
        return self._answer(super()._read_query_result, unbuffered)

    def _read_ok_packet(self) -> Any:
        return self._answer(super()._read_ok_packet)

    def set_character_set(self, charset: Any, collation: Any = None) -> None:
        self._answer(super().set_character_set, charset, collation)

    def show_warnings(self) -> Any:
        return self._answer(super().show_warnings)

    def ping(self, reconnect: bool = False) -> None:
        """As PyMySQL's, but that it never reconnects: the pool would not know of it."""
        super().ping(False)

    # -- what the pool asks ----------------------------------------------------------------------

    def alive(self) -> bool:
        return self._timed is not None

    def transacting(self) -> bool:
        return bool(self.server_status & SERVER_STATUS.SERVER_STATUS_IN_TRANS)

    def own_doing(self, code: Any) -> bool:
        started = self.server_status & IN_READ_ONLY_TRANSACTION
        return code == READ_ONLY and bool(started or self.dirty)

    def unread(self) -> bool:
        result = self._result
        return result is not None and bool(result.unbuffered_active or result.has_next)

    def untouched(self) -> bool:
        result = self._result
        return not (
            self.marked
            or self.running
            or self.server_status & FLAGS != AT_REST
            or self._timed is None
            or (result is not None and result.unbuffered_active)
            or self._read(self) != self._kept
        )

    def connect(self, sock: Any = None) -> None:
        if self._ahead is not None:
            raise pymysql.InterfaceError(
                0, "a connection of a pool cannot be opened again: lease another one"
            )
        super().connect(sock)

    def hang_up(self) -> None:
        self.hung_up = True
        if self._result is not None:
            self._result.unbuffered_active = False  # or its finalizer would go on reading
        self._force_close()


class PyMySQL(OfMySQL, ThreadAdapter):
    """PyMySQL for threads."""

    failures = (pymysql.MySQLError, OSError)

    def __init__(self, target: Target, config: PoolConfig) -> None:
        super().__init__(target, config)
        if self.context is not None:
            self.context.sslsocket_class = TimedSSLSocket

    def open(self, host: str, port: int, address: str, password: str | None, until: float) -> Connection:
        conn = Connection(
            host=host,
            port=port,
            password=(password or "").encode(),  # PyMySQL would take a str for Latin-1
            ssl=self.context,
            ssl_disabled=self.context is None or host.startswith("/"),
            autocommit=True,
            client_flag=FOUND_ROWS,
            defer_connect=True,
            **self.options,
        )
        conn.until = until
        conn.dirty = True  # what is said until it is set up needs no verdict
        conn._ssl_required = self.strict
        conn.client_flag &= ~CLIENT.SSL  # to be set if the server can do it
        conn._secure = host.startswith("/")
        try:
            conn.connect(dial(host, port, address, until, self.config.tcp_timeout))
        except BaseException:
            if conn.overran:
                raise Expired from None
            raise
        finally:
            conn.password = b""  # nobody needs it any more
        return conn

    def run(self, conn: Connection, text: str, arguments: Sequence[object] | None) -> Result:
        if arguments is not None:
            text = Cursor(conn).mogrify(text, arguments)
        conn.query(text)
        result = conn._result
        while conn._result.has_next:  # a procedure's, whose last one is its end
            conn.next_result()
        if result.rows is None:
            return None, (), result.affected_rows
        return tuple([field.name for field in result.fields]), result.rows, result.affected_rows

    def ping(self, conn: Connection) -> None:
        conn.ping()

    def renew(self, conn: Connection) -> None:
        conn._execute_command(COM_RESET_CONNECTION, b"")
        conn._read_ok_packet()

    def number(self, conn: Connection) -> int:
        return int(conn.thread_id())

    def use(self, conn: Connection, database: str) -> None:
        conn.select_db(database)

    def version(self, conn: Connection) -> str:
        return str(conn.server_version)

    def code(self, error: BaseException) -> int | None:
        number = error.args[0] if isinstance(error, pymysql.MySQLError) and error.args else None
        return number if isinstance(number, int) and number else None

    def fileno(self, conn: Connection) -> int:
        return int(conn._sock.fileno())

    def goodbye(self, conn: Connection) -> None:
        if conn._sock is not None:
            conn._sock.farewell(QUIT)
        conn.hang_up()
