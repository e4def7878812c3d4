"""asyncpg's end of the wire, with a gate before each of its operations.

All I/O of an asyncpg connection goes through the coroutines of its protocol object, whoever asks: the
connection itself, a prepared statement, a cursor. So that is where three promises are kept: no I/O while
the connection lies in the pool, no operation beyond its deadline, and no statement that is not accounted
for. What is accounted is kept by the connection, see ``_asyncpg_connection``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import asyncpg
from asyncpg import connect_utils

from .._refusals import overran
from .loop import Loop

if TYPE_CHECKING:
    from .connection import Connection

__all__ = ["Protocol"]

#: How long a server may take to hear that a statement was given up. A live one takes a millisecond, and
#: would otherwise go on with it until it notices that nobody listens; a dead one shall not cost more.
FAREWELL: Final = 0.1
#: uvloop's timers count milliseconds, and may be early by a part of one.
EARLY: Final = 0.002
ERROR_RESPONSE: Final = ord("E")
INFINITY: Final = float("inf")
#: Bound once, for it is called for every statement.
_data_received: Final = asyncpg.protocol.Protocol.data_received


class Protocol(asyncpg.protocol.Protocol):  # type: ignore[misc]
    """asyncpg's end of the wire, with a gate before each of its operations."""

    owner: Callable[[], Connection | None]
    #: What ends the stream that runs.
    limit: asyncio.Timeout | None = None

    def _conn(self) -> Connection:
        conn = self.owner()
        assert conn is not None  # whoever asks holds it
        return conn

    async def failed(self, conn: Connection, error: BaseException) -> None:
        """End an operation that failed, and raise what is clearer than its error."""
        try:
            if isinstance(error, asyncpg.PostgresError):
                if (
                    error.severity is not None
                ):  # else it is asyncpg's own, of an argument, and the server still waits
                    conn.unsynced = False
                conn.noticed(error)
            elif isinstance(error, GeneratorExit):
                conn.hang_up()
            elif conn.is_closed() or isinstance(error, asyncio.CancelledError):
                await self._stop(conn)
                if isinstance(error, TimeoutError) and monotonic() >= conn.until - EARLY:
                    raise overran() from None
        finally:
            conn.running -= 1

    async def _pass(self, text: str | None, operation: Callable[[Any], Awaitable[Any]], timeout: Any) -> Any:
        """Perform an operation of asyncpg's, which takes a timeout."""
        conn = self._conn()
        timeout = conn.enter(text, timeout)
        try:
            result = await operation(timeout)
        except BaseException as error:
            await self.failed(conn, error)
            raise
        conn.unsynced = False
        conn.running -= 1
        return result

    async def _stream(self, operation: Callable[[None], Coroutine[Any, Any, Any]], timeout: Any) -> Any:
        """Perform an operation in which the borrower's own code feeds or eats what is sent.

        asyncpg's timeout does not reach that code. A wait for room in the buffers misses the end of the
        connection, and may swallow a cancellation; what it then no longer awaits must not complain.
        """
        self._on_waiter_completed = self._completed
        try:
            async with asyncio.timeout(timeout) as self.limit:
                return await _Obedient(operation(None), self._hang_up)
        except Exception as error:
            if isinstance(error, asyncpg.PostgresError) or self.is_connected() or self.owner()._aborted:  # type: ignore[union-attr]
                raise
            raise asyncpg.ConnectionDoesNotExistError(
                "connection was closed in the middle of operation"
            ) from error
        finally:
            self.limit = None
            del self._on_waiter_completed

    def _hang_up(self) -> None:
        conn = self.owner()
        if conn is not None and self.is_connected():
            conn.hang_up()

    def _completed(self, waiter: asyncio.Future[Any]) -> None:
        super()._on_waiter_completed(waiter)
        if not waiter.cancelled():
            waiter.exception()

    async def _stop(self, conn: Connection) -> None:
        """Give a statement up: tell the server, as far as that takes no time, and hang up."""
        loop = Loop(conn.address)
        try:
            async with asyncio.timeout(FAREWELL):
                await connect_utils._cancel(
                    loop=loop,
                    addr=conn._addr,
                    params=conn._params,
                    backend_pid=self.backend_pid,
                    backend_secret=self.backend_secret,
                )
        except Exception:
            pass
        finally:
            loop.cut()
            conn.hang_up()

    # -- asyncpg's operations: all that send anything, under the names by which asyncpg passes arguments

    async def prepare(self, stmt_name: str, query: str, timeout: Any, **options: Any) -> Any:
        # A name of the borrower's own would be in the next one's way.
        text = "" if not stmt_name or stmt_name.startswith("__asyncpg_") else None
        state = await self._pass(text, partial(super().prepare, stmt_name, query, **options), timeout)
        conn = self.owner()
        if conn is not None:
            conn.unsynced = True
        return state

    async def bind_execute(
        self, state: Any, args: Any, portal_name: str, limit: int, return_extra: bool, timeout: Any
    ) -> Any:
        self._conn().described = state
        operation = partial(super().bind_execute, state, args, portal_name, limit, return_extra)
        return await self._pass(state.query, operation, timeout)

    def bind_execute_many(
        self, state: Any, args: Any, portal_name: str, timeout: Any, return_rows: bool
    ) -> Awaitable[Any]:
        operation = partial(super().bind_execute_many, state, args, portal_name, return_rows=return_rows)
        return self._pass(state.query, partial(self._stream, operation), timeout)

    def bind(self, state: Any, args: Any, portal_name: str, timeout: Any) -> Awaitable[Any]:
        return self._pass(state.query, partial(super().bind, state, args, portal_name), timeout)

    def execute(
        self, state: Any, portal_name: str, limit: int, return_extra: bool, timeout: Any
    ) -> Awaitable[Any]:
        operation = partial(super().execute, state, portal_name, limit, return_extra)
        return self._pass(state.query, operation, timeout)

    def close_portal(self, portal_name: str, timeout: Any) -> Awaitable[Any]:
        return self._pass("", partial(super().close_portal, portal_name), timeout)

    def close_statement(self, state: Any, timeout: Any) -> Awaitable[Any]:
        return self._pass("", partial(super().close_statement, state), timeout)

    async def query(self, query: str, timeout: Any) -> Any:
        try:
            return await self._pass(query, partial(super().query, query), timeout)
        except AttributeError:  # as in ``ping``
            return ""

    def copy_out(self, copy_stmt: str, sink: Any, timeout: Any) -> Awaitable[Any]:
        operation = partial(super().copy_out, copy_stmt, sink)
        return self._pass(copy_stmt, partial(self._stream, operation), timeout)

    def copy_in(
        self, copy_stmt: str, reader: Any, data: Any, records: Any, record_stmt: Any, timeout: Any
    ) -> Awaitable[Any]:
        operation = partial(super().copy_in, copy_stmt, reader, data, records, record_stmt)
        return self._pass(copy_stmt, partial(self._stream, operation), timeout)

    # -- what asyncpg does when an operation is interrupted, and hears when there is none ---------

    def _request_cancel(self) -> None:
        """Leave it to ``_stop``. asyncpg would ask the server in the background, and use the connection again."""
        conn = self.owner()
        if conn is not None and self.is_connected():
            conn.give_up()

    def connection_lost(self, exc: Exception | None) -> None:
        """Take the end of the connection, and end a stream that waits to write: asyncpg would let it wait."""
        super().connection_lost(exc)
        conn = self.owner()
        if self.limit is not None and conn is not None and not conn._aborted:
            self.limit.reschedule(0.0)

    async def ping(self) -> None:
        """An empty query: the cheapest round trip there is."""
        try:
            await super().query("", None)
        except AttributeError:  # asyncpg stumbles over the reply: it has no tag
            pass
        except asyncio.CancelledError:
            self._hang_up()
            raise

    def data_received(self, data: bytes) -> None:
        """Take what the server sends. An error that answers nothing is its last word, which asyncpg drops."""
        if data[0] == ERROR_RESPONSE:
            conn = self.owner()
            if conn is not None and not conn.running:
                conn.dismissed(_fields(data))
                return
        _data_received(self, data)


class _Obedient:
    """Awaits ``work``, and hangs up before a cancellation reaches it: asyncpg may swallow one to wait for a reply."""

    def __init__(self, work: Coroutine[Any, Any, Any], hang_up: Callable[[], None]) -> None:
        self._work = work
        self._hang_up = hang_up

    def __await__(self) -> Generator[Any, Any, Any]:
        interruption: BaseException | None = None
        error: BaseException | None = None
        while True:
            try:
                future = self._work.send(None) if error is None else self._work.throw(error)
            except BaseException as end:
                if interruption is not None:
                    raise interruption from None
                if isinstance(end, StopIteration):
                    return end.value
                raise
            error = None
            try:
                yield future
            except Exception as raised:
                error = raised
            except BaseException as raised:
                self._hang_up()
                interruption = error = raised


def _fields(message: bytes) -> dict[str, str]:
    """The fields of an ErrorResponse, by their letters."""
    length = int.from_bytes(message[1:5])
    fields = message[5 : length + 1].split(b"\0")
    return {chr(field[0]): field[1:].decode(errors="replace") for field in fields if field}
