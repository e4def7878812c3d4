"""PostgreSQL through asyncpg, for asyncio and uvloop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from time import monotonic
from typing import TYPE_CHECKING, ClassVar, Final, Literal

import asyncpg

from ..._url import asyncpg_options
from ...errors import ConfigError, ConnectFailed, ParamsError, PoolError
from .. import _dial
from .._placeholders import compile_placeholders
from .._postgresql import explain, unsent
from .._postgresql.alive import ANSWER_TIMEOUT, answers_async
from .._postgresql.session import Session
from .._sentry import Sentry
from .._socket import shut, sight, watch
from .._transport import keep_alive
from ..base import Params, Row, Sight, Verdict
from .connection import INFINITY, Connection, sqlstate
from .dial import FAILURES, dial, failed

if TYPE_CHECKING:
    from ..._url import Target
    from ...config import PoolConfig

__all__ = ["Asyncpg"]

#: Bound once, for each lease asks for them.
CLEAN: Final = Verdict.CLEAN
QUIET: Final = Sight.QUIET
#: How asyncpg begins its errors about statements that it did not send.
UNSENT: Final = (
    "connection is closed",
    "cannot perform operation: connection is closed",
    "cannot switch to state",
    "not connected",
)


class Asyncpg:
    """asyncpg for asyncio."""

    system: ClassVar[Literal["postgresql"]] = "postgresql"

    def __init__(self, target: Target, config: PoolConfig) -> None:
        self.target = target
        self.config = config
        self.session = Session(target, config)
        self.options = asyncpg_options(target)
        self.role = self.options.pop("target_session_attrs", None)
        self.sentry = Sentry(Connection.terminate)

    # -- dialing ---------------------------------------------------------------------------------

    def _attempts(self, addresses: Mapping[str, list[str]]) -> Iterator[tuple[str, int, str, str | None]]:
        """Host, port, address and role for each dial to try: the URL's hosts in their order."""
        for role in ("standby", "any") if self.role == "prefer-standby" else (self.role,):
            for host, port in self.target.hosts:
                for address in addresses.get(host, [""]):
                    yield host, port, address, role

    async def connect(self, timeout: float) -> Connection:
        until = monotonic() + timeout
        conn, failure = await self._dial(until)
        if conn is None:
            raise failed(self.target, failure, timeout) from failure
        await self._ready(conn, until)
        return conn

    async def _dial(self, until: float) -> tuple[Connection | None, BaseException]:
        """Try the addresses in turn: a connection, or why the last one failed.

        The password is in this frame and in no traceback, where reporters of errors would find it.
        """
        failure: BaseException = TimeoutError()
        addresses = await _dial.resolve(self.target, until)
        password = await _dial.async_password(self.config, self.target, until)
        for attempt, end in _dial.shares(list(self._attempts(addresses)), until):
            try:
                async with asyncio.timeout(end - monotonic()):
                    return await dial(*attempt, password, self.options), failure
            except asyncpg.ClientConfigurationError as error:
                raise ConfigError(f"asyncpg refuses its arguments: {error}") from None
            except FAILURES as error:
                failure = _dial.without_frames(error)
        return None, failure

    async def _ready(self, conn: Connection, until: float) -> None:
        """Set a fresh connection up, or close it."""
        try:
            async with asyncio.timeout(max(0.0, until - monotonic())):
                await self._set_up(conn)
        except BaseException as error:
            self.close(conn)
            if isinstance(error, TimeoutError):
                raise _dial.silent(self.target, None) from error
            if not isinstance(error, (*FAILURES, PoolError)):
                raise
            if isinstance(error, asyncpg.InternalClientError):
                # The server ended the session between two messages of a statement, which asyncpg cannot make out.
                error = ConnectionResetError("the server ended the session while it was set up")
            raise _dial.unready(self.target, error, sqlstate(error)) from error

    async def _set_up(self, conn: Connection) -> None:
        keep_alive(conn.sock, self.config.tcp_timeout)
        conn.look = watch(conn.sock.fileno())
        await self.sentry.watch(conn)
        conn.dirty = True  # nothing from here to the end needs to be judged
        greeting = self.session.greeting(conn.get_server_pid())
        if greeting is not None:
            try:
                self.session.greeted(await conn.fetchrow(greeting))
            except asyncpg.PostgresError as error:
                if not self.session.refused(sqlstate(error)):
                    raise
        conn.prepares(not self.session.pooled)
        if self.config.configure is not None:
            await _dial.awaited(self.config.configure(conn))
        if conn.in_transaction() or conn.running:
            raise ConnectFailed(
                "the configure hook left the connection in a transaction or in the middle of a command; "
                "let it commit and finish what it starts"
            )
        await self._synced(conn)
        conn.dirty = conn.leased = False
        conn.remember()

    # -- verbs that never wait -------------------------------------------------------------------

    def close(self, conn: Connection) -> None:
        if conn._loop.is_closed():
            conn.hang_up()
        else:
            conn.terminate()
        self.sentry.forget(conn)

    def abandon(self, conn: Connection) -> None:
        conn.disown()
        self.sentry.forget_all()

    def abort(self, conn: Connection) -> None:
        if not conn.is_closed():
            shut(conn.sock.fileno())

    def look(self, conn: Connection) -> Sight:
        if conn.is_closed():
            return Sight.GONE
        events = conn.look(0)
        return sight(events) if events else QUIET

    def in_transaction(self, conn: Connection) -> bool:
        return bool(conn.in_transaction())

    def lost(self, conn: Connection) -> bool:
        return bool(conn.is_closed())

    def verdict(self, conn: Connection) -> Verdict:
        conn.turn = None
        if conn.untouched() and not self.session.always_reset:
            return CLEAN
        if conn.condemned:
            return Verdict.FAILOVER
        if conn.is_closed():
            return Verdict.BUSY if conn._aborted and conn.last_words is None else Verdict.LOST
        if conn.running:
            return Verdict.BUSY
        conn.restore()
        return CLEAN if conn.untouched() and not self.session.always_reset else Verdict.DIRTY

    def unsent(self, error: BaseException) -> bool:
        if isinstance(error, (asyncpg.InterfaceError, asyncpg.InternalClientError)):
            return str(error).startswith(UNSENT)
        return unsent(sqlstate(error), str(error))

    def explain(self, error: BaseException) -> str | None:
        return explain(sqlstate(error))

    def cleans_up(self) -> bool:
        return self.session.cleans_up

    # -- verbs -----------------------------------------------------------------------------------

    async def check(self, conn: Connection, timeout: float) -> bool:
        conn.leased = True
        conn.until = INFINITY  # for there is a timeout around all of it
        try:
            async with asyncio.timeout(timeout):
                if self.config.check is not None:
                    return await _dial.awaited(self.config.check(conn)) is not False
                await conn._protocol.ping()
                return True
        except Exception:
            return False
        finally:
            conn.leased = False

    async def reset(self, conn: Connection, timeout: float) -> bool:
        if conn.recoded:
            return False
        conn.leased = True
        conn.until = INFINITY
        try:
            async with asyncio.timeout(timeout):
                await self._reset(conn)
                return conn.ready_again()
        except Exception:
            return False
        finally:
            conn.leased = False

    async def _reset(self, conn: Connection) -> None:
        text = self.session.reset(in_transaction=conn.in_transaction(), dirty=conn.dirty)
        undone = text not in ("", "ROLLBACK")
        if text:
            await conn.execute(text)
        if undone:
            conn.forget_prepared()
        if callable(self.config.reset):
            await _dial.awaited(self.config.reset(conn))
            conn._drop_local_statement_cache()  # the hook may have told the server to forget it
        if undone and self.config.configure is not None:
            conn.bare()
            await _dial.awaited(self.config.configure(conn))
            conn.remember()
        else:
            conn.restore()
        await self._synced(conn)

    @staticmethod
    async def _synced(conn: Connection) -> None:
        """Let the server end an exchange that asyncpg left open; until then it holds locks on what was named."""
        if conn.unsynced:
            await conn._protocol.ping()
            conn.unsynced = False

    async def answers(self, conn: Connection) -> bool:
        where = (conn.address, conn._addr[1]) if conn.address else conn._addr  # a name may lead elsewhere now
        return await answers_async(where, ANSWER_TIMEOUT)

    async def fetch(self, conn: Connection, sql: str, params: Params | None) -> list[Row]:
        sql, arguments = _arranged(sql, params)
        try:
            records = await conn.fetch(sql, *arguments)
        except asyncpg.InterfaceError as error:
            _refuse_count(error)
            raise
        return conn.rows(records)

    async def execute(self, conn: Connection, sql: str, params: Params | None) -> int:
        sql, arguments = _arranged(sql, params)
        try:
            tag = await conn.execute(sql, *arguments)
        except asyncpg.InterfaceError as error:
            _refuse_count(error)
            raise
        count = tag.rpartition(" ")[2]
        return int(count) if count.isdecimal() else -1

    async def begin(self, conn: Connection, isolation: str | None, readonly: bool, deferrable: bool) -> None:
        await conn.execute(self.session.begin(isolation, readonly, deferrable))

    async def commit(self, conn: Connection) -> bool:
        return bool(await conn.execute("COMMIT") == "COMMIT")

    async def rollback(self, conn: Connection, timeout: float) -> None:
        conn.until = min(conn.until, monotonic() + timeout)
        await conn.execute("ROLLBACK")


def _arranged(sql: str, params: Params | None) -> tuple[str, tuple[object, ...]]:
    """A statement as asyncpg takes it, and its arguments."""
    if sql.lstrip()[:4].lower() == "copy":  # asyncpg would wait for data that never comes
        raise ParamsError("COPY goes through the driver: see pool.connection() and its copy methods")
    if params is None:
        return sql, ()
    compiled = compile_placeholders(sql)
    return compiled.text, compiled.arrange(params)


def _refuse_count(error: Exception) -> None:
    """Raise our error for one of asyncpg's that is about the number of parameters."""
    if str(error).startswith("the server expects"):
        raise ParamsError(" ".join(str(error).split())) from error
