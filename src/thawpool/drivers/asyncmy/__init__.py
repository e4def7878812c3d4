"""MySQL and MariaDB through asyncmy, for asyncio."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from typing import Any, ClassVar, Final

from asyncmy.connection import Connection as Plain
from asyncmy.constants.CLIENT import SSL
from asyncmy.cursors import Cursor
from asyncmy.errors import MySQLError, OperationalError

from .._marks import INFINITY
from .._mysql.over_streams import OverStreams
from .._mysql.streams import AT_REST, FLAGS, Stream
from .straight import Straight

__all__ = ["Asyncmy"]

#: A time limit of its own, in seconds, which is never the one that ends a dial.
LONG: Final = 86_400.0
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

    async def reach(self) -> None:
        self._shapes = {}
        await self.connect()

    def forget_password(self) -> None:
        self._password = b""

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


class Asyncmy(OverStreams):
    """asyncmy for asyncio."""

    connection: ClassVar[Any] = Connection
    cursor: ClassVar[Any] = Cursor
    error: ClassVar[type[Exception]] = MySQLError
    failures: ClassVar[tuple[type[Exception], ...]] = (MySQLError, OSError)
    further: ClassVar[Mapping[str, Any]] = {"connect_timeout": LONG}

    async def renew(self, conn: Any) -> None:
        await super().renew(conn)
        conn._stmt_cache.clear()  # the server has forgotten them
