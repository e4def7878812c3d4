"""What the model knows of each connection, and the check of every move that its slot makes."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, final

from .._core.policy import age
from .._core.slot import LEASED, Slot
from .._traps import Trap
from ._coverage import LEGAL

if TYPE_CHECKING:
    from ._world import World

__all__ = ["Conn", "Seat", "Task", "Violation", "ensure"]


class Violation(AssertionError):
    """A rule of the pool was broken."""


def ensure(holds: object, rule: str) -> None:
    if not holds:
        raise Violation(rule)


@final
class Conn:
    """A connection, as far as anybody here can tell."""

    __slots__ = ("open",)

    def __init__(self) -> None:
        self.open = True


class Seat(Slot):  # type: ignore[misc]  # final to everybody but its observer
    """A slot whose every move is compared with the table, and whose history the model keeps by itself."""

    __slots__ = (
        "active",
        "active_step",
        "born",
        "held",
        "last",
        "lendings",
        "proof_thaws",
        "proof_wall",
        "rested",
        "tainted",
        "taken_thaws",
        "taken_wall",
        "world",
    )

    def __init__(self, world: World, generation: int) -> None:
        self.world = world
        self.last = ""
        #: Whether a borrower has it, how often one had, and whether none may ever have it again.
        self.held = self.tainted = False
        self.lendings = 0
        #: When it was opened, and when (and in which step) it last did something.
        self.born = self.active = world.instant
        self.active_step = 0
        #: When it last proved to be alive: the wall time, and how many thaws there had been.
        self.proof_wall, self.proof_thaws = 0.0, -1
        self.taken_wall, self.taken_thaws = 0.0, -1
        #: The step in which it was last put to rest.
        self.rested = 0
        super().__init__(generation)

    def _move(self, new: Any) -> None:
        last, self.last = self.last, new._value_
        if last:
            move = ("move", last, self.last)
            ensure(move in LEGAL, f"a slot may not move from {last} to {self.last}")
            self.world.seen.add(move)
            if self.last == "idle":
                self.rested = self.world.step
            elif self.last == "checking" and last == "suspect":
                self._young_enough()
        _set(self, new)

    state = property(vars(Slot)["state"].__get__, _move)

    def _young_enough(self) -> None:
        now, limits = self.world.instant, self.world.state.limits
        ensure(
            self.active_step > self.world.dead_since, "a connection is probed although a younger one was dead"
        )
        ensure(age(*self.active, now) < limits.idle_timeout, "a connection beyond idle_timeout is not closed")
        ensure(age(*self.born, now) < limits.max_lifetime, "a connection beyond max_lifetime is not closed")

    def acts(self) -> None:
        self.active = self.world.instant
        self.active_step = self.world.step

    def prove(self) -> None:
        """The connection lives: its server answered, or a borrower used it until just now."""
        world = self.world
        self.acts()
        self.proof_wall, self.proof_thaws = world.instant.wall, world.thaws

    def lend(self) -> None:
        """A borrower gets this one: is it anybody's to give, and is there proof that it lives?"""
        world = self.world
        wall, limits = world.instant.wall, world.state.limits
        ensure(self.state is LEASED and self in world.state.slots, f"{self!r} was handed out")
        ensure(self.conn is not None and self.conn.open, "a closed connection was handed out")
        ensure(not self.held, "a connection was handed to two borrowers")
        ensure(not self.tainted, "a connection with an unread reply was handed out")
        ensure(self.proof_thaws == world.thaws, "a connection was handed out unchecked after a thaw")
        if self.proof_wall != wall:
            fresh = self.proof_wall <= wall < self.proof_wall + limits.trust_window
            ensure(fresh, "a connection was handed out unchecked after it had been idle")
            ensure(
                wall < self.born.wall + limits.max_lifetime, "a connection beyond max_lifetime was handed out"
            )
        self.lendings += 1
        ensure(self.lendings <= limits.max_uses, "a connection was handed out beyond max_uses")
        self.held = True
        self.taken_wall, self.taken_thaws = wall, world.thaws


_set: Callable[[Seat, Any], None] = vars(Slot)["state"].__set__


@final
class Task:
    """A flow, and what it waits for."""

    __slots__ = ("began", "flow", "kind", "number", "seat", "trap", "until")

    def __init__(
        self, number: int, kind: str, flow: Coroutine[Trap, Any, Any], until: float, seat: Seat | None = None
    ) -> None:
        self.number = number
        self.kind = kind
        self.flow = flow
        self.until = until
        #: What a release gives back.
        self.seat = seat
        self.trap: Any = None
        #: When it entered its trap.
        self.began = 0.0
