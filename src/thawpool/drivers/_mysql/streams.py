"""What the asyncio connections to MySQL have in common: asyncmy's and aiomysql's are children of PyMySQL's.

Their classes differ in how they read; both send through ``_execute_command``, and read a reply through
``_read_query_result`` or ``_read_ok_packet``.
"""

from __future__ import annotations

import asyncio
import os
from abc import abstractmethod
from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Any, ClassVar, Final, TypeVar

from .. import _mysql
from .._marks import Marked
from .._refusals import overran
from .._socket import orphan, shut
from .._transport import beneath, cut, discard, keep_alive
from .sent import stateful_as_sent

__all__ = ["AT_REST", "FLAGS", "Stream"]

T = TypeVar("T")
COM_QUIT: Final = 0x01
COM_QUERY: Final = 0x03
COM_PING: Final = 0x0E
QUIT: Final = b"\x01\0\0\0" + bytes([COM_QUIT])
#: Flags of the server's status.
IN_TRANSACTION: Final = 0x1
AT_REST: Final = 0x2  # autocommit
MORE_RESULTS: Final = 0x8
IN_READ_ONLY_TRANSACTION: Final = 0x2000
FLAGS: Final = IN_TRANSACTION | AT_REST | MORE_RESULTS
#: The server's capability, and the error for want of it.
CLIENT_SSL: Final = 0x800
SSL_ERROR: Final = 2026
#: The error of a write in a READ ONLY transaction.
READ_ONLY: Final = 1792


async def _untold(conn: Any) -> None:
    """What a connection tells its server before it is set up."""


