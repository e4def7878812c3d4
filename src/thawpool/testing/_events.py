"""What may happen to the pool as a whole in one step of a simulation, and how often everything happens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from .. import _flows
from .._core.policy import Limits
from ._actions import (
    DIAL_ODDS,
    TIMEOUTS,
    Action,
    acquire,
    advance,
    doubt,
    due,
    give_back,
    interrupt,
    pick,
    wake_early,
)
from ._coverage import Point
from ._seat import ensure
from ._world import INFINITY, World

__all__ = ["TABLES", "close", "close_one", "new_world", "warm"]

PAUSES: Final = (0.001, 0.01, 0.1, 0.4, 1.0, 3.0)
LEAPS: Final = (0.5, 3.0, 600.0)


def new_world(u: Callable[[], float], seen: set[Point]) -> World:
    """A pool whose options are decided by ``u`` too."""

    def among(*options: float) -> float:
        return options[int(u() * len(options))]

    limits = Limits(
        max_size=int(among(1, 2, 3, 5)),
        trust_window=among(1.0, 1.0, 0.1, 0.0),
        idle_timeout=among(10.0, 10.0, 2.0),
        max_lifetime=among(1800.0, 1800.0, 1800.0, 30.0, 3.0),
        max_uses=among(INFINITY, INFINITY, INFINITY, INFINITY, 3, 1),
        max_waiting=among(INFINITY, INFINITY, INFINITY, 3, 0),
    )
    world = World(u, limits, seen)
    weather(world)
    return world


# -- time --------------------------------------------------------------------------------------------


def pause(world: World) -> None:
    seconds = pick(world, PAUSES)
    world.label = (seconds, "s pass")
    world.pass_time(seconds)


def freeze(world: World) -> None:
    """The machine sleeps: the wall clock goes on, the monotonic clock stands still."""
    seconds = pick(world, LEAPS)
    world.label = ("frozen for", seconds, "s")
    world.pass_time(0.0, seconds)


def set_clock(world: World) -> None:
    seconds = pick(world, (-600.0, 600.0, -0.5))
    world.label = ("the wall clock is set by", seconds, "s")
    world.pass_time(0.0, seconds)


def thaw(world: World) -> None:
    world.label = ("thaw",)
    world.thaws += 1
    world.state.thaw(world.instant, "signal", pick(world, (0.0, 5.0, 600.0)))


# -- the pool as a whole -----------------------------------------------------------------------------


def weather(world: World) -> None:
    """From here on dials go better or worse."""
    name, world.dial_odds = pick(world, DIAL_ODDS)
    world.label = ("from here on the server is", name)


def close_one(world: World) -> None:
    if not world.state.doomed and not world.closing:
        return advance(world)
    world.label = ("a retired connection is being closed",)
    return world.close_one()


def expire(world: World) -> None:
    world.label = ("expire",)
    world.state.expire(world.instant)


def resize(world: World) -> None:
    size = pick(world, (1, 2, 3, 4, 5))
    world.label = ("resize to", size)
    world.state.resize(size, world.instant)


def lie_down(world: World) -> None:
    """The last invocation ends: what is too old or too much is closed, and what is under way may end."""
    keep, timeout = pick(world, (0, 1, 2)), pick(world, TIMEOUTS)
    world.label = ("lie down with", keep, "and settle in", timeout, "s")
    world.state.lay_down(keep, world.instant)
    resting = len(world.state.idle) + len(world.state.suspects)
    ensure(resting <= keep, "more sleep than are to be kept")
    until = world.instant.mono + timeout
    world.start("settle", _flows.settle(world, until), until)


def warm(world: World) -> None:
    if world.state.closed:
        return advance(world)
    target, timeout = pick(world, (1, 2, 4)), pick(world, TIMEOUTS)
    world.label = ("warm", target, "in", timeout, "s")
    until = world.instant.mono + timeout
    return world.start("warm", _flows.warm(world, target, until), until)


def close(world: World) -> None:
    timeout = pick(world, TIMEOUTS)
    world.label = ("close in", timeout, "s")
    until = world.instant.mono + timeout
    world.start("close", _flows.close(world, until), until)


def close_again(world: World) -> None:
    return close(world) if world.state.closed else advance(world)


WEIGHTS: Final[dict[Action, int]] = {
    acquire: 26,
    advance: 36,
    give_back: 18,
    close_one: 14,
    interrupt: 5,
    pause: 3,
    due: 2,
    wake_early: 1,
    doubt: 2,
    freeze: 1,
    set_clock: 1,
    thaw: 1,
    weather: 1,
    expire: 1,
    resize: 2,
    lie_down: 1,
    warm: 3,
    close_again: 4,
}


def _table(**times: float) -> tuple[Action, ...]:
    """Actions, each as often as its weight says, some of them more or less often than usual."""
    return tuple(
        action
        for action, weight in WEIGHTS.items()
        for _ in range(round(weight * times.get(action.__name__, 1.0)))
    )


#: Each seed takes one of these. Runs that differ in kind find more than runs that are all alike.
TABLES: Final = (
    _table(),
    _table(interrupt=4),
    _table(acquire=2),
    _table(acquire=0.7, give_back=1.5),
    _table(acquire=0.4, give_back=0.7, warm=3, pause=0.3, freeze=0, set_clock=0, resize=4),
    _table(pause=0.3, freeze=0, set_clock=0, weather=0, expire=0),
    _table(close_one=0.3, expire=4, lie_down=4),
    _table(resize=6, weather=4),
    _table(thaw=8, freeze=4, set_clock=4, doubt=4, acquire=0.7),
    _table(weather=8, warm=3, due=3),
)
