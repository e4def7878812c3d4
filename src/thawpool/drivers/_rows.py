"""Rows as dicts, for every driver."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import PoolError

__all__ = ["named_twice"]


def named_twice(names: Sequence[str]) -> PoolError:
    """The error for a result in which a column would be lost to another of its name."""
    twice = sorted({name for name in names if names.count(name) > 1})
    return PoolError(
        f"more than one result column is named {', '.join(map(repr, twice))}, and a dict holds only one: "
        "give them different names with AS"
    )
