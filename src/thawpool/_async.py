"""``AsyncPool``: connections for asyncio. What it does is here; how it waits is in ``_async_runner``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, final

from . import _flows
from ._arguments import check_count, check_seconds
from ._async_lease import AsyncLease
from ._async_runner import AsyncRunner
from ._async_transaction import AsyncTransaction
from ._base import INFINITY, PoolBase
from ._core.slot import LEASED
from ._invocation import remaining_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator
    from typing import ParamSpec

    from .drivers.base import Params, Row
    from .stats import PoolStats

    P = ParamSpec("P")

__all__ = ["AsyncPool"]

T = TypeVar("T")


@final
class Done(int):
    """The answer of a verb that has acted already. It never waits, so ``await`` only hands the number over."""

    __slots__ = ()

    def __await__(self) -> Generator[None, None, int]:
        yield from ()
        return int(self)


@final
class AsyncPool(AsyncRunner):
    __doc__ = PoolBase.__doc__

    # -- leases ----------------------------------------------------------------------------------

    def connection(self, *, timeout: float | None = None) -> AsyncLease:
        """Lease a connection for an ``async with`` block: the driver's own, in autocommit.

        Args:
            timeout: seconds this may take, waiting, dialing and checking together; the option
                ``timeout`` if None. Never more than the invocation has left.

        Raises:
            PoolTimeout, PoolSaturated, ConnectFailed, Overloaded: see ``Unavailable``.
            PoolClosed: the pool is closed.
            PoolError: the pool's connections belong to another event loop that is still alive.
        """
        lease = AsyncLease()
        lease._pool, lease._timeout, lease._slot = self, timeout, None
        return lease

    async def getconn(self, *, timeout: float | None = None) -> Any:
        """Lease a connection without a block, for adapters; give it back with ``putconn``.

        Raises: as ``connection``.
        """
        lease = self.connection(timeout=timeout)
        return self._hold(lease, await lease.__aenter__())

    async def putconn(self, conn: Any) -> None:
        """Give back a connection taken with ``getconn``.

        Raises:
            LeaseError: it is not out on lease from this pool: returned twice, or another pool's.
        """
        await self._unhold(conn).__aexit__()

    # -- statements ------------------------------------------------------------------------------

    async def query(
        self,
        sql: str,
        params: Params | None = None,
        *,
        timeout: float | None = None,
        idempotent: bool = False,
    ) -> list[Row]:
        """Run one statement and return its rows as a list of dicts.

        Args:
            sql: the statement. Parameters are written ``%s`` or ``%(name)s`` with every driver, a
                percent sign ``%%``; without ``params`` the text is sent untouched.
            params: a sequence or a mapping; never put into the text by thawpool.
            timeout: seconds for all of it, the wait for a connection included. None: the option
                ``timeout`` for the wait, and what the invocation has left for the statement.
            idempotent: whether running the statement twice is harmless. If so it is repeated once
                when its connection is lost.

        Raises:
            Unavailable: there was no connection to be had, or it was lost (``ConnectionLost``).
            ParamsError: ``params`` does not fit ``sql``.
            The driver's own error: the database refused the statement.
        """
        return await self._statement("fetch", sql, params, timeout, idempotent)  # type: ignore[no-any-return]

    async def query_one(
        self,
        sql: str,
        params: Params | None = None,
        *,
        timeout: float | None = None,
        idempotent: bool = False,
    ) -> Row | None:
        """Run one statement and return its first row as a dict, or None. Otherwise as ``query``."""
        rows = await self._statement("fetch", sql, params, timeout, idempotent)
        return rows[0] if rows else None

    async def execute(
        self,
        sql: str,
        params: Params | None = None,
        *,
        timeout: float | None = None,
        idempotent: bool = False,
    ) -> int:
        """Run one statement and return the number of rows it touched. Otherwise as ``query``."""
        return await self._statement("execute", sql, params, timeout, idempotent)  # type: ignore[no-any-return]

    def transaction(
        self,
        *,
        isolation: str | None = None,
        readonly: bool = False,
        deferrable: bool = False,
        timeout: float | None = None,
    ) -> AsyncTransaction:
        """A transaction for an ``async with`` block: COMMIT at its end, ROLLBACK on an exception.

        Args:
            isolation: ``"read committed"``, ``"repeatable read"`` or ``"serializable"``; the
                server's default if None.
            readonly: whether the server shall refuse writes.
            deferrable: with serializable and readonly, wait for a snapshot that cannot fail.
            timeout: seconds that getting the connection may take, as for ``connection``.

        Raises: as ``connection``; ``ConfigError`` for an unknown isolation level.
        """
        return AsyncTransaction(self, self.connection(timeout=timeout), (isolation, readonly, deferrable))

    async def _statement(
        self, verb: str, sql: str, params: Params | None, timeout: float | None, idempotent: bool
    ) -> Any:
        wait_until, until = self._statement_ends(sql, params, timeout)
        retry = True
        while True:
            slot = self._take_live() or await self._acquire(wait_until)
            conn = slot.conn
            conn.leased = True
            conn.until = until
            driver = self._driver
            assert driver is not None
            watched = self._watch.begin(driver, conn) if until == INFINITY else None
            try:
                try:
                    result = await getattr(driver, verb)(conn, sql, params)
                finally:
                    if watched is not None:
                        watched.end()
            except BaseException as error:
                lost = driver.lost(conn)
                owed = self._return(slot)
                if owed is not None:
                    await self._end(slot, owed)
                if retry and lost and self._repeatable(error, idempotent):
                    retry = False
                    if timeout is None:
                        wait_until = self._until(None)  # the statement's own time is not the wait's
                    continue
                self._raise_if_lost(error, lost)
                raise
            owed = self._return(slot)
            if owed is not None:
                await self._end(slot, owed)
            return result

    # -- the pool as a whole ---------------------------------------------------------------------

    async def warm(self, size: int | None = None, *, timeout: float | None = None) -> int:
        """Open connections until ``size`` are open (``min_size`` if None). Returns how many it opened.

        Raises: as ``connection``.
        """
        self._settle_in()
        if self._driver is None:
            self._load()
        target = self._config.min_size if size is None else size
        check_count("size", target, 0)
        return await self._run(_flows.warm(self, target, self._until(timeout)))

    def thaw(self, frozen_for: float | None = None) -> Done:
        """Say that time passed unseen: what is open must earn trust again before it is leased.

        It has happened when this returns; awaiting the answer is allowed, not needed.

        Args:
            frozen_for: seconds, if known. Connections idle for longer than ``idle_timeout``, those
                seconds included, are closed at their next turn.
        """
        frozen_for = frozen_for or 0.0
        check_seconds("frozen_for", frozen_for)
        self._state.thaw(self._now(), "signal", frozen_for)
        self._settle()
        return Done()

    def expire(self) -> Done:
        """Replace every connection: idle ones close now, leased ones on return. Returns how many.

        It has happened when this returns; awaiting the answer is allowed, not needed.
        """
        count = self._state.expire(self._now())
        self._settle()
        return Done(count)

    def resize(self, max_size: int) -> Done:
        """Change ``max_size``; a surplus closes, idle connections now, leased ones on return.

        It has happened when this returns; awaiting the answer is allowed, not needed.

        Raises:
            ConfigError: not a whole number of at least 1.
        """
        check_count("max_size", max_size, 1)
        self._state.resize(max_size, self._now())
        self._settle()
        return Done()

    def stats(self) -> PoolStats:
        """A snapshot of the pool in numbers."""
        return self._count()

    async def close(self, *, timeout: float | None = None) -> None:
        """Close the pool. Idle connections close now; those in use are waited for, then cut off.

        Args:
            timeout: seconds to wait for leases to come back; the option ``timeout`` if None. After
                it the sockets of those still out are shut, so that their holders get an error.
        """
        self._settle_in()
        if not await self._run(_flows.close(self, self._until(timeout))):
            driver = self._driver
            for conn in [self._lent_by(slot) for slot in self._state.slots if slot.state is LEASED]:
                if conn is not None:
                    driver.abort(conn)  # type: ignore[union-attr]

    async def __aenter__(self) -> AsyncPool:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    def handler(self, function: Callable[P, Awaitable[T]], /) -> Callable[P, Coroutine[Any, Any, T]]:
        """Decorate an ``async def`` function handler: each call is an invocation.

        The remaining time is asked of the argument that has ``get_remaining_time_in_millis``, as the
        context of AWS Lambda does.
        """
        from functools import wraps

        @wraps(function)
        async def invoke(*args: P.args, **kwargs: P.kwargs) -> T:
            async with self.invocation(remaining=remaining_of(args)):
                return await function(*args, **kwargs)

        return invoke
