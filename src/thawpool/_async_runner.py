"""How ``AsyncPool`` waits: a runner that performs traps by awaiting, and loyalty to one event loop at a time.

Nothing bound to a loop is made before one runs. When the loop of the connections is closed, as after
each ``asyncio.run()``, they are closed without touching it and the next loop starts afresh. No lock is
needed, since a loop runs one thing at a time.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop, _get_running_loop
from typing import TYPE_CHECKING, Any, Final, TypeVar

from . import _explain, _flows
from ._alarms import Alarms, wake
from ._base import INFINITY, PoolBase
from ._core.slot import LEASED, Slot
from ._traps import Check, Dial, Park, Trap
from ._watch import Watch
from .drivers.base import Sight, Verdict
from .errors import ConfigError, PoolError

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from .drivers.base import AsyncDriver

__all__ = ["AsyncRunner"]

T = TypeVar("T")
CLEAN: Final = Verdict.CLEAN
QUIET: Final = Sight.QUIET
#: How much too early, in seconds, a timer of an event loop may ring: what it ends shall not end before its time.
EARLY = 0.002


class AsyncRunner(PoolBase):
    """Leases and flows for asyncio."""

    _is_async = True
    _driver: AsyncDriver | None
    _loop: AbstractEventLoop | None = None
    _alarms: Alarms
    _watch: Watch

    # -- leases ----------------------------------------------------------------------------------

    async def _acquire(self, until: float) -> Slot:
        """The slow path."""
        self._settle_in()
        if self._driver is None:
            self._load()
        since = self._mono()
        try:
            return await self._run(_flows.acquire(self, until))
        finally:
            self._waited(since)

    def _return(self, slot: Slot) -> Verdict | None:
        """Give back a clean connection, or answer what another one owes: see ``_end``."""
        conn = slot.conn
        conn.leased = False
        verdict = self._verdict(conn)
        if verdict is not CLEAN:
            return verdict
        conn.until = INFINITY
        slot.where = None
        if self._give(slot, self._wall(), self._mono()):
            self._settle()
        return None

    async def _end(self, slot: Slot, verdict: Verdict) -> None:
        """Give back a connection that needs a reset, or that must go."""
        conn = slot.conn
        if verdict is Verdict.DIRTY:
            if self._driver.in_transaction(conn):  # type: ignore[union-attr]
                _explain.left_open(self.name, slot.where)
            await self._run(_flows.release(self, slot, self._unreal(conn.until)))
        else:
            if verdict is Verdict.FAILOVER:
                self._state.expire(self._now())
            self._retire(slot, verdict.value)
            self._settle()

    def _leak(self, slot: Slot) -> None:
        """A finalizer found a lease that nobody returned. It may run in any thread, so it only leaves word."""
        self._leaked.append(slot)
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._collect)

    def _take_live(self) -> Slot | None:
        """Lease a connection at which a look was taken, if one is ready: half a microsecond beside a round trip."""
        if _get_running_loop() is not self._loop:
            return None
        slot = self._take(self._wall())
        if slot is None or self._driver.look(slot.conn) is QUIET:  # type: ignore[union-attr]
            return slot
        self._state.doubt(slot, self._now())
        self._settle()
        return None

    async def _watched(self, conn: Any, statement: Coroutine[Any, Any, T]) -> T:
        """Await a statement; one without a deadline ends when its server is no longer there."""
        if conn.until < INFINITY:
            return await statement
        watched = self._watch.begin(self._driver, conn)  # type: ignore[arg-type]
        try:
            return await statement
        finally:
            watched.end()

    # -- the pool as a whole ---------------------------------------------------------------------

    def _lie_down(self) -> None:
        loop = self._loop
        if loop is not None and _get_running_loop() is not loop and loop.is_running():
            # A request of WSGI ends in a thread of its own, while the connections belong to the loop.
            loop.call_soon_threadsafe(super()._lie_down)
        else:
            super()._lie_down()

    def _lay_down(self, keep: float) -> None:
        self._state.lay_down(keep, self._now())
        self._settle()

    def _rest(self) -> None:
        super()._rest()
        if self._loop is not None:
            self._watch.rest()

    # -- the event loop --------------------------------------------------------------------------

    def _settle_in(self) -> None:
        """Make the running loop ours; leave behind what belonged to one that is closed.

        Raises:
            ConfigError: no asyncio event loop runs here, as under trio.
            PoolError: the loop of our connections is another one, and alive.
        """
        loop = _get_running_loop()
        if loop is None:
            raise ConfigError(
                "AsyncPool needs a running asyncio event loop, asyncio's own or uvloop; it cannot work under trio. "
                "Await it inside asyncio.run(), or use Pool in code without a loop"
            )
        if loop is self._loop:
            return
        if self._loop is not None:
            if not self._loop.is_closed():
                raise PoolError(
                    f"pool {self.name!r} has connections on another event loop that is still alive; one AsyncPool "
                    "serves one loop at a time: make one AsyncPool for each loop, or close the other loop first"
                )
            self._abandon_loop()
        self._loop = loop
        self._alarms = Alarms(loop, self._mono)
        self._watch = Watch(loop, self._config.tcp_timeout)

    def _abandon_loop(self) -> None:
        """Close what belonged to a closed loop: at once, and without touching it."""
        driver = self._driver
        conns = [self._lent_by(slot) for slot in self._state.slots]
        self._renew("event loop closed")
        for conn in conns:
            if conn is not None:
                driver.close(conn)  # type: ignore[union-attr]

    def _forked(self) -> None:
        self._loop = None
        super()._forked()

    # -- the runner ------------------------------------------------------------------------------

    async def _run(self, flow: Coroutine[Trap, Any, T]) -> T:
        """Run a flow, awaiting its traps. Cancellation arrives at the trap and goes into the flow."""
        if self._leaked:
            self._collect()
        answer: Any = None
        error: BaseException | None = None
        while True:
            try:
                trap = flow.send(answer) if error is None else flow.throw(error)
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]
            finally:
                answer = error = None  # an error kept here would keep this frame, and all it holds, alive
                state = self._state
                if state.woken or state.doomed or state.events:
                    self._settle()
            try:
                if type(trap) is not Park:
                    answer = await self._perform(trap)
                elif not trap.waiter.ready and trap.until > self._mono():
                    await self._alarms.sleep(trap.waiter, trap.until)
            except BaseException as raised:
                error = raised

    async def _run_here(self, flow: Coroutine[Trap, Any, T]) -> T | None:
        """Run a flow if this is the loop of the connections: a platform may have another one for what comes last."""
        if _get_running_loop() is self._loop:
            return await self._run(flow)
        flow.close()
        return None

    async def _perform(self, trap: Trap) -> Any:
        driver = self._driver
        assert driver is not None
        left = trap.until - self._mono() + EARLY
        if isinstance(trap, Dial):
            return await driver.connect(left)
        conn = trap.slot.conn
        if isinstance(trap, Check):
            if driver.look(conn) is Sight.GONE:
                return "lost"
            return "" if await driver.check(conn, left) else "check"
        return await driver.reset(conn, left)

    def _settle(self) -> None:
        """Do what the last step left: wake, close, report."""
        state = self._state
        while state.woken or state.doomed:
            if state.woken:
                wake(state.woken.popleft())
                continue
            slot = state.doomed.popleft()
            try:
                if slot.conn is not None:
                    self._driver.close(slot.conn)  # type: ignore[union-attr]
            finally:
                state.gone(slot, self._now())
        if state.events:
            events, state.events = state.events, []
            self._report(events)

    def _collect(self) -> None:
        """Free the seats of leases that the garbage collector found."""
        while self._leaked:
            slot = self._leaked.pop()
            if slot.state is LEASED:
                self._retire(slot, "leaked")
                self._settle()
                _explain.leaked(self.name, slot.where)
