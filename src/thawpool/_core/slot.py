"""A slot is the seat of one connection: one unit of ``max_size``, from the dial to the last close.

The table ``MOVES`` lists every legal move. The simulator proves that it exercises each of them, and
``audit`` that nothing else ever happens.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Final, final

__all__ = ["MOVES", "Slot", "SlotState"]


@final
class SlotState(Enum):
    """Where a slot is. Exactly one party may act on a slot in each state."""

    OPENING = "opening"  # a flow dials. Moves to: LEASED, CLOSING, GONE
    LEASED = "leased"  # a borrower has it, or is granted it. Moves to: any but OPENING and GONE
    IDLE = "idle"  # trusted, waits for a borrower. Moves to: LEASED, SUSPECT, CLOSING
    SUSPECT = "suspect"  # idle, trust lost. Moves to: CHECKING, CLOSING
    CHECKING = "checking"  # a flow looks at it and probes it. Moves to: LEASED, SUSPECT, CLOSING
    CLOSING = "closing"  # retired; the shell that did so closes it. Moves to: GONE
    GONE = "gone"  # no longer counted


OPENING: Final = SlotState.OPENING
LEASED: Final = SlotState.LEASED
IDLE: Final = SlotState.IDLE
SUSPECT: Final = SlotState.SUSPECT
CHECKING: Final = SlotState.CHECKING
CLOSING: Final = SlotState.CLOSING
GONE: Final = SlotState.GONE

MOVES: Final[frozenset[tuple[SlotState, SlotState]]] = frozenset(
    {
        (OPENING, LEASED),  # the dial succeeded
        (OPENING, CLOSING),  # it succeeded after the pool was closed
        (OPENING, GONE),  # it failed or was cancelled
        (LEASED, IDLE),  # returned
        (LEASED, LEASED),  # returned and handed to the first waiter
        (LEASED, SUSPECT),  # returned after so long that nobody knows what became of it
        (LEASED, CHECKING),  # handed on, and time passed before its new borrower noticed
        (LEASED, CLOSING),  # returned broken, spent, surplus; or lost
        (IDLE, LEASED),  # taken while trusted
        (IDLE, SUSPECT),  # a thaw, or trust ran out
        (IDLE, CLOSING),  # expired, surplus, pool closed
        (SUSPECT, CHECKING),  # somebody wants it
        (SUSPECT, CLOSING),  # condemned with a younger one, expired, pool closed
        (CHECKING, LEASED),  # trust re-earned
        (CHECKING, SUSPECT),  # its borrower went away before the check began
        (CHECKING, CLOSING),  # the check failed
        (CLOSING, GONE),  # closed
    }
)


@final
class Slot:
    """One seat. Times come in pairs because no single clock survives a freeze (see ``clock``)."""

    __slots__ = (
        "conn",
        "expires_mono",
        "expires_wall",
        "generation",
        "good_until",
        "lent",
        "place",
        "reason",
        "released_mono",
        "released_wall",
        "state",
        "taken_at",
        "uses",
        "where",
    )

    def __init__(self, generation: int) -> None:
        self.state = SlotState.OPENING
        #: The connection, an opaque box: the core never looks inside.
        self.conn: Any = None
        #: A weak reference to it, while its borrower alone shall keep it alive.
        self.lent: Any = None
        #: The pool's generation when the dial began; an older one is retired on return.
        self.generation = generation
        self.expires_wall = self.expires_mono = 0.0
        #: When trust was last earned, and the wall time until which the fast path may rely on it.
        self.released_wall = self.released_mono = 0.0
        self.good_until = 0.0
        #: Wall time at which the present lease began; a long lease returns untrusted.
        self.taken_at = 0.0
        #: How often it was returned, if ``max_uses`` limits that.
        self.uses = 0
        #: The arrival number of the request that it serves.
        self.place = 0
        #: Why it was retired, once it was.
        self.reason = ""
        #: Where the present lease was taken, when the pool records that (``debug``).
        self.where: str | None = None

    def __repr__(self) -> str:
        return f"<Slot {self.state.value} uses={self.uses}>"