class Stream(Marked):
    """To be mixed into a library's connection class."""

    server: ClassVar[Any] = _mysql
    #: The base of the library's errors.
    errors: ClassVar[type[Exception]]
    #: What the library raises for a connection that cannot be.
    refusal: ClassVar[type[Exception]]
    alone: ClassVar[bool] = True
    tell: Callable[[Any], Coroutine[Any, Any, None]] = staticmethod(_untold)
    server_status: int
    server_capabilities: int
    _ssl_context: Any
    _loop: asyncio.AbstractEventLoop
    _result: Any
    _host: str

    #: By which name the library verifies the certificate, where it connects to an address.
    name: str
    #: Whether nothing may be sent in plain text.
    strict: bool = False
    #: See the pool's option.
    tcp_timeout: float = 5.0
    #: The socket, as far as a transport shows it.
    sock: Any = None
    _process: int = 0

    # -- the gate --------------------------------------------------------------------------------

    def _execute_command(self, command: int, sql: Any) -> Coroutine[Any, Any, None]:
        # What ``admit`` does, without a call for the most frequent case.
        if command == COM_QUERY and self.leased and (self.noted or self.dirty or not stateful_as_sent(sql)):
            self.noted = False
            if self.running:
                self.torn = self.marked = True
            self.running = True
            self.sent = sql
        else:
            self.admit(sql if command == COM_QUERY else "" if command == COM_PING else None)
        sending: Coroutine[Any, Any, None] = super()._execute_command(command, sql)  # type: ignore[misc]
        return sending

    async def _read_query_result(self, unbuffered: bool = False) -> None:
        self.running = True  # an earlier reply, read to its end on the way, had it cleared
        if unbuffered:
            self.marked = True
        try:
            await super()._read_query_result(unbuffered)  # type: ignore[misc]
        except self.errors as error:
            self._failed(error)
            raise
        except GeneratorExit:
            raise  # the coroutine is being closed and may not await any more
        except BaseException:
            await self.tell(self)
            raise
        self.running = False

    async def _read_ok_packet(self) -> Any:
        self.running = True
        try:
            answer = await super()._read_ok_packet()  # type: ignore[misc]
        except self.errors as error:
            self._failed(error)
            raise
        self.running = False
        return answer

    async def show_warnings(self) -> Any:
        rows = await super().show_warnings()  # type: ignore[misc]
        self.running = False
        return rows

    def _failed(self, error: Exception) -> None:
        """The server's own error is the end of a reply. After one of the library's nobody knows what comes next."""
        code = error.args[0] if error.args else None
        if _mysql.from_server(code):
            self.running = False
        else:
            self._cut()
        self.noticed(error, code)

    def escape(self, obj: Any, *mapping: Any) -> Any:
        """As the library's, but for bytes: one has no way to write them beside a newer PyMySQL, the other has none
        that is safe in each of the server's modes."""
        return f"X'{obj.hex()}'" if isinstance(obj, (bytes, bytearray)) else super().escape(obj, *mapping)  # type: ignore[misc]

    async def in_time(self, reading: Coroutine[Any, Any, T]) -> T:
        """Await what reads from the server, ended at the deadline."""
        try:
            async with asyncio.timeout(self.until - monotonic()):
                return await reading
        except TimeoutError:
            self.overran = True
            self.hang_up()
            raise overran() from None

    async def ping(self, reconnect: bool = False) -> None:
        """As the library's, but that it never reconnects: the pool would not know of it."""
        await super().ping(False)  # type: ignore[misc]

    # -- what the pool asks ----------------------------------------------------------------------

    def transacting(self) -> bool:
        return bool(self.server_status & IN_TRANSACTION)

    def own_doing(self, code: Any) -> bool:
        return code == READ_ONLY and bool(self.server_status & IN_READ_ONLY_TRANSACTION or self.dirty)

    # -- the dial --------------------------------------------------------------------------------

    async def _request_authentication(self) -> None:
        """The library takes no for an answer if the server has no TLS, or does not ask."""
        if self._ssl_context is not None and not self.server_capabilities & CLIENT_SSL:
            if self.strict:
                raise self.refusal(SSL_ERROR, "SSL connection error: the server does not support SSL")
            self._ssl_context = None
            self._without_tls()
        await super()._request_authentication()  # type: ignore[misc]

    @abstractmethod
    def _without_tls(self) -> None:
        """Have the library not announce TLS."""

    # -- the transport ---------------------------------------------------------------------------

    @property
    @abstractmethod
    def stream(self) -> Any:
        """The transport, with TLS if there is any; None when closed."""

    @abstractmethod
    def _dropped(self) -> None:
        """Have the library forget its transport."""

    def _set_keep_alive(self) -> None:
        """The library has just connected, by TCP: what it needs from here on is the name."""
        self._host = self.name
        self.sock = self.stream.get_extra_info("socket")
        keep_alive(self.sock, self.tcp_timeout)

    def refuse_again(self) -> None:
        """Refuse to connect a second time: the pool would not know of it."""
        if self.sock is not None:
            raise self.refusal(0, "a connection of a pool cannot be opened again: lease another one")

    def opened(self) -> None:
        """The end of a dial. Under TLS the library has changed sockets on the way."""
        self.sock = self.stream.get_extra_info("socket")
        self._process = os.getpid()

    def close(self) -> None:
        """Close at once. The library calls it, too, when it loses the server or is cancelled in the middle."""
        self.hung_up = self.hung_up or not self.running
        self._cut()

    def _close_on_cancel(self) -> None:
        self.hung_up = True
        super()._close_on_cancel()  # type: ignore[misc]

    async def ensure_closed(self) -> None:
        """Close with a goodbye, if that takes no time: the libraries' own would wait for the server's, for ever."""
        self.part()

    def part(self) -> None:
        """Close with a goodbye, if that cannot block."""
        self.hung_up = True
        if self.stream is not None and not self.running and not self._loop.is_closed():
            self.stream.write(QUIT)
        self._cut()

    def hang_up(self) -> None:
        self.hung_up = True
        self._cut()

    def _cut(self) -> None:
        stream = self.stream
        if stream is None:
            return
        wire = beneath(stream)
        if self._loop.is_closed():
            discard(wire, stream)
        else:
            cut(wire)
        self._dropped()

    def disown(self) -> None:
        """In a child process: close our copy of the descriptor, and touch neither the socket nor the loop."""
        self.hung_up = True
        if self.stream is not None:
            orphan(self.sock.fileno())
            discard(beneath(self.stream), self.stream)
            self._dropped()

    def __del__(self) -> None:
        """Hang up in silence: a connection that sleeps in a pool when the process ends is no mistake."""
        if self.sock is None or self.stream is None:
            return
        if self._process != os.getpid():
            self.disown()
        elif self._loop.is_closed():
            self._cut()
        else:
            shut(self.sock.fileno())  # the loop, which may run in another thread, sees that and cleans up
