"""MySQL and MariaDB through mysql.connector, for threads: in its pure mode, as its C extension shows no socket."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from mysql.connector import Error
from mysql.connector.constants import ServerCmd

from .._adapter import Result
from .._dial import Expired
from .._mysql.adapter import FOUND_ROWS, OfMySQL
from .._shells import ThreadAdapter
from .._timed_socket import TimedSSLSocket, dial
from .connection import Connection, Protocol, number_of

if TYPE_CHECKING:
    from ..._url import Target
    from ...config import PoolConfig
    from ..base import Params

__all__ = ["MySQLConnector"]

QUIT: Final = bytes([1, 0, 0, 0, ServerCmd.QUIT])


class MySQLConnector(OfMySQL, ThreadAdapter):
    """mysql.connector for threads."""

    failures = (Error, OSError)

    def __init__(self, target: Target, config: PoolConfig) -> None:
        super().__init__(target, config)
        self.options.pop("charset", None)
        collation = self.options.pop("collation", None)
        names = f"SET NAMES {self.session.charset}" + (f" COLLATE {collation}" if collation else "")
        #: What a session is told after the library has begun it, be it anew.
        self.first = f"{names}, SESSION autocommit = 1"
        if self.context is not None:
            self.context.sslsocket_class = TimedSSLSocket

    def open(self, host: str, port: int, address: str, password: str | None, until: float) -> Any:
        unix = host.startswith("/")
        conn: Any = Connection()
        conn.until, conn.context = until, self.context
        conn.first = self.first if self.session.pooled else ""  # else the greeting says it
        conn.strict = self.strict and not unix
        conn.dialed = dial(host, port, address, until, self.config.tcp_timeout)
        try:
            conn.connect(
                host=host,
                port=port,
                unix_socket=host if unix else None,
                password=password or "",
                ssl_disabled=self.context is None,
                client_flags=[FOUND_ROWS],
                **self.options,
            )
            conn._charset_id = conn._character_set.get_charset_info(self.session.charset)[0]
            conn.converter.set_charset(self.session.charset, character_set=conn._character_set)
        except BaseException:
            conn.hang_up()
            if conn.overran:
                raise Expired from None
            raise
        finally:
            conn._password = ""  # nobody needs it any more
            conn._authenticator._passwords = {}
            conn._authenticator._auth_strategy = None
        conn._protocol = Protocol()
        conn.first = self.first
        return conn

    def arranged(self, sql: str, params: Params | None) -> tuple[Any, Sequence[object] | None]:
        """In pieces, as the library has no way to write a percent sign beside a placeholder."""
        if params is None:
            return sql, None
        from .._placeholders import FORMAT_MYSQL, compile_placeholders

        compiled = compile_placeholders(sql, FORMAT_MYSQL)
        return compiled.pieces, compiled.arrange(params)

    def run(self, conn: Any, text: Any, arguments: Sequence[object] | None) -> Result:
        """The first result; further ones, as of a procedure, are read and dropped."""
        sql = text.encode(conn.python_charset) if arguments is None else conn.filled(text, arguments)
        result: Result = conn.taken(conn.cmd_query(sql))
        while conn._have_next_result:
            conn.taken(conn._handle_result(conn._socket.recv()))
        return result

    def ping(self, conn: Any) -> None:
        conn.cmd_ping()

    def renew(self, conn: Any) -> None:
        conn._handle_ok(conn._send_cmd(ServerCmd.RESET_CONNECTION))
        conn._sql_mode = None  # asked for anew when it is needed

    def number(self, conn: Any) -> int:
        return int(conn.connection_id)

    def use(self, conn: Any, database: str) -> None:
        conn.cmd_init_db(database)

    def version(self, conn: Any) -> str:
        return str(conn.server_info)

    def code(self, error: BaseException) -> int | None:
        return number_of(error)

    def fileno(self, conn: Any) -> int:
        return int(conn._socket.sock.fileno())

    def goodbye(self, conn: Any) -> None:
        if conn.alive():
            conn._socket.sock.farewell(QUIT)
        conn.hang_up()
