"""The socket of a mysql.connector connection: the only way in and out, so the gate and the deadline are here."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, Final

from mysql.connector.errors import InterfaceError, OperationalError
from mysql.connector.network import MAX_PAYLOAD_LENGTH, MySQLSocket

from .._dial import Expired
from .._read_ahead import ReadAhead

__all__ = ["NO_TLS", "Stream"]

NOT_SENT: Final = 2006
LOST: Final = 2013
NO_TLS: Final = 2026
LOST_TEXT: Final = "Lost connection to MySQL server during query"


class Stream(MySQLSocket):
    """The library's, over a socket that was connected and minds the deadline of its connection."""

    def __init__(self, conn: Any, sock: Any, where: str) -> None:
        super().__init__()
        self._owner: Callable[[], Any] = weakref.ref(conn)
        self._where = where
        self._number = 0
        self._take(sock)

    def __del__(self) -> None:
        """The library would shut the socket down, which a child process shares with its parent."""
        self.close_connection()

    def _take(self, sock: Any) -> None:
        sock.owner = self._owner
        self.sock: Any = sock
        self._ahead = ReadAhead(sock)

    @property
    def address(self) -> str:
        return self._where

    def open_connection(self) -> None:
        """It is open."""

    def close_connection(self) -> None:
        sock, self.sock = self.sock, None
        if sock is not None:
            sock.close()

    # -- TLS -------------------------------------------------------------------------------------

    def build_ssl_context(self, *_: Any, **__: Any) -> Any:
        """The adapter's, which the library would build anew for each dial."""
        return self._owner().context

    def switch_to_ssl(self, ssl_context: Any, host: str) -> None:
        try:
            self._take(ssl_context.wrap_socket(self.sock, server_hostname=host))
        except TimeoutError:
            raise Expired from None
        except OSError as error:
            raise InterfaceError(errno=NO_TLS, values=(str(error),)) from error

    # -- packets ---------------------------------------------------------------------------------

    def send(self, payload: bytes, packet_number: int | None = None, *_: Any, **__: Any) -> None:
        """Send what follows on the last packet, or with the number 0 a command."""
        conn, sock = self._owner(), self.sock
        if packet_number == 0:
            conn.admit(conn.text_of(payload))
        if sock is None:
            raise OperationalError(errno=NOT_SENT)
        number = self._number + 1 if packet_number is None else packet_number
        try:
            for start in range(0, len(payload) + 1, MAX_PAYLOAD_LENGTH):
                part = payload[start : start + MAX_PAYLOAD_LENGTH]
                sock.sendall(len(part).to_bytes(3, "little") + bytes((number & 255,)) + part)
                number += 1
        except OSError as error:
            self.close_connection()
            if conn.overran:
                raise
            raise OperationalError(errno=NOT_SENT) from error
        except BaseException:
            conn.hang_up()
            raise
        self._number = number - 1

    def recv(self, read_timeout: int | None = None) -> Any:
        """The next packet. The library would make a system call for each half of it."""
        ahead = self._ahead
        received, at = ahead.received, ahead.at
        try:
            if len(received) < at + 4:
                received, at = ahead.have(4)
            size = 4 + (received[at] | received[at + 1] << 8 | received[at + 2] << 16)
            if len(received) < at + size:
                received, at = ahead.have(size)
        except (EOFError, OSError) as error:
            self.close_connection()
            if (conn := self._owner()).overran:
                conn.tell(conn)
                raise
            raise OperationalError(f"{LOST_TEXT} ({error})", LOST) from error
        except BaseException:
            (conn := self._owner()).hang_up()
            conn.tell(conn)
            raise
        self._number = received[at + 3]
        ahead.at = end = at + size
        return received[at:end]
