"""A database library and its server, in memory, that fail on command.

```python
driver = FakeDriver(capacity=10)
pool = driver.pool(max_size=2)
driver.inject(Fault.REFUSED, times=1)
with pool.connection() as conn:        # refused once, then opened
    conn.execute("SELECT 1")
driver.kill()                          # the server ends every session
```

Only waiting is real: a silent server is silent for as long as the pool allows, by the real clock.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeVar, final

from ..clock import monotonic
from ..drivers.base import Params, Row, Sight, Verdict
from ..errors import ConnectFailed, Overloaded, PoolTimeout
from ._fake_connection import AsyncFakeConnection, BaseFakeConnection, FakeConnection
from .faults import FakeError, Fault

if TYPE_CHECKING:
    from .. import AsyncPool, Pool

__all__ = ["AsyncFakeConnection", "AsyncFakeDriver", "FakeConnection", "FakeDriver"]

C = TypeVar("C", bound=BaseFakeConnection)
INFINITY = float("inf")


class BaseFakeDriver(Generic[C]):
    """What both drivers share: the server, and the verbs that never wait.

    Args:
        capacity: how many sessions the server allows.
        answer: what a statement returns, called with its text and parameters.

    Attributes:
        sessions: the connections that are open at both ends.
        opened: how many were ever opened.
    """

    system: Literal["postgresql", "mysql"] = "postgresql"

    def __init__(self, capacity: int, answer: Callable[[str, Params | None], list[Row]]) -> None:
        self.capacity = capacity
        self.answer = answer
        self.sessions: list[C] = []
        self.opened = 0
        self._faults: dict[Fault, float] = {}
        self._heals = 0
        self._lock = threading.Lock()

    # -- what a test does to it ------------------------------------------------------------------

    def inject(self, fault: Fault, *, times: float = INFINITY) -> None:
        """Let this happen the next ``times``, or until ``heal``."""
        self._faults[fault] = times

    def heal(self) -> None:
        """Nothing goes wrong from here on; whoever waits for an answer gets it."""
        self._faults.clear()
        self._heals += 1
        self._wake()

    def kill(self, conn: C | None = None) -> None:
        """The server ends this session, or all."""
        for session in [conn] if conn is not None else list(self.sessions):
            session.killed = True
            self._gone(session)

    def kill_idle(self) -> None:
        """The server ends the sessions that nobody has on lease, as ``idle_session_timeout`` does."""
        for session in list(self.sessions):
            if not session.leased:
                self.kill(session)

    # -- the protocol's verbs that never wait ----------------------------------------------------

    def close(self, conn: C) -> None:
        conn.closed = True
        self._gone(conn)

    abandon = abort = close

    def look(self, conn: C) -> Sight:
        if conn.killed or conn.closed or self._meets(Fault.GONE):
            return Sight.GONE
        return Sight.READABLE if self._meets(Fault.READABLE) else Sight.QUIET

    def verdict(self, conn: C) -> Verdict:
        return conn.judge()

    def in_transaction(self, conn: C) -> bool:
        return conn.in_transaction()

    def lost(self, conn: C) -> bool:
        return conn.killed or conn.closed

    def unsent(self, error: BaseException) -> bool:
        return isinstance(error, FakeError) and error.unsent

    def explain(self, error: BaseException) -> str | None:
        return None

    def cleans_up(self) -> bool:
        return True

    # -- inner steps -----------------------------------------------------------------------------

    @staticmethod
    def _begin(isolation: str | None, readonly: bool, deferrable: bool) -> str:
        words = [f"ISOLATION LEVEL {isolation.upper()}" if isolation else "", "READ ONLY" if readonly else ""]
        return " ".join(["BEGIN", *filter(None, words), *(["DEFERRABLE"] if deferrable else [])])

    def _meets(self, fault: Fault) -> bool:
        """Whether this goes wrong now; counts it if it was to happen a number of times."""
        with self._lock:
            left = self._faults.get(fault, 0)
            if left > 1:
                self._faults[fault] = left - 1
            else:
                self._faults.pop(fault, None)
            return left > 0

    def _open(self, make: Callable[[int], C]) -> C:
        """What becomes of a dial that the network lets through."""
        if self._meets(Fault.REFUSED):
            raise ConnectFailed("the fake server refuses connections", transient=True) from FakeError(
                "refused"
            )
        if self._meets(Fault.FATAL):
            raise ConnectFailed("the fake server does not accept the password") from FakeError("password")
        full = self._meets(Fault.FULL)
        with self._lock:
            if full or len(self.sessions) >= self.capacity:
                raise Overloaded(f"the fake server has no slot left, of {self.capacity}") from FakeError(
                    "full"
                )
            self.opened += 1
            conn = make(self.opened)
            self.sessions.append(conn)
        return conn

    def _gone(self, conn: C) -> None:
        with self._lock:
            if conn in self.sessions:
                self.sessions.remove(conn)
        self._wake()

    def _run(self, conn: C, sql: str, params: Params | None, *, silent: bool) -> list[Row]:
        """What becomes of a statement, after the silence if there was one."""
        if silent:
            self.close(conn)
            raise PoolTimeout("the fake server did not answer in time", phase="budget")
        if conn.killed or conn.closed:
            raise FakeError("the fake server closed the connection", unsent=True)
        return self.answer(sql, params)

    def _alive(self, conn: C, *, silent: bool) -> bool:
        return not (silent or self._meets(Fault.DEAD) or conn.killed or conn.closed)

    def _cleared(self, conn: C, *, silent: bool) -> bool:
        if silent or self._meets(Fault.RESET_FAILS) or conn.killed or conn.closed:
            return False
        conn.clean()
        return True

    def _over(self, conn: C | None) -> Callable[[], bool]:
        """Tells whether a silence that begins now is over: all is well again, or our end is closed."""
        heals = self._heals
        return lambda: self._heals != heals or (conn is not None and conn.closed)

    def _wake(self) -> None:
        raise NotImplementedError


def _one_row(sql: str, params: Params | None) -> list[Row]:
    return [{"answer": 1}]


#: Never looked up: the driver is there before the pool would ask for one.
URL: Final = "postgresql://nobody@fake.invalid/nothing"


@final
class FakeDriver(BaseFakeDriver[FakeConnection]):
    """For ``Pool``."""

    def __init__(
        self, *, capacity: int = 100, answer: Callable[[str, Params | None], list[Row]] = _one_row
    ) -> None:
        super().__init__(capacity, answer)
        self._news = threading.Condition()

    def pool(self, **options: Any) -> Pool:
        """A ``Pool`` over this driver, with these options."""
        from .. import Pool

        return _attach(Pool(URL, **options), self)

    def connect(self, timeout: float) -> FakeConnection:
        if self._meets(Fault.SILENT) and self._hush(timeout):
            raise ConnectFailed("the fake server does not answer", transient=True)
        return self._open(lambda number: FakeConnection(number, self))

    def check(self, conn: FakeConnection, timeout: float) -> bool:
        return self._alive(conn, silent=self._meets(Fault.BLACK_HOLE) and self._hush(timeout, conn))

    def reset(self, conn: FakeConnection, timeout: float) -> bool:
        return self._cleared(conn, silent=self._meets(Fault.BLACK_HOLE) and self._hush(timeout, conn))

    def fetch(self, conn: FakeConnection, sql: str, params: Params | None) -> list[Row]:
        conn.note(sql)
        silent = self._meets(Fault.BLACK_HOLE) and self._hush(conn.until - monotonic(), conn)
        return self._run(conn, sql, params, silent=silent)

    def execute(self, conn: FakeConnection, sql: str, params: Params | None) -> int:
        return len(self.fetch(conn, sql, params))

    def begin(self, conn: FakeConnection, isolation: str | None, readonly: bool, deferrable: bool) -> None:
        self.fetch(conn, self._begin(isolation, readonly, deferrable), None)

    def commit(self, conn: FakeConnection) -> bool:
        self.fetch(conn, "COMMIT", None)
        return True

    def rollback(self, conn: FakeConnection, timeout: float) -> None:
        self.fetch(conn, "ROLLBACK", None)

    def _hush(self, seconds: float, conn: FakeConnection | None = None) -> bool:
        """Say nothing for that long. Returns whether it stayed so."""
        over = self._over(conn)
        with self._news:
            return not self._news.wait_for(over, min(seconds, threading.TIMEOUT_MAX))

    def _wake(self) -> None:
        with self._news:
            self._news.notify_all()


@final
class AsyncFakeDriver(BaseFakeDriver[AsyncFakeConnection]):
    """For ``AsyncPool``. Everything but ``heal`` and ``kill`` belongs to the pool's event loop."""

    def __init__(
        self, *, capacity: int = 100, answer: Callable[[str, Params | None], list[Row]] = _one_row
    ) -> None:
        super().__init__(capacity, answer)
        self._listeners: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    def pool(self, **options: Any) -> AsyncPool:
        """An ``AsyncPool`` over this driver, with these options."""
        from .. import AsyncPool

        return _attach(AsyncPool(URL, **options), self)

    async def connect(self, timeout: float) -> AsyncFakeConnection:
        if self._meets(Fault.SILENT) and await self._hush(timeout):
            raise ConnectFailed("the fake server does not answer", transient=True)
        return self._open(lambda number: AsyncFakeConnection(number, self))

    async def check(self, conn: AsyncFakeConnection, timeout: float) -> bool:
        return self._alive(conn, silent=self._meets(Fault.BLACK_HOLE) and await self._hush(timeout, conn))

    async def reset(self, conn: AsyncFakeConnection, timeout: float) -> bool:
        return self._cleared(conn, silent=self._meets(Fault.BLACK_HOLE) and await self._hush(timeout, conn))

    async def fetch(self, conn: AsyncFakeConnection, sql: str, params: Params | None) -> list[Row]:
        conn.note(sql)
        silent = self._meets(Fault.BLACK_HOLE) and await self._hush(conn.until - monotonic(), conn)
        return self._run(conn, sql, params, silent=silent)

    async def execute(self, conn: AsyncFakeConnection, sql: str, params: Params | None) -> int:
        return len(await self.fetch(conn, sql, params))

    async def begin(
        self, conn: AsyncFakeConnection, isolation: str | None, readonly: bool, deferrable: bool
    ) -> None:
        await self.fetch(conn, self._begin(isolation, readonly, deferrable), None)

    async def commit(self, conn: AsyncFakeConnection) -> bool:
        await self.fetch(conn, "COMMIT", None)
        return True

    async def rollback(self, conn: AsyncFakeConnection, timeout: float) -> None:
        await self.fetch(conn, "ROLLBACK", None)

    async def _hush(self, seconds: float, conn: AsyncFakeConnection | None = None) -> bool:
        """Say nothing for that long. Returns whether it stayed so."""
        over, news = self._over(conn), asyncio.Event()
        listener = (asyncio.get_running_loop(), news)
        self._listeners.append(listener)
        try:
            async with asyncio.timeout(None if seconds == INFINITY else seconds):
                while not over():
                    news.clear()
                    await news.wait()
        except TimeoutError:
            return True
        finally:
            self._listeners.remove(listener)
        return False

    def _wake(self) -> None:
        for loop, news in tuple(self._listeners):
            loop.call_soon_threadsafe(news.set)


P = TypeVar("P", bound="Pool | AsyncPool")


def _attach(pool: P, driver: Any) -> P:
    """Give a pool its driver before it would look for one."""
    pool._driver = driver
    pool._verdict = driver.verdict
    return pool
