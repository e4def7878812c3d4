"""What a simulation must have exercised: every legal move, every end of a trap, every point of interruption."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias

from .._core.slot import MOVES

__all__ = ["CANCELS", "ENDS", "LEGAL", "OUTCOMES", "missing", "report"]

Point: TypeAlias = tuple[str, ...]

#: Moves of a slot. Kept as words, because hashing an Enum member is a Python call.
LEGAL: Final[frozenset[Point]] = frozenset({("move", a.value, b.value) for a, b in MOVES})

_DIALS: Final = ("ok", "refused", "fatal", "full", "silent", "cut", "error")

#: How each trap of each flow ended.
OUTCOMES: Final[frozenset[Point]] = frozenset(
    {
        *(("acquire", "Dial", end) for end in _DIALS),
        *(("warm", "Dial", end) for end in _DIALS),
        *(("acquire", "Check", end) for end in ("alive", "lost", "dead", "silent", "error")),
        *(("release", "Reset", end) for end in ("clean", "dirty", "silent", "error")),
        *(
            ("acquire", "Park", end)
            for end in ("leased", "checking", "opening", "nudged", "closed", "due", "early")
        ),
        *(("close", "Park", end) for end in ("done", "due", "early")),
        *(("settle", "Park", end) for end in ("due", "early")),
    }
)

#: Where a flow was interrupted (its trap and what it then had) and by what.
CANCELS: Final[frozenset[Point]] = frozenset(
    ("cancel", kind, trap, had, by)
    for kind, trap, had in (
        *(
            ("acquire", "Park", had)
            for had in ("queued", "nudged", "leased", "checking", "opening", "closed")
        ),
        ("acquire", "Check", ""),
        ("acquire", "Dial", ""),
        ("warm", "Dial", ""),
        ("release", "Reset", ""),
        *(("close", "Park", had) for had in ("queued", "done")),
        ("settle", "Park", "queued"),
    )
    for by in ("CancelledError", "KeyboardInterrupt", "GeneratorExit")
)

#: How each flow ended when nobody interrupted it.
ENDS: Final[frozenset[Point]] = frozenset(
    {
        *(
            ("end", "acquire", end)
            for end in (
                "returned",
                "waiting",
                "connecting",
                "checking",
                "PoolSaturated",
                "PoolClosed",
                "ConnectFailed",
                "Overloaded",
                "Surprise",
            )
        ),
        *(
            ("end", "warm", end)
            for end in ("returned", "connecting", "PoolClosed", "ConnectFailed", "Overloaded", "Surprise")
        ),
        *(("end", "release", end) for end in ("returned", "Surprise")),
        ("end", "close", "returned"),
        ("end", "settle", "returned"),
    }
)

ALL: Final = (
    ("legal moves", LEGAL),
    ("trap outcomes", OUTCOMES),
    ("points of interruption", CANCELS),
    ("ends of flows", ENDS),
)


def missing(seen: Iterable[Point]) -> list[Point]:
    """What is still to be exercised."""
    seen = set(seen)
    return sorted(point for _, points in ALL for point in points - seen)


def report(seen: Iterable[Point]) -> str:
    """The coverage in a line of numbers, and a line for each point that is missing."""
    seen = set(seen)
    parts = [f"{len(points & seen)} of {len(points)} {name}" for name, points in ALL]
    return "\n".join(
        ["coverage: " + ", ".join(parts), *("  not reached: " + " ".join(p) for p in missing(seen))]
    )
