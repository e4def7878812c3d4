"""Does a statement's own text leave state behind in its session?"""

from __future__ import annotations

__all__ = ["stateful"]


def stateful(sql: str) -> bool:
    """Whether ``sql`` may leave state behind."""
    return True
