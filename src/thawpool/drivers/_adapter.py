"""What the adapters share that stand on ``_marks``: how a connection is dialed, checked, reset and judged.

What waits is written once, as coroutines, for threads too: there no step of one ever suspends, so that it can be
run to its end at once. A driver gives the steps, as plain functions or as coroutine functions; what belongs to a
server comes from ``_mysql.adapter`` or ``_postgresql.adapter``.
"""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from ..errors import ConnectFailed, PoolError
from . import _dial
from ._dial import Expired, awaited
from ._marks import INFINITY
from ._socket import orphan, own_port, shut, sight, watch
from .base import Params, Sight, Verdict

if TYPE_CHECKING:
    from .._url import Target
    from ..config import PoolConfig

__all__ = ["Adapter", "Result"]

CLEAN: Final = Verdict.CLEAN
#: What libraries raise when they read something else than they expect.
GARBLED: Final = (LookupError, TypeError, ValueError, struct.error)
#: The names of a result's columns, None if it has none; its rows; how many rows the statement touched.
Result = tuple[tuple[str, ...] | None, Sequence[Any], int]


class Garbled(Exception):
    """What a library could not read."""


class Adapter(ABC):
    """The verbs of ``drivers.base`` in terms of a driver's steps, which are the methods of the next part."""

    system: ClassVar[Literal["postgresql", "mysql"]]
    #: What the library raises, and the network beneath it.
    failures: ClassVar[tuple[type[Exception], ...]]
    session: Any

    def __init__(self, target: Target, config: PoolConfig) -> None:
        _dial.check_files(target)
        self.target = target
        self.config = config
        #: What spoils a connection that opened.
        self._spoils: tuple[type[Exception], ...] = (PoolError, *self.failures)
        #: What a dial may end with that another address may not.
        self._ends: tuple[type[Exception], ...] = (Expired, *self.failures)

    # -- a driver's steps ------------------------------------------------------------------------

    @abstractmethod
    def open(self, host: str, port: int, address: str, password: str | None, until: float) -> Any:
        """Open one connection before ``until``, in autocommit; raise one of ``failures`` or ``Expired``.

        Args:
            host: a name or an address, or the path of a Unix socket.
            address: where to find ``host``, if that was looked up; empty otherwise.
        """

    @abstractmethod
    def run(self, conn: Any, text: str, arguments: Sequence[object] | None) -> Any:
        """Run one announced statement in the driver's own placeholders. Returns a ``Result``."""

    @abstractmethod
    def ping(self, conn: Any) -> Any:
        """Spend one round trip."""

    @abstractmethod
    def code(self, error: BaseException) -> Any:
        """What the server calls this error; None if it is not the server's."""

    @abstractmethod
    def fileno(self, conn: Any) -> int:
        """The descriptor of the connection's socket."""

    @abstractmethod
    def goodbye(self, conn: Any) -> None:
        """Close with a goodbye if that cannot block. May raise."""

    @abstractmethod
    def arranged(self, sql: str, params: Params | None) -> tuple[str, Sequence[object] | None]:
        """A statement as the driver takes it, and its arguments."""

    # -- a server's part -------------------------------------------------------------------------

    @abstractmethod
    async def _greet(self, conn: Any) -> None:
        """Give the session its limits."""

    @abstractmethod
    async def _clear(self, conn: Any) -> bool:
        """Make the session as new. Returns whether that undid what ``configure`` did."""

    async def _tell(self, conn: Any) -> None:  # noqa: B027 - there may be nothing to do
        """Tell the server that the statement which runs on a connection was given up, as far as that takes no time."""

    @abstractmethod
    def beginning(self, isolation: str | None, readonly: bool, deferrable: bool) -> Sequence[str]:
        """The statements that begin a transaction; ``ConfigError`` if there are none."""

    @abstractmethod
    async def _commit(self, conn: Any) -> bool:
        """Commit. Returns False if the server rolled back instead."""

    @abstractmethod
    async def _answers(self, conn: Any) -> bool:
        """Ask the connection's server, on a socket of its own, whether it is there at all."""

    @abstractmethod
    def unsent(self, error: BaseException) -> bool: ...

    @abstractmethod
    def explain(self, error: BaseException) -> str | None: ...

    # -- verbs that never wait -------------------------------------------------------------------

    def close(self, conn: Any) -> None:
        conn.hung_up = True
        try:
            self.goodbye(conn)
        except Exception:
            conn.hang_up()

    def abandon(self, conn: Any) -> None:
        conn.hung_up = True
        if conn.alive():
            orphan(self.fileno(conn))
        conn.disown()

    def abort(self, conn: Any) -> None:
        try:
            if conn.alive():
                shut(self.fileno(conn))
        except Exception:
            pass  # whoever uses it has closed it in between

    def look(self, conn: Any) -> Sight:
        if not conn.alive():
            return Sight.GONE
        return Sight.READABLE if conn.unread() else sight(conn.look(0))

    def in_transaction(self, conn: Any) -> bool:
        return bool(conn.transacting())

    def lost(self, conn: Any) -> bool:
        return not conn.alive()

    def verdict(self, conn: Any) -> Verdict:
        # What was announced and never sent must not vouch for the next borrower's first step.
        conn.noted, conn.sent = False, None
        if conn.untouched() and not self.session.always_reset:
            return CLEAN
        if conn.condemned:
            return Verdict.FAILOVER
        if not conn.alive():
            return Verdict.BUSY if conn.hung_up or conn.overran else Verdict.LOST
        if conn.running or conn.torn or conn.unread():
            return Verdict.BUSY
        conn.restore()
        owed = conn.dirty or conn.transacting() or self.session.always_reset
        return Verdict.DIRTY if owed else CLEAN

    @abstractmethod
    def answers(self, conn: Any) -> Any: ...

    @abstractmethod
    def tell(self, conn: Any) -> Any: ...

    def cleans_up(self) -> bool:
        return bool(self.session.cleans_up)

    # -- verbs that wait, for both kinds ---------------------------------------------------------

    async def _connect(self, timeout: float) -> Any:
        until = monotonic() + timeout
        conn, failure = await self._dial(until)
        if conn is None:
            raise self._failed(failure, timeout) from failure
        try:
            await self._set_up(conn, until)
        except self._spoils as error:
            self.close(conn)
            raise _dial.unready(self.target, error, self.code(error)) from error
        except BaseException:
            self.close(conn)
            raise
        return conn

    async def _dial(
        self, until: float, only: tuple[Any, Any, str] | None = None
    ) -> tuple[Any, BaseException]:
        """Try the addresses in turn, or one of them only: a connection, or why the last one failed.

        The password is in this frame and in no traceback, where reporters of errors would find it.
        """
        failure: BaseException = Expired()
        attempts = [only] if only else list(self._attempts(await awaited(self._addresses(until))))
        password = await awaited(self._password(until))
        for where, end in _dial.shares(attempts, until):
            try:
                conn = await awaited(self.open(*where, password, end))
            except self._ends as error:
                failure = _dial.without_frames(error)
            except GARBLED as error:
                if isinstance(error, PoolError):
                    raise
                failure = Garbled(f"what answers there does not speak {self.system} ({type(error).__name__})")
            else:
                try:
                    fd = self.fileno(conn)
                    conn.where, conn.port, conn.look = where, own_port(fd), watch(fd)
                    return conn, failure
                except OSError as error:  # the server has hung up already
                    self.close(conn)
                    failure = error
        return None, failure

    def _attempts(self, addresses: Mapping[str, list[str]]) -> Iterator[tuple[str, int, str]]:
        for host, port in self.target.hosts:
            for address in addresses.get(host, [""]):
                yield host, port, address

    @abstractmethod
    def _addresses(self, until: float) -> Any:
        """The addresses of each host; none where the library looks them up itself."""

    @abstractmethod
    def _password(self, until: float) -> Any: ...

    def _failed(self, error: BaseException, timeout: float) -> Exception:
        """Our error for a dial that ended with ``error``."""
        if isinstance(error, Expired) or (isinstance(error, TimeoutError) and error.errno is None):
            return _dial.silent(self.target, timeout)
        if isinstance(error.__cause__, OSError):  # the library says only that it could not connect
            return _dial.refused(self.target, error.__cause__, None)
        return _dial.refused(self.target, error, self.code(error))

    async def _set_up(self, conn: Any, until: float) -> None:
        conn.until = until
        conn.silence = self.config.tcp_timeout
        conn.answers = self.answers
        conn.tell = self.tell
        conn.dirty = True  # nothing from here to the end needs to be judged
        await self._greet(conn)
        if self.config.configure is not None:
            await awaited(self.config.configure(conn))
        if conn.transacting() or conn.running or conn.unread():
            raise ConnectFailed(
                "the configure hook left the connection in a transaction or in the middle of a command; "
                "let it commit and finish what it starts"
            )
        conn.remember()
        conn.ready()

    async def _check(self, conn: Any, timeout: float) -> bool:
        conn.leased = conn.serviced = True
        conn.until = monotonic() + timeout
        try:
            if self.config.check is not None:
                return await awaited(self.config.check(conn)) is not False
            await awaited(self.ping(conn))
            return True
        except Exception:
            return False
        finally:
            conn.leased = conn.serviced = False
            conn.until = INFINITY

    async def _reset(self, conn: Any, timeout: float) -> bool:
        conn.leased = conn.serviced = True
        conn.until = monotonic() + timeout
        try:
            undone = await self._clear(conn)
            if callable(self.config.reset):
                await awaited(self.config.reset(conn))
            conn.restore()
            if undone and self.config.configure is not None:
                await awaited(self.config.configure(conn))
                conn.remember()
            if not conn.alive() or conn.transacting() or conn.running or conn.unread():
                return False
            conn.ready()
            return True
        except Exception:
            return False
        finally:
            conn.leased = conn.serviced = False
            conn.until = INFINITY

    async def _begin(self, conn: Any, isolation: str | None, readonly: bool, deferrable: bool) -> None:
        """All statements of it are used up by the transaction itself, so none of them owes a reset."""
        conn.undone = conn.doubtful = False
        before = conn.dirty, conn.marked
        for text in self.beginning(isolation, readonly, deferrable):
            await self._send(conn, text)
        conn.dirty, conn.marked = before

    async def _send(self, conn: Any, text: str) -> Any:
        """Run a statement of our own."""
        conn.noted = True
        return await awaited(self.run(conn, text, None))

    async def _rollback(self, conn: Any, timeout: float) -> None:
        conn.until = min(conn.until, monotonic() + timeout)
        await self._send(conn, "ROLLBACK")
