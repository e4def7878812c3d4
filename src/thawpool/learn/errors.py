"""What keeps the lesson from going on."""

from __future__ import annotations

__all__ = ["LearnError"]


class LearnError(Exception):
    """The lesson cannot go on here; the message says why and what to do, in one line."""
