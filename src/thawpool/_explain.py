"""What a pool says when something went wrong: the texts of its errors and warnings, in one place."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence

from .errors import ConnectFailed, ConnectionLost, LeaseError, PoolTimeout
from .stats import PoolStats

__all__ = [
    "caller",
    "connection_lost",
    "leaked",
    "left_open",
    "no_connection",
    "not_out_on_lease",
    "still_out",
    "too_late",
]


def no_connection(
    stats: PoolStats, phase: str, error: BaseException | None, taken: Sequence[str], *, invocation: bool
) -> PoolTimeout:
    """The error for a lease that was not had in time, with what a reader needs to find the reason."""
    what = "the invocation's remaining time" if invocation else "the timeout"
    numbers = (
        f"{stats.total} of {stats.max_size} open, {stats.used} in use, {stats.idle + stats.suspect} idle, "
        f"{stats.opening} opening, {stats.waiting} waiting"
    )
    parts = [f"no connection within {what} ({phase}): {numbers}"]
    if error is not None:
        parts.append(f"the last attempt to connect failed: {error}")
    elif phase == "waiting":
        if taken:
            parts.append(f"taken at {_places(taken)}")
        parts.append("return connections sooner, raise max_size if the database allows, or raise timeout")
    timeout = PoolTimeout("; ".join(parts), phase=phase, connect_failed=isinstance(error, ConnectFailed))
    timeout.__cause__ = error
    return timeout


def too_late() -> PoolTimeout:
    """The error for what begins when its invocation is over."""
    return PoolTimeout(
        "the invocation's remaining time is up, so nothing was begun and nothing sent", phase="budget"
    )


def connection_lost(error: BaseException, reason: str | None) -> ConnectionLost:
    """The error for a statement whose connection died, which ``error`` reported."""
    return ConnectionLost(
        f"the connection was lost during the statement ({type(error).__name__}): "
        f"{reason or 'the server or the network closed it'}. The statement may or may not have run; pass "
        "idempotent=True if repeating it is harmless, and it is repeated for you"
    )


def not_out_on_lease(pool: str) -> LeaseError:
    """The error for ``putconn`` of what the pool did not lend, or has back already."""
    return LeaseError(
        f"putconn: this connection is not out on lease from pool {pool!r}: it was returned already, was taken "
        "with `with pool.connection()`, or belongs to another pool"
    )


def leaked(pool: str, where: str | None) -> None:
    """Warn of a lease that the garbage collector found."""
    _warn(
        "%s: a lease taken%s was never returned and was lost to the garbage collector; its connection is closed",
        pool,
        _at(where),
    )


def left_open(pool: str, where: str | None) -> None:
    """Warn of a transaction that its borrower forgot."""
    _warn(
        "%s: a connection taken%s came back with a transaction open; it is rolled back. "
        "Commit it, or use pool.transaction()",
        pool,
        _at(where),
    )


def still_out(pool: str, count: int, taken: Sequence[str]) -> None:
    """Warn of connections that are out on lease when the last invocation ends."""
    _warn(
        "%s: the invocation ended with %d connection(s) still out on lease, taken%s",
        pool,
        count,
        _at(_places(taken)),
    )


def caller() -> str:
    """The line outside of this package that is taking a lease."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("thawpool._"):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"


def _places(taken: Sequence[str]) -> str:
    """Where leases were taken, each place once."""
    counts = Counter(taken)
    return ", ".join(place if count == 1 else f"{place} ({count} times)" for place, count in counts.items())


def _at(where: str | None) -> str:
    return f" at {where}" if where else " (debug=True records where, and so does an invocation)"


def _warn(text: str, *args: object) -> None:
    import logging

    logging.getLogger("thawpool").warning(text, *args)
