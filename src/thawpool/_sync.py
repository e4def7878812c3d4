"""``Pool``: connections for threads.

The shell adds three things to the core: a lock, the fast path, and a runner that performs traps by
blocking. A flow is resumed under the lock and its traps are performed outside of it, so neither user
code nor I/O ever runs while the lock is held.
"""

from __future__ import annotations

from _thread import allocate_lock
from typing import TYPE_CHECKING, Any, TypeVar, final

from . import _flows
from ._base import INFINITY, PoolBase
from ._core.slot import LEASED
from ._lease import Lease
from ._transaction import Transaction
from ._traps import Check, Dial, Park, Trap
from .drivers.base import Sight, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import ParamSpec

    from ._core.slot import Slot
    from ._core.state import PoolState
    from .drivers.base import Driver, Params, Row
    from .stats import PoolStats

    P = ParamSpec("P")

__all__ = ["Pool"]

T = TypeVar("T")


@final
class Pool(PoolBase):
    __doc__ = PoolBase.__doc__

    _is_async = False
    _driver: Driver | None

    def _adopt(self, state: PoolState) -> None:
        self._lock = allocate_lock()
        super()._adopt(state)

    # -- leases ----------------------------------------------------------------------------------

    def connection(self, *, timeout: float | None = None) -> Lease:
        """Lease a connection for a ``with`` block: the driver's own, in autocommit.

        Args:
            timeout: seconds this may take, waiting, dialing and checking together; the option
                ``timeout`` if None. Never more than the invocation has left.

        Raises:
            PoolTimeout, PoolSaturated, ConnectFailed, Overloaded: see ``Unavailable``.
            PoolClosed: the pool is closed.
        """
        return Lease(self, timeout)

    def getconn(self, *, timeout: float | None = None) -> Any:
        """Lease a connection without a block, for adapters; give it back with ``putconn``.

        Raises: as ``connection``.
        """
        lease = Lease(self, timeout)
        return self._hold(lease, lease.__enter__())

    def putconn(self, conn: Any) -> None:
        """Give back a connection taken with ``getconn``.

        Raises:
            LeaseError: it is not out on lease from this pool: returned twice, or another pool's.
        """
        self._unhold(conn).__exit__()

    def _acquire(self, until: float) -> Slot:
        """The slow path."""
        if self._driver is None:
            self._load()
        since = self._mono()
        try:
            return self._run(_flows.acquire(self, until))
        finally:
            self._waited(since)

    def _return(self, slot: Slot, conn: Any) -> None:
        conn.leased = False
        conn.until = INFINITY
        slot.conn = conn
        verdict = self._verdict(conn)
        if verdict is Verdict.CLEAN:
            slot.where = None
            with self._lock:
                self._give(slot, self._wall(), self._mono())
            if self.state.woken or self.state.doomed:
                self._settle()
        else:
            self._end(slot, conn, verdict)

    def _end(self, slot: Slot, conn: Any, verdict: Verdict) -> None:
        """Give back a connection that needs a reset, or that must go."""
        if verdict is Verdict.DIRTY:
            if conn.in_transaction():
                self._left_open(slot)
            self._run(_flows.release(self, slot))
        else:
            with self._lock:
                if verdict is Verdict.FAILOVER:
                    self.state.expire(self.now())
                self._retire(slot, verdict.value, self.now())
            self._settle()

    def _leak(self, slot: Slot) -> None:
        """A finalizer found a lease that nobody returned. It may run anywhere, so it takes no lock."""
        self._leaked.append(slot)
        try:
            head = self.state.waiters.head()
        except RuntimeError:  # the queue is being changed; whoever does so collects before it sleeps
            return
        if head is not None:
            _wake(head)

    # -- statements ------------------------------------------------------------------------------

    def query(
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
        return self._statement("fetch", sql, params, timeout, idempotent)  # type: ignore[no-any-return]

    def query_one(
        self,
        sql: str,
        params: Params | None = None,
        *,
        timeout: float | None = None,
        idempotent: bool = False,
    ) -> Row | None:
        """Run one statement and return its first row as a dict, or None. Otherwise as ``query``."""
        rows = self._statement("fetch", sql, params, timeout, idempotent)
        return rows[0] if rows else None

    def execute(
        self,
        sql: str,
        params: Params | None = None,
        *,
        timeout: float | None = None,
        idempotent: bool = False,
    ) -> int:
        """Run one statement and return the number of rows it touched. Otherwise as ``query``."""
        return self._statement("execute", sql, params, timeout, idempotent)  # type: ignore[no-any-return]

    def transaction(
        self,
        *,
        isolation: str | None = None,
        readonly: bool = False,
        deferrable: bool = False,
        timeout: float | None = None,
    ) -> Transaction:
        """A transaction for a ``with`` block: COMMIT at its end, ROLLBACK on an exception.

        Args:
            isolation: ``"read committed"``, ``"repeatable read"`` or ``"serializable"``; the
                server's default if None.
            readonly: whether the server shall refuse writes.
            deferrable: with serializable and readonly, wait for a snapshot that cannot fail.
            timeout: seconds that getting the connection may take, as for ``connection``.

        Raises: as ``connection``; ``ConfigError`` for an unknown isolation level.
        """
        return Transaction(self, Lease(self, timeout), (isolation, readonly, deferrable))

    def _statement(
        self, verb: str, sql: str, params: Params | None, timeout: float | None, idempotent: bool
    ) -> Any:
        wait_until, until = self._statement_ends(sql, params, timeout)
        retry = True
        while True:
            slot = self._acquire_live(wait_until)
            conn = slot.conn
            conn.leased = True
            conn.until = until
            driver = self._driver
            assert driver is not None
            try:
                result = getattr(driver, verb)(conn, sql, params)
            except BaseException as error:
                lost = driver.lost(conn)
                self._return(slot, conn)
                if retry and lost and self._repeatable(error, idempotent):
                    retry = False
                    continue
                failure = self._failure(error, lost)
                if failure is error:
                    raise
                raise failure from error
            self._return(slot, conn)
            return result

    def _acquire_live(self, until: float) -> Slot:
        """Lease a connection at which a look was taken: half a microsecond beside a round trip."""
        with self._lock:
            slot = self._take(self._wall())
        if slot is not None:
            if self._driver.look(slot.conn) is Sight.QUIET:  # type: ignore[union-attr]
                return slot
            with self._lock:
                self.state.doubt(slot, self.now())
            self._settle()
        return self._acquire(until)

    # -- the pool as a whole ---------------------------------------------------------------------

    def warm(self, size: int | None = None, *, timeout: float | None = None) -> int:
        """Open connections until ``size`` are open (``min_size`` if None). Returns how many it opened.

        Raises: as ``connection``.
        """
        if self._driver is None:
            self._load()
        target = self._config.min_size if size is None else size
        return self._run(_flows.warm(self, target, self._until(timeout)))

    def thaw(self, frozen_for: float | None = None) -> None:
        """Say that time passed unseen: what is open must earn trust again before it is leased.

        Args:
            frozen_for: seconds, if known. Connections idle for longer than ``idle_timeout``, those
                seconds included, are closed at their next turn.
        """
        with self._lock:
            self.state.thaw(self.now(), "signal", frozen_for or 0.0)
        self._settle()

    def expire(self) -> int:
        """Replace every connection: idle ones close now, leased ones on return. Returns how many."""
        with self._lock:
            count = self.state.expire(self.now())
        self._settle()
        return count

    def resize(self, max_size: int) -> None:
        """Change ``max_size``; a surplus closes, idle connections now, leased ones on return.

        Raises:
            ConfigError: not a whole number of at least 1.
        """
        self._check_size(max_size)
        with self._lock:
            self.state.resize(max_size, self.now())
        self._settle()

    def stats(self) -> PoolStats:
        """A snapshot of the pool in numbers."""
        self._collect()
        with self._lock:
            return self._count()

    def close(self, *, timeout: float | None = None) -> None:
        """Close the pool. Idle connections close now; those in use are waited for, then cut off.

        Args:
            timeout: seconds to wait for leases to come back; the option ``timeout`` if None. After
                it the sockets of those still out are shut, so that their holders get an error.
        """
        self._collect()
        if not self._run(_flows.close(self, self._until(timeout))):
            self._cut_off()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def handler(self, function: Callable[P, T], /) -> Callable[P, T]:
        """Decorate a function handler: each call is an invocation.

        The remaining time is asked of the argument that has ``get_remaining_time_in_millis``, as the
        context of AWS Lambda does.
        """
        from functools import wraps

        @wraps(function)
        def invoke(*args: P.args, **kwargs: P.kwargs) -> T:
            with self.invocation(remaining=self._remaining_of(args)):
                return function(*args, **kwargs)

        return invoke

    def _trim(self, keep: int) -> None:
        with self._lock:
            self.state.trim(keep)
        self._settle()

    def _cut_off(self) -> None:
        """Shut the sockets of leases that did not come back in time."""
        driver = self._driver
        with self._lock:
            out = [slot.conn for slot in self.state.slots if slot.state is LEASED and slot.conn is not None]
        for conn in out:
            driver.abort(conn)  # type: ignore[union-attr]

    # -- the runner ------------------------------------------------------------------------------

    def _run(self, flow: Coroutine[Trap, Any, T]) -> T:
        """Run a flow: resume it under the lock, perform its traps outside of it."""
        self._collect()
        answer: Any = None
        error: BaseException | None = None
        try:
            while True:
                try:
                    with self._lock:
                        trap = flow.send(answer) if error is None else flow.throw(error)
                except StopIteration as stop:
                    return stop.value  # type: ignore[no-any-return]
                finally:
                    self._settle()
                answer = error = None
                try:
                    answer = self._perform(trap)
                except BaseException as raised:
                    error = raised
        finally:
            # Ctrl-C between two steps: the flow must hear of it. Nothing happens to one that has ended.
            with self._lock:
                flow.close()
            self._settle()

    def _perform(self, trap: Trap) -> Any:
        if isinstance(trap, Park):
            return self._park(trap)
        driver = self._driver
        assert driver is not None
        left = trap.until - self._mono()
        if isinstance(trap, Dial):
            return driver.connect(left)
        conn = trap.slot.conn
        if isinstance(trap, Check):
            if driver.look(conn) is Sight.GONE:
                return "lost"
            return "" if driver.check(conn, left) else "check"
        return driver.reset(conn, left)

    def _park(self, trap: Park) -> None:
        waiter = trap.waiter
        signal = allocate_lock()
        signal.acquire()
        waiter.signal = signal
        # In this order: whoever sets ``ready`` or finds a leak afterwards sees the signal and releases it.
        if not waiter.ready and not self._leaked:
            left = trap.until - self._mono()
            if left > 0:
                signal.acquire(timeout=min(left, _LONGEST_SLEEP))
        waiter.signal = None
        self._collect()

    def _settle(self) -> None:
        """Do what the last step left: wake, close, report. Called without the lock."""
        state = self.state
        while state.woken or state.doomed:
            try:
                if state.woken:
                    _wake(state.woken.pop(0))
                    continue
                slot = state.doomed.pop(0)
            except IndexError:  # another thread was faster
                continue
            try:
                if slot.conn is not None:
                    self._driver.close(slot.conn)  # type: ignore[union-attr]
            finally:
                with self._lock:
                    state.gone(slot, self.now())
        if state.events:
            with self._lock:
                events, state.events = state.events, []
            self._report(events)

    def _collect(self) -> None:
        """Free the seats of leases that the garbage collector found."""
        while self._leaked:
            try:
                slot = self._leaked.pop()
            except IndexError:
                break
            with self._lock:
                self._leaked_out(slot)
            self._settle()


#: ``lock.acquire`` refuses timeouts beyond some 292 years; a day is as good as forever to a request.
_LONGEST_SLEEP = 86400.0


def _wake(waiter: Any) -> None:
    signal = waiter.signal
    if signal is not None:
        try:
            signal.release()
        except RuntimeError:  # released already, by a grant and a nudge at once
            pass
