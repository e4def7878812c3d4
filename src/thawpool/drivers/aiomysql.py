"""MySQL and MariaDB through aiomysql, for asyncio."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from typing import Any, ClassVar

from aiomysql.connection import Connection as Plain
from aiomysql.cursors import Cursor
from pymysql.connections import MAX_PACKET_LEN, MysqlPacket
from pymysql.constants import CLIENT
from pymysql.err import MySQLError, OperationalError
from pymysql.protocol import FieldDescriptorPacket

from ._marks import INFINITY
from ._mysql.over_streams import OverStreams
from ._mysql.packets import ERROR, described
from ._mysql.streams import AT_REST, FLAGS, Stream

__all__ = ["Aiomysql"]


class _Closed:
    """What is left of a transport, for a ``StreamWriter``."""

    def is_closing(self) -> bool:
        return True


class Connection(Stream, Plain):  # type: ignore[misc]
    """``aiomysql.Connection`` as the pool lends it."""

    errors: ClassVar[type[Exception]] = MySQLError
    refusal: ClassVar[type[Exception]] = OperationalError
    settings: ClassVar[tuple[str, ...]] = ("cursorclass", "decoders", "encoders", "use_unicode")
    tables: ClassVar[tuple[str, ...]] = ("decoders", "encoders")
    stated: ClassVar[tuple[str, ...]] = ("autocommit_mode", "_charset", "_encoding")
    _reader: Any
    _writer: Any
    _next_seq_id: int

    @property
    def stream(self) -> Any:
        return None if self._writer is None else self._writer.transport

    async def _connect(self) -> None:
        self.refuse_again()
        await super()._connect()

    async def reach(self) -> None:
        await self._connect()

    def forget_password(self) -> None:
        self._password = ""

    def _dropped(self) -> None:
        self._writer._transport = _Closed()  # or its finalizer would complain of what was cut off beneath it
        self._reader = self._writer = None

    def _without_tls(self) -> None:
        self.client_flag &= ~CLIENT.SSL

    # -- reading ---------------------------------------------------------------------------------

    async def _read_packet(self, packet_type: Any = MysqlPacket) -> Any:
        """aiomysql's, which awaits its reader twice for each packet; here most are at hand already.

        A row is a packet, so this is most of what aiomysql does, and more than makes up for what the pool costs.
        """
        reader = self._reader
        at_hand: Any = reader._buffer if reader is not None else b""
        if len(at_hand) < 4:
            return await super()._read_packet(packet_type)
        length = at_hand[0] | at_hand[1] << 8 | at_hand[2] << 16
        end = 4 + length
        if at_hand[3] != self._next_seq_id or length == MAX_PACKET_LEN or len(at_hand) < end:
            return await super()._read_packet(packet_type)
        self._next_seq_id = (self._next_seq_id + 1) & 255
        payload = bytes(at_hand[4:end])
        del at_hand[:end]
        if reader._paused:
            reader._maybe_resume_transport()
        if packet_type is FieldDescriptorPacket:
            return described(packet_type, payload, self._encoding)
        packet = packet_type(payload, self._encoding)
        if payload and payload[0] == ERROR:
            if self._result is not None and self._result.unbuffered_active:
                self._result.unbuffered_active = False
            packet.raise_for_error()
        return packet

    def _read_bytes(self, num_bytes: int) -> Coroutine[Any, Any, bytes]:
        reading: Coroutine[Any, Any, bytes] = super()._read_bytes(num_bytes)
        return reading if self.until == INFINITY else self.in_time(reading)

    # -- what the pool asks ----------------------------------------------------------------------

    def alive(self) -> bool:
        return self._writer is not None and not self._reader._eof

    def unread(self) -> bool:
        result = self._result
        return (self._reader is not None and bool(self._reader._buffer)) or (
            result is not None and bool(result.unbuffered_active or result.has_next)
        )

    def untouched(self) -> bool:
        return self.server_status & FLAGS == AT_REST and super().untouched()


class Aiomysql(OverStreams):
    """aiomysql for asyncio."""

    connection: ClassVar[Any] = Connection
    cursor: ClassVar[Any] = Cursor
    error: ClassVar[type[Exception]] = MySQLError
    failures: ClassVar[tuple[type[Exception], ...]] = (MySQLError, OSError)
    words: ClassVar[Mapping[str, str | None]] = {"database": "db", "collation": None}
