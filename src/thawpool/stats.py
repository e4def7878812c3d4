"""A snapshot of a pool in numbers."""

# Annotations are not postponed here: a NamedTuple compiles each that is, which a cold start would pay for.
from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["PoolStats"]


class PoolStats(NamedTuple):
    """What ``pool.stats()`` answers; a moment's truth, taken atomically.

    The gauges carry OpenTelemetry's words (``idle``, ``used``), so an exporter needs no table.
    """

    #: The limit, as configured or as last set with ``resize``.
    max_size: int
    #: Connections that are open or being opened: never more than ``max_size``.
    total: int
    #: Open and trusted, ready to be leased.
    idle: int
    #: Out on lease.
    used: int
    #: Being dialed at this moment.
    opening: int
    #: Idle, to be looked at or probed before the next lease, or being probed now.
    suspect: int
    #: Requests that wait for a connection.
    waiting: int
    #: Dials that succeeded, since the pool was made.
    opened: int
    #: Dials that failed.
    open_failed: int
    #: Connections closed, by reason: idle, lifetime, uses, lost, check, condemned, dirty, surplus, ...
    retired: Mapping[str, int]
    #: How often trust was withdrawn from everything open: a gap, a signal, a fork, a new loop.
    thaws: int
    #: Probes: round trips spent to see whether a connection still lives.
    checks: int
    #: Leases that were not had in time.
    timeouts: int
    #: Leases that were not served on the fast path.
    waits: int
    #: Seconds that those spent waiting, dialing and checking, in sum.
    wait_seconds: float
