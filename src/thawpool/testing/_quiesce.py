"""The end of a simulation: nothing goes wrong any more, and everything must come to rest."""

from __future__ import annotations

from typing import Final

from .. import _flows
from .._core.policy import OVERLOAD_PAUSE
from .._core.slot import IDLE, SUSPECT
from .._traps import Check, Dial, Park
from ..errors import PoolClosed
from ._actions import finish, give_clean, wake
from ._events import close_one
from ._seat import ensure
from ._world import World

__all__ = ["quiesce"]

#: More steps than any orderly end takes.
ENOUGH: Final = 2_000
WELL: Final = {Dial: "ok", Check: "alive"}


def quiesce(world: World) -> None:
    """Let everything end well, then prove that nothing was lost: every seat can be leased once more."""
    world.u = _half
    _settle(world)
    state = world.state
    if state.closed:
        _refuses(world)
    else:
        world.pass_time(OVERLOAD_PAUSE)  # after an outage the next dial is tried no later than that
        for _ in range(state.max_size):
            _lease_one(world)
        until = world.instant.mono
        world.start("acquire", _flows.acquire(world, until), until)
        ensure(len(world.leases) == state.max_size, "more leases than max_size")
        _settle(world)
        until = world.instant.mono + 1.0
        world.start("close", _flows.close(world, until), until)
        _settle(world)
    _balance(world)


def _half() -> float:
    return 0.5


def _balance(world: World) -> None:
    """Nothing is left, and the pool's books agree with the model's."""
    state = world.state
    ensure(not state.slots and world.opened == world.closed, "a closed pool has left a connection open")
    ensure(state.counts["opened"] == world.opened, "opened connections are miscounted")
    ensure(sum(state.retired.values()) == world.closed, "retired connections are miscounted")
    ensure(state.counts["open_failed"] == world.failed_dials, "failed dials are miscounted")
    ensure(state.counts["checks"] == world.checks, "checks are miscounted")


def _settle(world: World) -> None:
    """Everything goes on until nothing can, and then nobody may be left waiting."""
    for _ in range(ENOUGH):
        if not _one(world):
            break
        world.check()
    else:
        ensure(False, "the pool does not come to rest")
    state = world.state
    ensure(not state.opening and not state.waiters, "a request waits although nothing is in use")
    ensure(all(slot.state is IDLE or slot.state is SUSPECT for slot in state.slots), "a slot was lost")
    ensure(len(state.slots) <= state.max_size, "a surplus connection stays open")


def _one(world: World) -> bool:
    """One step towards rest; False if there is none."""
    world.step += 1
    if world.state.doomed or world.closing:
        close_one(world)
    elif world.leases:
        world.label = ("at the end: return clean",)
        give_clean(world, world.end_lease(0))
    else:
        return _go_on(world)
    return True


def _go_on(world: World) -> bool:
    for task in world.tasks:
        if type(task.trap) is not Park:
            finish(world, task, WELL.get(type(task.trap), "clean"))
            return True
        if task.trap.waiter.ready or world.instant.mono >= task.trap.until:
            wake(world, task)
            return True
    if not world.tasks:
        return False
    # All are asleep and nothing is in use. That is right in an outage, and for one that looks again by itself.
    state = world.state
    outage = state.failures and not state.opening and state.connected
    looks_again = any(task.kind == "settle" for task in world.tasks)
    ensure(
        looks_again or (outage and not state.closed),
        "a flow sleeps and nobody will wake it before its time is over",
    )
    world.pass_time(min(task.trap.until for task in world.tasks) - world.instant.mono)
    return True


def _lease_one(world: World) -> None:
    had = len(world.leases)
    until = world.instant.mono + 5.0
    world.start("acquire", _flows.acquire(world, until), until)
    while world.tasks or world.state.doomed or world.closing:
        if world.state.doomed or world.closing:
            close_one(world)
        else:
            _go_on(world)
        world.check()
    ensure(len(world.leases) == had + 1, "a request failed although nothing is wrong")


def _refuses(world: World) -> None:
    ensure(world.state.take(world.instant.wall) is None, "a closed pool leases")
    try:
        world.state.claim(world.instant)
    except PoolClosed:
        return
    ensure(False, "a closed pool takes requests")
