"""The straight way of a plain statement through asyncmy, for a result whose columns are known.

asyncmy reads the description of each column anew each time, and awaits each packet by itself. A pool asks the same
things all day: here a description that was read before is recognised by its bytes, and the reply is taken as a whole
if it is there. Whatever is not as simple as that goes asyncmy's own way, and so does everything under a release whose
insides nobody has read for this file.
"""

from __future__ import annotations

import struct
from typing import Any, Final

from asyncmy.connection import MySQLResult
from asyncmy.errors import MySQLError
from asyncmy.protocol import parse_rows_from_buffer
from asyncmy.version import __VERSION__

__all__ = ["KNOWN", "Straight"]

#: Whether this is a release whose insides are the ones known here.
KNOWN: Final = __VERSION__.startswith("0.2.") and hasattr(MySQLResult, "_check_packet_is_eof")
#: How many sets of columns are known at a time, for each connection.
KEPT: Final = 256
#: The longest statement that goes this way, in bytes: it is written at once.
LONGEST: Final = 8000
COM_QUERY: Final = 0x03
PRELUDE: Final = struct.Struct("<iB")
#: A packet of so many bytes is a row, whatever its first byte.
MAX_PACKET: Final = 0xFFFFFF
#: How the packet begins that ends the rows, how long it is, and the flag in it that more results follow.
END, LENGTH, MORE = 0xFE, 7, 8


class Straight:
    """To be mixed into asyncmy's connection class, behind ``Stream``."""

    #: What is known of results, by what describes them.
    _shapes: dict[tuple[bytes, str, bool, int], tuple[Any, ...]]

    async def query(self: Any, sql: Any, unbuffered: bool = False) -> Any:
        last = self._result
        if (
            unbuffered
            or len(sql) > LONGEST
            or not (KNOWN and self._deprecate_eof and self._connected)
            or (last is not None and (last.has_next or last.unbuffered_active))
        ):
            return await super().query(sql, unbuffered)  # type: ignore[misc]
        text = sql.encode(self._encoding, "surrogateescape") if type(sql) is str else sql
        self.admit(text)
        self._result = None
        self._write_bytes(PRELUDE.pack(len(text) + 1, COM_QUERY) + text)
        self._next_seq_id = 1
        try:
            received = self._proto
            if received.length - received.pos < 4:
                await self._fill_buffer(4)
            head = self._head()
            key = head, self._encoding, self._use_unicode, id(self._decoders)
            shape = self._shapes.get(key)
            if shape is not None:
                received.pos += len(head)
                self._next_seq_id = (2 + shape[0]) & 255
                await self._read_rows(shape)
            elif head:
                shape = await self._described()
                if len(self._shapes) >= KEPT:
                    self._shapes.clear()
                self._shapes[key] = shape
                await self._read_rows(shape)
            else:
                await super()._read_query_result()  # type: ignore[misc]
        except MySQLError as error:
            self._failed(error)
            raise
        except GeneratorExit:
            raise  # the coroutine is being closed and may not await any more
        except BaseException:
            await self.tell(self)
            raise
        self.running = False
        return self._affected_rows

    def _head(self: Any) -> bytes:
        """The packets that describe the columns of the result; none if it is another reply, or not all there."""
        received = self._proto
        buffer, start, end = received.buffer, received.pos, received.length
        if end - start < 5 or buffer[start] != 1 or buffer[start + 1] or buffer[start + 2]:
            return b""
        at, columns = start + 5, buffer[start + 4]
        if not 0 < columns <= 250:
            return b""
        for _ in range(columns):
            if at + 4 > end:
                return b""
            at += 4 + (buffer[at] | buffer[at + 1] << 8 | buffer[at + 2] << 16)
        return bytes(buffer[start:at]) if at <= end else b""

    async def _described(self: Any) -> tuple[Any, ...]:
        """Have asyncmy read the description of a result's columns."""
        result: Any = MySQLResult(self)
        result.field_count = (await self.read_packet()).read_length_encoded_integer()
        await result._get_descriptions()
        converters = tuple(result.converters)
        return result.field_count, result.fields, result.converters, converters, result.description

    async def _read_rows(self: Any, shape: tuple[Any, ...]) -> None:
        """Read the rows of a result whose columns are known.

        asyncmy's own way takes a row that begins with 16 MB or more for the end of all rows.
        """
        received = self._proto
        result: Any = MySQLResult(self)
        result.field_count, result.fields, result.converters, converters, result.description = shape
        rows: list[Any] = []
        start, number = received.pos, self._next_seq_id
        while True:
            buffer, end = received.buffer, received.length
            start, number = parse_rows_from_buffer(buffer, start, end, converters, number, rows, True)
            received.pos, self._next_seq_id = start, number
            if (
                end - start >= 4 + LENGTH
                and buffer[start] == LENGTH
                and not (buffer[start + 1] or buffer[start + 2])
                and buffer[start + 3] == number
                and buffer[start + 4] == END
            ):
                received.pos = start + 4 + LENGTH
                self._next_seq_id = (number + 1) & 255
                result.server_status = self.server_status = buffer[start + 7] | buffer[start + 8] << 8
                result.warning_count = buffer[start + 9] | buffer[start + 10] << 8
                result.has_next = result.server_status & MORE
                break
            packet = await self.read_packet()  # the rest is on its way, or it is longer
            if len(packet.get_all_data()) < MAX_PACKET and result._check_packet_is_eof(packet):
                self.server_status = result.server_status
                break
            rows.append(packet.read_row(converters))
            start, number = received.pos, self._next_seq_id
        result.connection = None
        result.affected_rows = self._affected_rows = len(rows)
        result.rows = tuple(rows)
        self._result = result
