"""What borrowers and flows may do in one step of a simulation: functions of the world.

Each first writes into ``world.label`` what it is about to do, for the trace, and then does it. One that
cannot be done now lets a flow go on instead.
"""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias, TypeVar

from .. import _flows
from .._core.slot import LEASED
from .._traps import Check, Dial, Park
from ..errors import ConnectFailed, Overloaded
from ._seat import Seat, Task, ensure
from ._world import Odds, Surprise, World

__all__ = [
    "DIAL_ODDS",
    "TIMEOUTS",
    "Action",
    "acquire",
    "advance",
    "doubt",
    "draw",
    "due",
    "finish",
    "give_back",
    "give_clean",
    "interrupt",
    "pick",
    "wake",
    "wake_early",
]

Action: TypeAlias = Callable[[World], None]
T = TypeVar("T")

TIMEOUTS: Final = (0.0, 0.05, 0.5, 2.0, 5.0, 30.0)
DELAYS: Final = (0.0, 0.0, 0.001, 0.02, 0.3)
INTERRUPTIONS: Final = (CancelledError, KeyboardInterrupt, GeneratorExit)


def odds(**shares: float) -> Odds:
    """Shares of 1, to be compared with a number in [0, 1) from the first on; the last takes the rest."""
    bounds, total = [], 0.0
    for end, share in shares.items():
        total += share
        bounds.append((total, end))
    return (*bounds[:-1], (1.0, bounds[-1][1]))


WELL: Final = ("well", odds(ok=0.95, refused=0.01, full=0.01, silent=0.01, fatal=0.01, error=0.01))
#: How dials go, by the state that the server is in.
DIAL_ODDS: Final = (
    WELL,
    WELL,
    WELL,
    ("ailing", odds(ok=0.5, refused=0.2, full=0.1, silent=0.1, fatal=0.05, error=0.05)),
    ("down", odds(refused=0.6, silent=0.15, ok=0.1, full=0.05, fatal=0.05, error=0.05)),
    ("full", odds(full=0.8, ok=0.1, refused=0.1)),
)
CHECK_ODDS: Final = odds(alive=0.6, lost=0.15, dead=0.12, silent=0.1, error=0.03)
RESET_ODDS: Final = odds(clean=0.7, dirty=0.15, silent=0.08, error=0.07)
RETURN_ODDS: Final = odds(clean=0.72, dirty=0.13, lost=0.06, busy=0.03, leaked=0.03, failover=0.03)


def pick(world: World, options: Sequence[T]) -> T:
    return options[int(world.u() * len(options))]


def draw(world: World, shares: Odds) -> str:
    u = world.u()
    for bound, end in shares:
        if u < bound:
            return end
    raise AssertionError("the last bound is 1")


# -- borrowers ---------------------------------------------------------------------------------------


def acquire(world: World) -> None:
    """Somebody wants a connection, as the shells do it: the fast path, then the flow."""
    timeout = pick(world, TIMEOUTS)
    idle: list[Any] = world.state.idle
    slot: Any = world.state.take(world.instant.wall)
    if slot is not None:
        world.label = ("take",)
        ensure(all(other.rested <= slot.rested for other in idle), "not the youngest was taken")
        world.deliver(slot)
    else:
        world.label = ("acquire, at most", timeout, "s")
        until = world.instant.mono + timeout
        world.start("acquire", _flows.acquire(world, until), until)


def give_back(world: World) -> None:
    """A borrower has done."""
    if not world.leases:
        return advance(world)
    how = draw(world, RETURN_ODDS)
    world.label = ("return", how)
    seat = world.end_lease(int(world.u() * len(world.leases)))
    state, now = world.state, world.instant
    if how == "clean":
        give_clean(world, seat)
    elif how == "dirty":
        until = now.mono + pick(world, TIMEOUTS)
        world.start("release", _flows.release(world, seat, until), until, seat)
    else:
        if how == "failover":
            state.expire(now)
        elif how == "lost":
            world.unproven(state.idle)
        state.retire(seat, how)
    return None


def give_clean(world: World, seat: Seat) -> None:
    """A clean return proves that the connection lives, unless the lease was long or fell into a thaw."""
    now, state = world.instant, world.state
    if (
        seat.taken_wall <= now.wall <= seat.taken_wall + state.trust_window
        and seat.taken_thaws == world.thaws
    ):
        seat.prove()
    else:
        seat.acts()
        world.unproven((seat,))
    state.give(seat, now.wall, now.mono)
    if seat.state is LEASED:
        world.seen.add(("move", "leased", "leased"))


