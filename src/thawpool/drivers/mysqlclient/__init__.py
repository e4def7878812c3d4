"""MySQL and MariaDB through mysqlclient (``MySQLdb``), for threads.

The client library blocks where Python cannot end the wait. So the watchdog ends it, and a dial has a thread of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import ceil
from time import monotonic
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import MySQLdb
from MySQLdb.connections import Connection as Plain
from MySQLdb.constants import CLIENT

from ..._url import mysqlclient_tls
from .._adapter import Result
from .._guarded import peer_of
from .._marks import INFINITY
from .._mysql.adapter import FOUND_ROWS, OfMySQL
from .._shells import ThreadAdapter
from .._socket import shut
from .._threaded_dial import ThreadedDial
from .._watchdog import Wire
from .connection import Connection, code_of

if TYPE_CHECKING:
    from ..._url import Target
    from ...config import PoolConfig

__all__ = ["MySQLClient"]

TLS_ERROR = 2026


class MySQLClient(OfMySQL, ThreadAdapter):
    """mysqlclient for threads."""

    failures = (MySQLdb.MySQLError, OSError)
    code = staticmethod(code_of)

    def __init__(self, target: Target, config: PoolConfig) -> None:
        super().__init__(target, config)
        self.options = {
            "charset": self.session.charset,
            "client_flag": FOUND_ROWS,
            **self.options,
            **mysqlclient_tls(target),
        }
        self.dialer = ThreadedDial(Plain.close)

    def _addresses(self, until: float) -> dict[str, list[str]]:
        return {}  # the library looks names up, in the thread of the dial

    def open(self, host: str, port: int, address: str, password: str | None, until: float) -> Connection:
        if host.startswith("/"):
            where: dict[str, Any] = {"unix_socket": host}
        else:  # "localhost" would mean the Unix socket in the library's default place
            where = {"host": "127.0.0.1" if host == "localhost" else host, "port": port}

        conn = Plain.__new__(Plain)

        def connect() -> Plain:
            limits = {"connect_timeout": max(1, ceil(until - monotonic())), "autocommit": True}
            conn.__init__(password=password or "", **where, **limits, **self.options)
            if self.strict and not conn.client_flag & CLIENT.SSL:
                conn.close()  # MariaDB's library goes on without TLS where only TLS is demanded, and no certificate
                raise MySQLdb.OperationalError(
                    TLS_ERROR, "SSL is required, but the server does not support it"
                )
            return conn

        def hurry() -> None:
            fd = conn.fileno() if conn.open else -1  # before that there is nothing to ask
            peer = peer_of(fd, None)
            if peer == host or peer[1] == port:
                shut(fd)

        self.dialer.dial(connect, until, hurry)
        conn.__class__ = Connection
        fd = conn.fileno()
        peer_of(fd, self.config.tcp_timeout)
        # Not the connection, which nothing but its lease shall hold.
        asked = SimpleNamespace(where=(host, port, address))
        conn.wire = Wire(fd, self.config.tcp_timeout, partial(self.answers, asked))
        return conn  # type: ignore[no-any-return]

    def run(self, conn: Connection, text: str, arguments: Sequence[object] | None) -> Result:
        query = text.encode(conn.encoding)
        if arguments is not None:
            query %= tuple(map(conn.literal, arguments))
        result = conn.answer(query)
        count = conn.affected_rows()
        while conn.next_result() == 0:  # a procedure's, whose last one is its end
            conn.store_result()
        if result is None:
            return None, (), count
        rows = result.fetch_row(0)
        return tuple([column[0] for column in result.describe()]), rows, len(rows)

    def ping(self, conn: Connection) -> None:
        conn.ping()

    def renew(self, conn: Connection) -> None:
        """Log in anew: COM_RESET_CONNECTION, which does the same in one round trip instead of two, is not offered."""
        database = [] if self.target.database is None else [self.target.database]
        conn.change_user(self.options["user"], self._password(INFINITY) or "", *database)

    async def _commit(self, conn: Connection) -> bool:
        """The library does not tell whether a transaction is still open after a lock that took too long."""
        if conn.doubtful:
            _, rows, _ = await self._send(conn, "SELECT @@innodb_rollback_on_timeout")
            conn.undone = conn.undone or bool(rows[0][0])
        return await super()._commit(conn)

    def number(self, conn: Connection) -> int:
        return int(conn.thread_id())

    def use(self, conn: Connection, database: str) -> None:
        conn.select_db(database)

    async def _home(self, conn: Connection) -> None:
        """The login names the database."""

    def version(self, conn: Connection) -> str:
        return str(conn.get_server_info())

    def fileno(self, conn: Connection) -> int:
        return conn.wire.fd  # the library does not tell while a thread is in it, as one may be at a fork

    def goodbye(self, conn: Connection) -> None:
        if conn.running or not conn.alive():
            conn.wire.shut()  # nobody reads what was sent, and a goodbye would wait behind it
        conn.close()

    def abort(self, conn: Connection) -> None:
        conn.wire.shut()
