"""PostgreSQL through psycopg 3, for threads and for asyncio."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from time import monotonic
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import generators, waiting
from psycopg.errors import _NO_TRACEBACK
from psycopg.rows import dict_row, tuple_row

from ...errors import PoolError
from .. import _dial
from .._postgresql.alive import ANSWER_TIMEOUT, answers_async
from .._sentry import Sentry
from ..base import Params, Row
from .common import PsycopgCommon, ping
from .connection import AsyncConnection, Connection
from .cursor import AsyncCursor, Cursor
from .marks import INFINITY
from .rows import count_of, dicts
from .straight import run
from .waits import Expired, bounded, slice_of

if TYPE_CHECKING:
    from ..._url import Target
    from ...config import PoolConfig

__all__ = ["AsyncPsycopg", "Psycopg"]


class Psycopg(PsycopgCommon):
    """psycopg for threads."""

    def connect(self, timeout: float) -> Connection:
        until = monotonic() + timeout
        conn, failure = self._dial(until)
        if conn is None:
            raise self._failed(failure, timeout) from failure
        try:
            self._set_up(conn, until)
        except BaseException as error:
            self.close(conn)
            if not isinstance(error, (psycopg.Error, PoolError)):
                raise
            raise _dial.unready(self.target, error, getattr(error, "sqlstate", None)) from error
        return conn

    def _dial(self, until: float) -> tuple[Connection | None, BaseException]:
        """Try the addresses in turn: a connection, or why the last one failed.

        The password is in this frame and in no traceback, where reporters of errors would find it.
        """
        failure: BaseException = Expired()
        attempts = list(self._conninfos(_dial.password(self.config, self.target), {}))
        for conninfo, end in _dial.shares(attempts, until):
            try:
                with closing(bounded(generators.connect(conninfo), end)) as dial:
                    return Connection(waiting.wait_conn(dial, slice_of(end))), failure
            except (Expired, psycopg.Error) as error:
                failure = error.with_traceback(None)
        return None, failure

    def _set_up(self, conn: Connection, until: float) -> None:
        conn._autocommit = True
        conn.cursor_factory = Cursor
        conn.until = until
        self._adopted(conn, self._greet(conn))
        if self.config.configure is not None:
            self.config.configure(conn)
        self._settle(conn)

    def _greet(self, conn: Connection) -> Mapping[str, Any] | None:
        """Give the session its limits and hear about the server, in one round trip."""
        greeting = self.session.greeting(conn.pgconn.backend_pid)
        if greeting is None:
            return None
        conn.noted = True
        try:
            return psycopg.RawCursor(conn, row_factory=dict_row).execute(greeting).fetchone()
        except psycopg.Error as error:
            if self.session.refused(error.sqlstate):
                return None
            raise

    def check(self, conn: Connection, timeout: float) -> bool:
        conn.leased = True
        conn.until = monotonic() + timeout
        try:
            if self.config.check is not None:
                return self.config.check(conn) is not False
            probe = bounded(ping(conn.pgconn), conn.until)
            waiting.wait(probe, conn.pgconn.socket, slice_of(conn.until))
            return True
        except Exception:
            return False
        finally:
            conn.leased = False
            conn.until = INFINITY

    def reset(self, conn: Connection, timeout: float) -> bool:
        conn.leased = True
        conn.until = monotonic() + timeout
        try:
            text, undone = self._owed(conn)
            if text:
                conn.noted = True
                psycopg.RawCursor(conn, row_factory=tuple_row).execute(text)
            if callable(self.config.reset):
                self.config.reset(conn)
            conn.restore()
            if undone:
                self.config.configure(conn)  # type: ignore[misc]
                conn.restore()
            return conn.ready_again()
        except Exception:
            return False
        finally:
            conn.leased = False
            conn.until = INFINITY

    def fetch(self, conn: Connection, sql: str, params: Params | None) -> list[Row]:
        return dicts(*self._run(conn, sql, params))

    def execute(self, conn: Connection, sql: str, params: Params | None) -> int:
        return count_of(self._run(conn, sql, params)[0])

    def _run(self, conn: Connection, sql: str, params: Params | None) -> tuple[Any, Any]:
        text, arguments = self._arranged(sql, params)
        try:
            with conn.lock:
                conn.note(sql)
                try:
                    return conn.wait(run(conn, text, arguments))
                except psycopg.Error as error:
                    if not self._outdated(conn, error):
                        raise
                conn.note(sql)
                return conn.wait(run(conn, text, arguments, prepare=False))
        except _NO_TRACEBACK as error:
            error.__traceback__ = None
            raise

    def begin(self, conn: Connection, isolation: str | None, readonly: bool, deferrable: bool) -> None:
        self._run(conn, self.session.begin(isolation, readonly, deferrable), None)

    def commit(self, conn: Connection) -> bool:
        conn.noted = True
        return psycopg.RawCursor(conn, row_factory=tuple_row).execute("COMMIT").statusmessage == "COMMIT"

    def rollback(self, conn: Connection, timeout: float) -> None:
        conn.noted = True
        conn.until = min(conn.until, monotonic() + timeout)
        psycopg.RawCursor(conn, row_factory=tuple_row).execute("ROLLBACK")


class AsyncPsycopg(PsycopgCommon):
    """psycopg for asyncio."""

    def __init__(self, target: Target, config: PoolConfig) -> None:
        super().__init__(target, config)
        self.sentry = Sentry(super().close)

    def close(self, conn: Any) -> None:
        super().close(conn)
        self.sentry.forget(conn)

    def abandon(self, conn: Any) -> None:
        super().abandon(conn)
        self.sentry.forget_all()

    async def connect(self, timeout: float) -> AsyncConnection:
        until = monotonic() + timeout
        conn, failure = await self._dial(until)
        if conn is None:
            raise self._failed(failure, timeout) from failure
        try:
            await self._set_up(conn, until)
        except BaseException as error:
            self.close(conn)
            if not isinstance(error, (psycopg.Error, PoolError)):
                raise
            raise _dial.unready(self.target, error, getattr(error, "sqlstate", None)) from error
        return conn

    async def _dial(self, until: float) -> tuple[AsyncConnection | None, BaseException]:
        failure: BaseException = Expired()
        addresses = await _dial.resolve(self.target, until)
        password = await _dial.async_password(self.config, self.target, until)
        for conninfo, end in _dial.shares(list(self._conninfos(password, addresses)), until):
            try:
                with closing(bounded(generators.connect(conninfo), end)) as dial:
                    return AsyncConnection(await waiting.wait_conn_async(dial, slice_of(end))), failure
            except (Expired, psycopg.Error) as error:
                failure = error.with_traceback(None)
        return None, failure

    async def _set_up(self, conn: AsyncConnection, until: float) -> None:
        await self.sentry.watch(conn)
        conn._autocommit = True
        conn.cursor_factory = AsyncCursor
        conn.until = until
        self._adopted(conn, await self._greet(conn))
        if self.config.configure is not None:
            await _dial.awaited(self.config.configure(conn))
        self._settle(conn)

    async def _greet(self, conn: AsyncConnection) -> Mapping[str, Any] | None:
        greeting = self.session.greeting(conn.pgconn.backend_pid)
        if greeting is None:
            return None
        conn.noted = True
        try:
            cursor = await psycopg.AsyncRawCursor(conn, row_factory=dict_row).execute(greeting)
            return await cursor.fetchone()
        except psycopg.Error as error:
            if self.session.refused(error.sqlstate):
                return None
            raise

    async def check(self, conn: AsyncConnection, timeout: float) -> bool:
        conn.leased = True
        conn.until = monotonic() + timeout
        try:
            if self.config.check is not None:
                return await _dial.awaited(self.config.check(conn)) is not False
            probe = bounded(ping(conn.pgconn), conn.until)
            await waiting.wait_async(probe, conn.pgconn.socket, slice_of(conn.until))
            return True
        except Exception:
            return False
        finally:
            conn.leased = False
            conn.until = INFINITY

    async def reset(self, conn: AsyncConnection, timeout: float) -> bool:
        conn.leased = True
        conn.until = monotonic() + timeout
        try:
            text, undone = self._owed(conn)
            if text:
                conn.noted = True
                await psycopg.AsyncRawCursor(conn, row_factory=tuple_row).execute(text)
            if callable(self.config.reset):
                await _dial.awaited(self.config.reset(conn))
            conn.restore()
            if undone:
                await _dial.awaited(self.config.configure(conn))  # type: ignore[misc]
                conn.restore()
            return conn.ready_again()
        except Exception:
            return False
        finally:
            conn.leased = False
            conn.until = INFINITY

    async def answers(self, conn: AsyncConnection) -> bool:
        return await answers_async(conn.address, ANSWER_TIMEOUT)

    async def fetch(self, conn: AsyncConnection, sql: str, params: Params | None) -> list[Row]:
        return dicts(*await self._run(conn, sql, params))

    async def execute(self, conn: AsyncConnection, sql: str, params: Params | None) -> int:
        return count_of((await self._run(conn, sql, params))[0])

    async def _run(self, conn: AsyncConnection, sql: str, params: Params | None) -> tuple[Any, Any]:
        text, arguments = self._arranged(sql, params)
        try:
            async with conn.lock:
                conn.note(sql)
                try:
                    return await conn.wait(run(conn, text, arguments))
                except psycopg.Error as error:
                    if not self._outdated(conn, error):
                        raise
                conn.note(sql)
                return await conn.wait(run(conn, text, arguments, prepare=False))
        except _NO_TRACEBACK as error:
            error.__traceback__ = None
            raise

    async def begin(
        self, conn: AsyncConnection, isolation: str | None, readonly: bool, deferrable: bool
    ) -> None:
        await self._run(conn, self.session.begin(isolation, readonly, deferrable), None)

    async def commit(self, conn: AsyncConnection) -> bool:
        conn.noted = True
        cursor = await psycopg.AsyncRawCursor(conn, row_factory=tuple_row).execute("COMMIT")
        return cursor.statusmessage == "COMMIT"

    async def rollback(self, conn: AsyncConnection, timeout: float) -> None:
        conn.noted = True
        conn.until = min(conn.until, monotonic() + timeout)
        await psycopg.AsyncRawCursor(conn, row_factory=tuple_row).execute("ROLLBACK")
