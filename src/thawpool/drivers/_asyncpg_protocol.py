"""asyncpg's end of the wire, with a gate before each of its operations.

All I/O of an asyncpg connection goes through the coroutines of its protocol object, whoever asks: the
connection itself, a prepared statement, a cursor. So that is where three promises are kept: no I/O while
the connection lies in the pool, no operation beyond its deadline, and no statement that is not accounted
for. What is accounted is kept by the connection, see ``_asyncpg_connection``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import asyncpg
from asyncpg import connect_utils

from ._asyncpg_loop import Loop
from ._refusals import overran

if TYPE_CHECKING:
    from ._asyncpg_connection import Connection

__all__ = ["Protocol"]

#: How long a server may take to hear that a statement was given up. A live one takes a millisecond, and
#: would otherwise go on with it until it notices that nobody listens; a dead one shall not cost more.
FAREWELL: Final = 0.1
#: uvloop's timers count milliseconds, and may be early by a part of one.
EARLY: Final = 0.002
ERROR_RESPONSE: Final = ord("E")


class Protocol(asyncpg.protocol.Protocol):  # type: ignore[misc]
    """asyncpg's end of the wire, with a gate before each of its operations."""

    owner: Callable[[], Connection | None]

    async def _pass(self, text: str | None, operation: Callable[[Any], Awaitable[Any]], timeout: Any) -> Any:
        """Perform an operation of asyncpg's.

        Args:
            text: what it executes; nothing if empty, something unknown if None.
            operation: takes a timeout.
            timeout: seconds, as the caller of asyncpg wants it.
        """
        conn = self.owner()
        assert conn is not None  # whoever asks holds it
        conn.admit(text)
        timeout = conn.limit(timeout)
        conn.running += 1
        try:
            result = await operation(timeout)
            conn.unsynced = False
            return result
        except asyncpg.PostgresError as error:
            conn.unsynced = False
            conn.noticed(error)
            raise
        except TimeoutError:
            if not conn.is_closed():
                raise  # nothing was sent: there was no time to begin with
            await self._stop(conn)
            if monotonic() < conn.until - EARLY:
                raise  # the caller's own timeout
            raise overran() from None
        except asyncio.CancelledError:
            await self._stop(conn)
            raise
        except GeneratorExit:
            conn.hang_up()
            raise
        finally:
            conn.running -= 1

    async def _stop(self, conn: Connection) -> None:
        """Give a statement up: hang up, and tell the server, as far as that takes no time."""
        conn.hang_up()
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
        except OSError:  # a timeout is one
            pass
        finally:
            loop.cut()

    # -- asyncpg's operations: all that send anything, under the names by which asyncpg passes arguments

    async def prepare(self, stmt_name: str, query: str, timeout: Any, **options: Any) -> Any:
        # A name of the borrower's own would be in the next one's way.
        text = "" if not stmt_name or stmt_name.startswith("__asyncpg_") else None
        state = await self._pass(text, partial(super().prepare, stmt_name, query, **options), timeout)
        conn = self.owner()
        if conn is not None:
            conn.unsynced = True
        return state

    def bind_execute(
        self, state: Any, args: Any, portal_name: str, limit: int, return_extra: bool, timeout: Any
    ) -> Awaitable[Any]:
        self.owner().described = state  # type: ignore[union-attr]
        operation = partial(super().bind_execute, state, args, portal_name, limit, return_extra)
        return self._pass(state.query, operation, timeout)

    def bind_execute_many(
        self, state: Any, args: Any, portal_name: str, timeout: Any, return_rows: bool
    ) -> Awaitable[Any]:
        operation = partial(super().bind_execute_many, state, args, portal_name, return_rows=return_rows)
        return self._pass(state.query, operation, timeout)

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
        return self._pass(copy_stmt, partial(super().copy_out, copy_stmt, sink), timeout)

    def copy_in(
        self, copy_stmt: str, reader: Any, data: Any, records: Any, record_stmt: Any, timeout: Any
    ) -> Awaitable[Any]:
        operation = partial(super().copy_in, copy_stmt, reader, data, records, record_stmt)
        return self._pass(copy_stmt, operation, timeout)

    # -- what asyncpg does when an operation is interrupted, and hears when there is none ---------

    def _request_cancel(self) -> None:
        """Hang up, and leave the rest to ``_stop``. asyncpg would ask the server to stop in the background."""
        conn = self.owner()
        if conn is not None:
            conn.hang_up()

    async def ping(self) -> None:
        """An empty query: the cheapest round trip there is."""
        try:
            await super().query("", None)
        except AttributeError:  # asyncpg stumbles over the reply: it has no tag
            pass

    def data_received(self, data: bytes) -> None:
        """Take what the server sends. An error that answers nothing is its last word, which asyncpg drops."""
        if data[0] == ERROR_RESPONSE:
            conn = self.owner()
            if conn is not None and not conn.running:
                conn.dismissed(_fields(data))
                return
        super().data_received(data)


def _fields(message: bytes) -> dict[str, str]:
    """The fields of an ErrorResponse, by their letters."""
    length = int.from_bytes(message[1:5])
    fields = message[5 : length + 1].split(b"\0")
    return {chr(field[0]): field[1:].decode(errors="replace") for field in fields if field}