def doubt(world: World) -> None:
    """A look at a connection just leased found something."""
    if not world.leases:
        return advance(world)
    world.label = ("a look finds something: doubt",)
    seat = world.end_lease(int(world.u() * len(world.leases)))
    seat.lendings -= 1
    world.unproven((seat, *world.state.idle))
    world.state.doubt(seat, world.instant)
    return None


# -- flows -------------------------------------------------------------------------------------------


def advance(world: World) -> None:
    """One of the flows that can go on does so."""
    tasks = world.tasks
    if not tasks:
        return due(world)
    first = int(world.u() * len(tasks))
    for task in tasks[first:] + tasks[:first]:
        trap = task.trap
        if type(trap) is not Park:
            return finish(world, task)
        if trap.waiter.ready or world.instant.mono >= trap.until:
            return wake(world, task)
    return due(world)


def finish(world: World, task: Task, end: str = "") -> None:
    """A dial, check or reset ends: as ``end`` says, or as the seed decides."""
    trap = task.trap
    kind = type(trap)
    end = end or draw(world, world.dial_odds if kind is Dial else CHECK_ODDS if kind is Check else RESET_ODDS)
    world.label = (kind.__name__, "ends:", end)
    left = trap.until - world.instant.mono
    if left > 0:
        world.pass_time(left if end == "silent" else min(left, pick(world, DELAYS)))
    if kind is Dial and end == "silent" and trap.until < task.began + world._connect_timeout:
        end = "cut"  # by its caller's own deadline
    world.seen.add((task.kind, kind.__name__, end))
    if end == "error":
        world.resume(task, None, Surprise("a bug in a driver"))
    elif kind is Dial:
        _dialed(world, task, end)
    elif kind is Check:
        _checked(world, task, end)
    else:
        if end == "clean":
            trap.slot.prove()
        world.resume(task, end == "clean")


def _dialed(world: World, task: Task, end: str) -> None:
    if end == "ok":
        world.resume(task, world.connect(task.trap.slot))
        return
    world.failed_dials += 1
    failures = world.state.failures
    if end == "full":
        world.resume(task, None, Overloaded("no slot left"))
    else:
        world.resume(task, None, ConnectFailed(end, transient=end != "fatal"))
    if end == "cut":
        ensure(world.state.failures == failures, "a request without time is taken for an outage")


def _checked(world: World, task: Task, end: str) -> None:
    seat: Seat = task.trap.slot
    if end == "lost":
        world.resume(task, end)
        return
    world.checks += 1
    if end == "alive":
        seat.prove()
        world.resume(task, "")
    else:
        world.dead_since = seat.active_step
        world.resume(task, "check")
        rest: list[Any] = world.state.suspects
        ensure(all(other.active_step > world.dead_since for other in rest), "a dead one's elders are kept")


def wake(world: World, task: Task) -> None:
    what = _had(world, task)
    if what == "queued":
        what = "due" if world.instant.mono >= task.trap.until else "early"
    world.label = (task.kind, "wakes:", what)
    world.seen.add((task.kind, "Park", what))
    world.resume(task, None)


def _had(world: World, task: Task) -> str:
    """What a parked flow has by now, in a word."""
    waiter = task.trap.waiter
    if task.kind == "close":
        return "done" if waiter.ready else "queued"
    if task.kind == "settle":  # nothing is granted to it
        return "queued"
    if world.state.closed:
        return "closed"
    if waiter.slot is not None:
        return str(waiter.slot.state.value)
    return "nudged" if waiter.ready else "queued"


def wake_early(world: World) -> None:
    """A thread wakes without a reason, as it does to look after lost leases."""
    for task in world.tasks:
        if type(task.trap) is Park and not task.trap.waiter.ready:
            return wake(world, task)
    return advance(world)


def interrupt(world: World) -> None:
    """A task is cancelled, or Ctrl-C arrives, or a coroutine is thrown away."""
    if not world.tasks:
        return advance(world)
    tasks, by = world.tasks, pick(world, INTERRUPTIONS)
    if world.u() < 0.5:
        # Served, and interrupted before it knew: the race that pools are known for.
        tasks = [task for task in tasks if type(task.trap) is Park and task.trap.waiter.ready] or tasks
    task = pick(world, tasks)
    kind = type(task.trap)
    what = _had(world, task) if kind is Park else ""
    world.label = (by.__name__, "into", task.kind, "at", kind.__name__, what)
    world.seen.add(("cancel", task.kind, kind.__name__, what, by.__name__))
    return world.resume(task, None, by(), thrown=True)


def due(world: World) -> None:
    """Time passes until the next flow must be woken."""
    world.label = ("time passes until the next is due",)
    mono = world.instant.mono
    world.pass_time(
        min((task.trap.until - mono for task in world.tasks if task.trap.until > mono), default=0.01)
    )
