"""Errors that every driver's connection raises with the same words."""

from __future__ import annotations

from ..errors import LeaseError, PoolTimeout

__all__ = ["overran", "returned"]


def returned() -> LeaseError:
    """The error for the use of a connection that its borrower gave back."""
    return LeaseError(
        "this connection was returned to the pool and must not be used any more; "
        "keep the work inside the `with pool.connection()` block"
    )


def overran() -> PoolTimeout:
    """The error for a statement that ran into its deadline."""
    return PoolTimeout(
        "the statement did not end before its deadline (its own timeout, or what the invocation had "
        "left), so its connection was closed; give it more time, or make it faster",
        phase="budget",
    )
