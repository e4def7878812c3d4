"""Rules of thumb as pure functions: ages, jitter, back-off, margins. Seconds everywhere.

Randomness is passed in as ``u``, a number in [0, 1), so that a seed decides every run.
"""

# Annotations are not postponed here: a NamedTuple compiles each that is, which a cold start would pay for.
from typing import Final, NamedTuple

__all__ = ["Instant", "Limits", "age", "backoff", "budget", "jittered"]

#: HikariCP takes up to 2.5 % off a connection's life, psycopg_pool 5 %, so that connections opened
#: together do not all end together.
LIFETIME_JITTER: Final = 0.05
FIRST_BACKOFF: Final = 0.02
LAST_BACKOFF: Final = 0.25
#: A refused connect costs the server nearly as much as an accepted one, so a full server is left alone.
OVERLOAD_PAUSE: Final = 1.0
#: A dial that has said nothing for so long may never say anything. Others need not wait for its deadline.
HUNG_DIAL: Final = 1.0


class Instant(NamedTuple):
    """One reading of the wall clock and of the monotonic clock."""

    wall: float
    mono: float


class Limits(NamedTuple):
    """The options that decisions depend on; ``inf`` where a limit is off."""

    max_size: int = 5
    trust_window: float = 1.0
    idle_timeout: float = 10.0
    max_lifetime: float = 1800.0
    max_uses: float = float("inf")
    max_waiting: float = float("inf")


def age(wall: float, mono: float, now: Instant) -> float:
    """How long ago that was: the larger of both deltas; a clock that ran backwards proves nothing."""
    return max(now.wall - wall, now.mono - mono)


def jittered(lifetime: float, u: float) -> float:
    """``lifetime`` less up to 5 %."""
    return lifetime * (1.0 - LIFETIME_JITTER * u)


def backoff(failures: int, u: float) -> float:
    """The pause before dial number ``failures`` + 1 of an outage: 20 ms doubling to 250 ms, half of it jitter."""
    full: float = min(LAST_BACKOFF, FIRST_BACKOFF * 2 ** min(failures - 1, 8))
    return full * (0.5 + 0.5 * u)


def budget(remaining: float) -> float:
    """What may be spent of an invocation's remaining time: all but 0.1 s or 2 %, the larger."""
    if remaining == float("inf"):
        return remaining
    return max(0.0, remaining - max(0.1, 0.02 * remaining))
