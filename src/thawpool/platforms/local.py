"""No platform that we know: a server, a container or a laptop, which runs until it is stopped."""

from __future__ import annotations

from typing import Final

from .base import Platform

__all__ = ["LOCAL"]

LOCAL: Final = Platform("local", freezes=False, longest_request=None)
