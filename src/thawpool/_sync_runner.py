"""How ``Pool`` waits: a lock, and a runner that performs traps by blocking.

A flow is resumed under the lock and its traps are performed outside of it, so neither user code nor I/O
ever runs while the lock is held.
"""

from __future__ import annotations

from _thread import allocate_lock
from typing import TYPE_CHECKING, Any, Final, TypeVar

from . import _explain, _flows
from ._base import INFINITY, PoolBase
from ._core.slot import LEASED, Slot
from ._core.state import PoolState
from ._traps import Check, Dial, Park, Trap
from .drivers.base import Sight, Verdict

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from .drivers.base import Driver

__all__ = ["SyncRunner"]

T = TypeVar("T")
CLEAN: Final = Verdict.CLEAN


class SyncRunner(PoolBase):
    """Leases and flows for threads."""

    _is_async = False
    _driver: Driver | None

    def _adopt(self, state: PoolState) -> None:
        self._lock = allocate_lock()
        super()._adopt(state)

    # -- leases ----------------------------------------------------------------------------------

    def _acquire(self, until: float) -> Slot:
        """The slow path."""
        if self._driver is None:
            self._load()
        since = self._mono()
        try:
            return self._run(_flows.acquire(self, until))
        finally:
            self._waited(since)

    def _return(self, slot: Slot) -> None:
        conn = slot.conn
        conn.leased = False
        verdict = self._verdict(conn)
        if verdict is CLEAN:
            conn.until = INFINITY
            slot.where = None
            with self._lock:
                unsettled = self._give(slot, self._wall(), self._mono())
            if unsettled:
                self._settle()
        else:
            self._end(slot, verdict)

    def _end(self, slot: Slot, verdict: Verdict) -> None:
        """Give back a connection that needs a reset, or that must go."""
        conn = slot.conn
        if verdict is Verdict.DIRTY:
            if self._driver.in_transaction(conn):  # type: ignore[union-attr]
                _explain.left_open(self.name, slot.where)
            self._run(_flows.release(self, slot, self._unreal(conn.until)))
        else:
            with self._lock:
                if verdict is Verdict.FAILOVER:
                    self._state.expire(self._now())
                self._retire(slot, verdict.value)
            self._settle()

    def _leak(self, slot: Slot) -> None:
        """A finalizer found a lease that nobody returned. It may run anywhere, so it takes no lock."""
        self._leaked.append(slot)
        while True:
            try:
                head = self._state.waiters.head()
                break
            except RuntimeError:  # another thread changed the queue in between
                continue
        if head is not None:
            _wake(head)

    def _acquire_live(self, until: float) -> Slot:
        """Lease a connection at which a look was taken: half a microsecond beside a round trip."""
        with self._lock:
            slot = self._take(self._wall())
        if slot is not None:
            if self._driver.look(slot.conn) is Sight.QUIET:  # type: ignore[union-attr]
                return slot
            with self._lock:
                self._state.doubt(slot, self._now())
            self._settle()
        return self._acquire(until)

    # -- the pool as a whole ---------------------------------------------------------------------

    def _lay_down(self, keep: float) -> None:
        with self._lock:
            self._state.lay_down(keep, self._now())
        self._settle()

    def _cut_off(self) -> None:
        """Shut the sockets of leases that did not come back in time."""
        driver = self._driver
        with self._lock:
            out = [self._lent_by(slot) for slot in self._state.slots if slot.state is LEASED]
        for conn in out:
            if conn is not None:
                driver.abort(conn)  # type: ignore[union-attr]

    # -- the runner ------------------------------------------------------------------------------

    def _run(self, flow: Coroutine[Trap, Any, T]) -> T:
        """Run a flow: resume it under the lock, perform its traps outside of it."""
        if self._leaked:
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
                    answer = error = None  # an error kept here would keep this frame, and all it holds, alive
                    self._settle()
                try:
                    answer = self._perform(trap)
                except BaseException as raised:
                    error = raised
        except BaseException:
            # Ctrl-C between two steps: the flow must hear of it. Nothing happens to one that has ended.
            with self._lock:
                flow.close()
            self._settle()
            raise

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
        state = self._state
        while state.woken or state.doomed:
            try:
                if state.woken:
                    _wake(state.woken.popleft())
                    continue
                slot = state.doomed.popleft()
            except IndexError:  # another thread was faster
                continue
            try:
                if slot.conn is not None:
                    self._driver.close(slot.conn)  # type: ignore[union-attr]
            finally:
                with self._lock:
                    state.gone(slot, self._now())
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
                lost = slot.state is LEASED
                self._retire(slot, "leaked")
            self._settle()
            if lost:
                _explain.leaked(self.name, slot.where)


#: ``lock.acquire`` refuses timeouts beyond some 292 years; a day is as good as forever to a request.
_LONGEST_SLEEP = 86400.0


def _wake(waiter: Any) -> None:
    signal = waiter.signal
    if signal is not None:
        try:
            signal.release()
        except RuntimeError:  # released already, by a grant and a nudge at once
            pass
