"""PostgreSQL through psycopg2, for threads.

libpq blocks here where Python cannot end the wait. So the watchdog ends it, and a dial has a thread of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from math import ceil
from time import monotonic
from typing import TYPE_CHECKING, Any

import psycopg2
from psycopg2 import extensions

from ..._url import libpq_options
from .._adapter import Result
from .._guarded import peer_of
from .._placeholders import FORMAT_POSTGRESQL, compile_placeholders
from .._postgresql.adapter import OfPostgreSQL
from .._postgresql.alive import ANSWER_TIMEOUT, Address, answers
from .._shells import ThreadAdapter
from .._threaded_dial import ThreadedDial
from .._watchdog import Wire
from ..base import Params
from .connection import Connection, code_of

if TYPE_CHECKING:
    from ..._url import Target
    from ...config import PoolConfig

__all__ = ["Psycopg2"]

OWN_KEEPALIVES = ("keepalives", "tcp_user_timeout")

BYTES = extensions.new_type((17,), "BYTES", lambda value, cursor: _bytes(psycopg2.BINARY(value, cursor)))
#: Whose values psycopg2 gives as a ``memoryview``, where every other driver gives ``bytes``.
CASTS = {17: BYTES, 1001: extensions.new_array_type((1001,), "BYTES[]", BYTES)}


def _bytes(value: memoryview | None) -> bytes | None:
    return None if value is None else bytes(value)


class Psycopg2(OfPostgreSQL, ThreadAdapter):
    """psycopg2 for threads."""

    failures = (psycopg2.Error, OSError)
    code = staticmethod(code_of)

    def __init__(self, target: Target, config: PoolConfig) -> None:
        super().__init__(target, config)
        self.options: dict[str, Any] = {
            **libpq_options(target, psycopg2.__libpq_version__),
            "connection_factory": Connection,
        }
        self.dialer = ThreadedDial(self.close)

    # -- dialing ---------------------------------------------------------------------------------

    def _addresses(self, until: float) -> dict[str, list[str]]:
        return {}  # libpq looks names up, in the thread of the dial

    def _attempts(self, addresses: Mapping[str, list[str]]) -> Iterator[tuple[Any, Any, str]]:
        if self.options.get("target_session_attrs") == "prefer-standby":  # all are asked before any is taken
            hosts, ports = zip(*self.target.hosts, strict=True)
            yield ",".join(hosts), ",".join(map(str, ports)), ""
        else:
            yield from super()._attempts(addresses)

    def open(self, host: Any, port: Any, address: str, password: str | None, until: float) -> Connection:
        def connect() -> Connection:
            seconds = max(1, ceil(until - monotonic()))
            where = {"host": host or None, "port": port, "password": password, "connect_timeout": seconds}
            conn: Connection = psycopg2.connect(**self.options, **where)
            extensions.connection.autocommit.__set__(conn, True)
            return conn

        conn: Connection = self.dialer.dial(connect, until)
        fd = conn.fileno()
        given = any(name.startswith(OWN_KEEPALIVES) for name in self.options)
        conn.address = peer_of(fd, None if given else self.config.tcp_timeout)
        conn.wire = Wire(fd, self.config.tcp_timeout, partial(answers, conn.address, ANSWER_TIMEOUT))
        return conn

    # -- a driver's steps ------------------------------------------------------------------------

    def run(self, conn: Connection, text: str, arguments: Sequence[object] | None) -> Result:
        cursor = extensions.cursor(conn)
        cursor.string_types = CASTS
        conn.io("", cursor.execute, text, arguments)
        if cursor.description is None:
            return None, (), cursor.rowcount
        return tuple([column.name for column in cursor.description]), cursor.fetchall(), cursor.rowcount

    def arranged(self, sql: str, params: Params | None) -> tuple[str, Sequence[object] | None]:
        if params is None:
            return sql, None
        compiled = compile_placeholders(sql, FORMAT_POSTGRESQL)
        return compiled.text, compiled.arrange(params)

    def ping(self, conn: Connection) -> None:
        conn.io("", extensions.cursor(conn).execute, "SELECT 1")

    def backend(self, conn: Connection) -> int:
        return int(conn.get_backend_pid())

    def address(self, conn: Connection) -> Address:
        return conn.address

    def fileno(self, conn: Connection) -> int:
        return conn.wire.fd

    async def _clear(self, conn: Connection) -> bool:
        if conn.status == extensions.STATUS_BEGIN:
            conn.rollback()  # of its own, after which it takes no statement for the first of a transaction
        conn.restore()
        undone = await super()._clear(conn)
        conn.renew()
        return undone

    async def _commit(self, conn: Connection) -> bool:
        cursor = extensions.cursor(conn)
        conn.io("", cursor.execute, "COMMIT")
        return bool(cursor.statusmessage == "COMMIT")

    # -- verbs that never wait -------------------------------------------------------------------

    def goodbye(self, conn: Connection) -> None:
        if conn.running:
            conn.wire.shut()  # nobody reads what was sent, and a goodbye would wait behind it
        conn.close()

    def abort(self, conn: Connection) -> None:
        conn.wire.shut()
