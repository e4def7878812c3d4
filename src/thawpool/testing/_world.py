"""The world of a simulation: clocks, connections, borrowers, and flows that wait for something to happen.

The flows and the state are the library's own. What is made up here is everything around them, and a
second opinion: a model of what must never happen, kept apart from the code that is judged, and asked
after every step (``World.check``), at every move of a slot and at every hand-over (``_seat``).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final, TypeAlias, final

from .._core.audit import audit
from .._core.policy import Instant, Limits
from .._core.slot import CLOSING, Slot
from .._core.state import PoolState
from .._traps import Check, Dial, Park, Reset, Trap
from ..errors import PoolClosed, PoolTimeout, Unavailable
from ._coverage import Point
from ._seat import Conn, Seat, Task, Violation, ensure

__all__ = ["INFINITY", "Odds", "Surprise", "World"]


class Surprise(Exception):
    """An error that no flow expects: a bug in a driver or in a hook."""


INFINITY: Final = float("inf")
#: Ends of a trap, each with the number in [0, 1) below which it is drawn.
Odds: TypeAlias = tuple[tuple[float, str], ...]


#: The longest that each may take, in seconds.
LONGEST: Final[dict[type, float]] = {Dial: 2.0, Check: 0.5, Reset: 1.0}


@final
class World:
    """One pool and all that happens to it. ``u`` gives the numbers in [0, 1) that decide everything."""

    __slots__ = (
        "_connect_timeout",
        "_state",
        "checks",
        "closed",
        "closing",
        "dead_since",
        "dial_odds",
        "failed_dials",
        "instant",
        "label",
        "leases",
        "log",
        "number",
        "opened",
        "seen",
        "served",
        "state",
        "step",
        "subject",
        "tasks",
        "thaws",
        "u",
    )

    def __init__(self, u: Callable[[], float], limits: Limits, seen: set[Point]) -> None:
        self.u = u
        self.seen = seen
        self.instant = Instant(10_000.0, 100.0)
        self._connect_timeout = LONGEST[Dial]
        self.state = self._state = PoolState(limits, self._seat)
        self.tasks: list[Task] = []
        self.leases: list[Seat] = []
        #: Slots whose connection a shell is closing at this moment.
        self.closing: list[Any] = []
        self.dial_odds: Odds = ()
        #: What this step is about, for the trace.
        self.label: tuple[object, ...] = ()
        self.log: Callable[[World], None] | None = None
        self.step = self.number = self.thaws = 0
        #: When a probe fails: the step in which its connection last did something.
        self.dead_since = -1
        #: The model's own books.
        self.opened = self.closed = self.failed_dials = self.checks = 0
        #: The latest arrival that was served in this step, and what the trace names.
        self.served = self.subject = 0

    # -- the host of the flows -------------------------------------------------------------------

    def _now(self) -> Instant:
        return self.instant

    def _random(self) -> float:
        return self.u()

    def _owes(self, *, leases: bool) -> bool:
        return self.u() < 0.9 and (self.state.opening > 0 or (leases and bool(self.state.out())))

    def _timed_out(self, phase: str, until: float) -> PoolTimeout:
        ensure(self.instant.mono >= until, f"a flow gave up {phase} before its time")
        return PoolTimeout(f"no connection in time ({phase})", phase=phase)

    def _seat(self, generation: int) -> Seat:
        state = self.state
        ensure(len(state.slots) < state.max_size, "open + opening > max_size: a permit beyond the ceiling")
        ensure(not state.closed, "a closed pool opens a connection")
        return Seat(self, generation)

    def pass_time(self, mono: float, wall: float | None = None) -> None:
        """Move the clocks on; the wall clock goes its own way in a freeze or when it is set."""
        now = self.instant
        self.instant = Instant(now.wall + (mono if wall is None else wall), now.mono + mono)

    # -- flows -----------------------------------------------------------------------------------

    def start(self, kind: str, flow: Coroutine[Trap, Any, Any], until: float, seat: Any = None) -> None:
        self.number += 1
        self.subject = self.number
        task = Task(self.number, kind, flow, until, seat)
        self.tasks.append(task)
        self.resume(task, None)

    def resume(
        self, task: Task, answer: Any, error: BaseException | None = None, *, thrown: bool = False
    ) -> None:
        """Let a flow go on with what its trap brought. ``thrown``: it is being interrupted."""
        self.subject = task.number
        held = _held(task.trap)
        try:
            trap = task.flow.send(answer) if error is None else task.flow.throw(error)
        except StopIteration as stop:
            ensure(not thrown, "an interrupted flow returned as if nothing had been")
            self._ended(task, stop.value, held)
        except AssertionError:
            raise
        except BaseException as raised:
            self._failed(task, raised, error, thrown=thrown)
        else:
            ensure(not thrown, "an interrupted flow went on waiting")
            self._waits(task, trap, held)

    def _waits(self, task: Task, trap: Any, held: Any) -> None:
        mono = self.instant.mono
        resumed, task.trap, task.began = task.trap, trap, mono
        if trap.until > task.until:
            raise Violation(f"a {task.kind} waits past its own end")
        if type(trap) is Park:
            waiter = trap.waiter
            waiter.signal = task
            if type(resumed) is Park:
                ensure(mono < task.until, "a flow went on waiting after its end")
            elif task.kind == "acquire":
                self._queue_in_order()
            ensure(waiter.ready or trap.until > mono or mono >= task.until, "a flow spins without sleeping")
            ensure(
                task.kind == "settle" or trap.until == min(task.until, waiter.alarm or task.until),
                "a flow sleeps past its alarm",
            )
            return
        ensure(trap.until <= mono + LONGEST[type(trap)], "a trap may take too long")
        if task.kind != "release":
            ensure(mono < task.until, "a flow dials or checks after its end")
            if trap.slot is not held and task.kind == "acquire":
                self.served = max(self.served, task.number)

    def _queue_in_order(self) -> None:
        numbers = [waiter.signal.number for waiter in self.state.waiters if waiter.signal is not None]
        ensure(
            numbers == sorted(numbers), "the queue is out of order: a later request is before an earlier one"
        )

    def _ended(self, task: Task, value: Any, held: Any) -> None:
        self.tasks.remove(task)
        self.seen.add(("end", task.kind, "returned"))
        if task.kind == "acquire":
            if value is not held:
                self.served = max(self.served, task.number)
            self.deliver(value)
        elif task.kind == "close":
            ensure(value is (not self.state.slots), "close() told the wrong outcome")
            ensure(value or self.instant.mono >= task.until, "close() gave up before its time")

    def _failed(
        self, task: Task, raised: BaseException, error: BaseException | None, *, thrown: bool
    ) -> None:
        if isinstance(raised, KeyboardInterrupt) and not thrown:
            raise raised  # from the keyboard, not from the world
        self.tasks.remove(task)
        if task.seat is not None:
            task.seat.tainted = True  # its reset was cut short
        elif type(task.trap) is Check:
            seat: Any = task.trap.slot
            seat.tainted = True  # a reply may be on its way
        if raised is error:
            if not thrown:
                self.seen.add(("end", task.kind, type(raised).__name__))
        elif thrown or not isinstance(raised, Unavailable | PoolClosed):
            raise Violation(f"a {task.kind} ended with {raised!r}, which nobody had raised") from raised
        elif isinstance(raised, PoolTimeout):
            self.seen.add(("end", task.kind, raised.phase))
        else:
            self.seen.add(("end", task.kind, type(raised).__name__))
            if isinstance(raised, PoolClosed):
                ensure(self.state.closed, "PoolClosed from an open pool")
            else:
                seats = sum(slot.state is not CLOSING for slot in self.state.slots)
                waiting = len(self.state.waiters) - max(0, self.state.max_size - seats)
                ensure(waiting >= self.state.limits.max_waiting, "refused, but few wait")

    # -- connections -----------------------------------------------------------------------------

    def connect(self, seat: Seat) -> Conn:
        self.opened += 1
        seat.prove()
        seat.born = self.instant
        return Conn()

    def deliver(self, slot: Any) -> None:
        """A borrower gets this one."""
        slot.lend()
        self.leases.append(slot)

    def unproven(self, slots: Iterable[Any]) -> None:
        """From here on these must be checked before a borrower has them."""
        for seat in slots:
            seat.proof_thaws = -1

    def end_lease(self, index: int) -> Seat:
        """The borrower has done with it; what follows tells the pool."""
        seat = self.leases[index]
        self.leases[index] = self.leases[-1]
        del self.leases[-1]
        seat.held = False
        return seat

    def close_one(self) -> None:
        """One step of a shell that closes what is doomed: to begin, or to have done it."""
        state = self.state
        if state.doomed:
            self.closing.append(state.doomed.popleft())
        else:
            slot = self.closing.pop(0)
            ensure(slot.state is CLOSING and slot.conn.open, "a connection was closed twice")
            slot.conn.open = False
            self.closed += 1
            state.gone(slot, self.instant)

    # -- the second opinion ----------------------------------------------------------------------

    def check(self) -> None:
        """After every step: the pool's own invariants, then the model's."""
        state = self.state
        audit(state)
        still_open = self.opened - self.closed
        ensure(
            still_open == len(state.slots) - state.opening,
            "a connection is open and has no seat, or the reverse",
        )
        head = state.waiters.head()
        if head is not None:
            first = head.signal
            ensure(self.served < first.number, "a later request was served before the first in the queue")
            for waiter in state.woken:
                if waiter.slot is not None and waiter.signal is not None:
                    ensure(waiter.signal.number < first.number, "a later waiter was granted before the first")
        if state.closed:
            for task in self.tasks:
                told = type(task.trap) is not Park or task.trap.waiter.ready
                ensure(
                    told or task.kind == "settle" or (task.kind == "close" and state.slots),
                    f"{task.kind} was not told that all is closed",
                )
        self.served = 0
        self.dead_since = -1
        state.woken.clear()
        state.events.clear()
        if self.log is not None:
            self.log(self)


def _held(trap: Any) -> Slot | None:
    """What the flow had been given before this step."""
    if trap is None:
        return None
    return trap.waiter.slot if type(trap) is Park else trap.slot
