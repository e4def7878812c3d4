"""Where and how to connect: a database URL, as pasted from anywhere, in one typed form.

Loaded when a pool first needs its URL, so ``import thawpool`` does not pay for it.
"""

from __future__ import annotations

from .driver_args import asyncpg_options, libpq_options
from .parse import parse_url, target_from_parts
from .target import Target

__all__ = ["Target", "asyncpg_options", "libpq_options", "parse_url", "target_from_parts"]
