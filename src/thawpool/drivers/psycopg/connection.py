"""psycopg's connection classes, instrumented.

All I/O of a psycopg connection goes through its ``wait`` method, as a generator. So that is where three
promises are kept: no I/O while the connection lies in the pool, no statement beyond its deadline, and
no I/O that could not be attributed to a known statement without the connection counting as dirty.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from time import monotonic
from typing import Any, TypeVar

import psycopg
from psycopg import waiting
from psycopg.abc import PQGen

from .._postgresql.alive import ANSWER_TIMEOUT, answers
from .._refusals import overran
from .cursor import AsyncCursor, AsyncTransaction, Cursor, Transaction
from .marks import ACTIVE, INFINITY, OK, Instrumented
from .waits import ENDED, ENDS, INTERVAL, Expired, Silent, bounded, listen, patient, slice_of

__all__ = ["AsyncConnection", "Connection"]

T = TypeVar("T")
#: How long a server may take to hear that a statement was given up. A live one takes a millisecond, and
#: would otherwise go on with it until it notices that nobody listens; a dead one shall not cost more.
FAREWELL = 0.1


class Connection(Instrumented, psycopg.Connection[Any]):
    """``psycopg.Connection`` as the pool lends it."""

    def execute(
        self, query: Any, params: Any = None, *, prepare: bool | None = None, binary: bool = False
    ) -> Any:
        if type(query) is not str or binary or self.cursor_factory is not Cursor:
            return super().execute(query, params, prepare=prepare, binary=binary)
        if self.pgconn.status != OK:
            self._check_connection_ok()
        return Cursor(self, row_factory=self.row_factory).execute(query, params, prepare=prepare)

    def wait(self, gen: PQGen[T], interval: float = INTERVAL, timeout: float | None = None) -> T:
        if self.leased and self.noted:
            self.noted = False
        else:
            self.admit()
        try:
            if timeout is None and ENDS:
                # psycopg keeps the deadline. Without one it gives the wait back to be watched, once that takes long.
                until = self.until
                try:
                    first = INTERVAL if until == INFINITY else until - monotonic()
                    return waiting.wait(gen, self.pgconn.socket, interval, first)
                except ENDED:
                    if until < INFINITY:
                        raise Expired from None
                gen = patient(gen, self.silence, self._answers, begun=True)
                return waiting.wait(gen, self.pgconn.socket, interval)
            return self._wait_watched(gen, interval, {} if timeout is None else {"timeout": timeout})
        except Expired:
            self._stop()
            raise overran() from None
        except Silent:
            self._stop()
            raise psycopg.OperationalError(
                "the server sent nothing for long and does not answer, so its connection was closed"
            ) from None
        except psycopg.Error as error:
            self.noticed(error)
            raise
        except BaseException:
            if self.pgconn.transaction_status == ACTIVE:
                self._stop()
            raise

    def _wait_watched(self, gen: PQGen[T], interval: float, options: dict[str, float]) -> T:
        if self.until == INFINITY:
            gen = patient(gen, self.silence, self._answers, begun=False)
        else:
            gen, interval = bounded(gen, self.until), slice_of(self.until)
        return waiting.wait(gen, self.pgconn.socket, interval, **options)

    def _answers(self) -> bool:
        return answers(self.address, ANSWER_TIMEOUT)

    def _stop(self) -> None:
        """Give a statement up: tell the server, as far as that takes no time, and hang up."""
        try:
            if self.stoppable:
                self.cancel_safe(timeout=FAREWELL)
        except psycopg.Error:
            pass
        finally:
            self.hang_up()

    def pipeline(self) -> Any:
        self.touched = self.marked = True  # so that the return sees whether it was left open
        return super().pipeline()

    @contextmanager
    def transaction(
        self, savepoint_name: str | None = None, force_rollback: bool = False
    ) -> Iterator[psycopg.Transaction]:
        with Transaction(self, savepoint_name, force_rollback) as tx:
            yield tx

    def commit(self) -> None:
        self.noted = True
        super().commit()

    def rollback(self) -> None:
        self.noted = True
        super().rollback()

    def _set_autocommit(self, value: bool) -> None:
        self.touched = self.marked = self.noted = True
        super()._set_autocommit(value)

    def _set_isolation_level(self, value: Any) -> None:
        self.touched = self.marked = self.noted = True
        super()._set_isolation_level(value)

    def _set_read_only(self, value: bool | None) -> None:
        self.touched = self.marked = self.noted = True
        super()._set_read_only(value)

    def _set_deferrable(self, value: bool | None) -> None:
        self.touched = self.marked = self.noted = True
        super()._set_deferrable(value)


class AsyncConnection(Instrumented, psycopg.AsyncConnection[Any]):
    """``psycopg.AsyncConnection`` as the pool lends it."""

    async def execute(
        self, query: Any, params: Any = None, *, prepare: bool | None = None, binary: bool = False
    ) -> Any:
        if type(query) is not str or binary or self.cursor_factory is not AsyncCursor:
            return await super().execute(query, params, prepare=prepare, binary=binary)
        if self.pgconn.status != OK:
            self._check_connection_ok()
        return await AsyncCursor(self, row_factory=self.row_factory).execute(query, params, prepare=prepare)

    async def wait(self, gen: PQGen[T], interval: float = INTERVAL, timeout: float | None = None) -> T:
        if self.leased and self.noted:
            self.noted = False
        else:
            self.admit()
        try:
            if timeout is None:
                return await listen(gen, self.pgconn.socket, self.until)
            if self.until < INFINITY:
                gen, interval = bounded(gen, self.until), slice_of(self.until)
            return await waiting.wait_async(gen, self.pgconn.socket, interval, timeout)
        except GeneratorExit:
            self.hang_up()  # the coroutine is being closed and may not await any more
            raise
        except Expired:
            await self._stop()
            raise overran() from None
        except psycopg.Error as error:
            self.noticed(error)
            raise
        except BaseException:
            if self.pgconn.transaction_status == ACTIVE:
                await self._stop()
            raise

    async def _stop(self) -> None:
        """Give a statement up: tell the server, as far as that takes no time, and hang up."""
        try:
            if self.stoppable:
                await self.cancel_safe(timeout=FAREWELL)
        except psycopg.Error:
            pass
        finally:
            self.hang_up()

    def pipeline(self) -> Any:
        self.touched = self.marked = True
        return super().pipeline()

    @asynccontextmanager
    async def transaction(
        self, savepoint_name: str | None = None, force_rollback: bool = False
    ) -> AsyncIterator[psycopg.AsyncTransaction]:
        async with AsyncTransaction(self, savepoint_name, force_rollback) as tx:
            yield tx

    async def commit(self) -> None:
        self.noted = True
        await super().commit()

    async def rollback(self) -> None:
        self.noted = True
        await super().rollback()

    async def set_autocommit(self, value: bool) -> None:
        self.touched = self.marked = self.noted = True
        await super().set_autocommit(value)

    async def set_isolation_level(self, value: Any) -> None:
        self.touched = self.marked = self.noted = True
        await super().set_isolation_level(value)

    async def set_read_only(self, value: bool | None) -> None:
        self.touched = self.marked = self.noted = True
        await super().set_read_only(value)

    async def set_deferrable(self, value: bool | None) -> None:
        self.touched = self.marked = self.noted = True
        await super().set_deferrable(value)
