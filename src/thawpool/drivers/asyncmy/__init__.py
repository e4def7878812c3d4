"""MySQL and MariaDB through asyncmy, for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from time import monotonic
from typing import Any, ClassVar

from asyncmy.connection import Connection as Plain
from asyncmy.constants.CLIENT import SSL
from asyncmy.cursors import Cursor
from asyncmy.errors import MySQLError, OperationalError

from .._adapter import Expired, Result
from .._marks import INFINITY
from .._mysql.adapter import COM_RESET_CONNECTION, FOUND_ROWS, OfMySQL
from .._mysql.streams import AT_REST, FLAGS, Stream
from .._shells import AsyncAdapter
from .straight import Straight

__all__ = ["Asyncmy"]

#: Typed as anything, since its types say nothing of what is used here.
Base: Any = Plain


class Connection(Stream, Straight, Base):  # type: ignore[misc]
    """``asyncmy.Connection`` as the pool lends it."""

    errors: ClassVar[type[Exception]] = MySQLError
    refusal: ClassVar[type[Exception]] = OperationalError
    settings: ClassVar[tuple[str, ...]] = ("_cursor_cls", "_decoders", "_encoders", "_use_unicode")
    stated: ClassVar[tuple[str, ...]] = ("autocommit_mode", "_charset", "_encoding")
    _transport: Any
    _proto: Any
    _connected: bool
    server_version: str
    _stmt_cache: dict[str, Any]

    @property
    def stream(self) -> Any:
        return self._transport

    def _without_tls(self) -> None:
        self._client_flag &= ~SSL

    def restore(self) -> None:
        super().restore()
        self._shapes.clear()  # they know a table by its place in memory, where another one may be by now

    async def connect(self) -> Any:
        self.refuse_again()
        return await super().connect()

    def _dropped(self) -> None:
        self._transport = None
        self._connected = False

    def _fill_buffer(self, need: int) -> Coroutine[Any, Any, None]:
        waiting: Coroutine[Any, Any, None] = super()._fill_buffer(need)
        return waiting if self.until == INFINITY else self.in_time(waiting)

    def alive(self) -> bool:
        return self._connected and not self._proto.eof

    def unread(self) -> bool:
        result, received = self._result, self._proto
        return received.length != received.pos or (
            result is not None and bool(result.unbuffered_active or result.has_next)
        )

    def untouched(self) -> bool:
        return self.server_status & FLAGS == AT_REST and not (
            self.marked
            or self.running
            or not self._connected
            or self._proto.eof
            or self._proto.length != self._proto.pos
            or self._read(self) != self._kept
        )


class Asyncmy(OfMySQL, AsyncAdapter):
    """asyncmy for asyncio."""

    failures: ClassVar[tuple[type[Exception], ...]] = (MySQLError, OSError)

    async def open(self, host: str, port: int, address: str, password: str | None, until: float) -> Any:
        unix = host.startswith("/")
        conn: Any = Connection(
            host=address or host,
            port=port,
            unix_socket=host if unix else None,
            password=(password or "").encode().decode("latin-1"),  # asyncmy makes Latin-1 of it
            ssl=None if unix else self.context,
            autocommit=True,
            client_flag=FOUND_ROWS,
            connect_timeout=max(1.0, until - monotonic()),  # not what ends it
            **{name: value for name, value in self.options.items() if name != "collation"},
        )
        conn.name, conn.strict, conn.tcp_timeout, conn._shapes = (
            host,
            self.strict,
            self.config.tcp_timeout,
            {},
        )
        try:
            async with asyncio.timeout(until - monotonic()):
                await conn.connect()
        except TimeoutError:
            raise Expired from None
        finally:
            conn._password = b""  # nobody needs it any more
        conn.opened()
        return conn

    async def run(self, conn: Any, text: str, arguments: Sequence[object] | None) -> Result:
        if arguments is not None:
            text = Cursor(conn).mogrify(text, arguments)
        await conn.query(text)
        result = conn._result
        while conn._result.has_next:  # a procedure's, whose last one is its end
            await conn.next_result()
        if result.description is None:
            return None, (), result.affected_rows
        return tuple([column[0] for column in result.description]), result.rows, result.affected_rows

    async def ping(self, conn: Any) -> None:
        await conn.ping()

    async def renew(self, conn: Any) -> None:
        await conn._execute_command(COM_RESET_CONNECTION, b"")
        await conn._read_ok_packet()
        conn._stmt_cache.clear()  # the server has forgotten them

    def number(self, conn: Any) -> int:
        return int(conn.thread_id())

    async def use(self, conn: Any, database: str) -> None:
        await conn.select_db(database)

    def version(self, conn: Any) -> str:
        return str(conn.server_version)

    def code(self, error: BaseException) -> int | None:
        number = error.args[0] if isinstance(error, MySQLError) and error.args else None
        return number if isinstance(number, int) and number else None

    def fileno(self, conn: Any) -> int:
        return int(conn.sock.fileno())

    def goodbye(self, conn: Any) -> None:
        conn.part()
