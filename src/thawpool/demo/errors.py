"""What keeps the demo from starting."""

from __future__ import annotations

__all__ = ["DemoError"]


class DemoError(Exception):
    """The demo cannot start; the message says why and what to do."""
