"""thawpool: database connection pooling for serverless functions.

    from thawpool import Pool
    pool = Pool()                       # DATABASE_URL, at most 5 connections

    def get_users():
        return pool.query("SELECT id, name, email FROM users ORDER BY id")

Importing this loads no driver and no asyncio: names load when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import (
    ConfigError,
    ConnectFailed,
    ConnectionLost,
    LeaseError,
    Overloaded,
    ParamsError,
    PoolClosed,
    PoolError,
    PoolSaturated,
    PoolTimeout,
    Unavailable,
)

if TYPE_CHECKING:
    from ._async import AsyncPool
    from ._json import json_default
    from ._sync import Pool
    from .clock import Clock
    from .observe import Observer
    from .stats import PoolStats

__version__ = "0.1.0"

__all__ = [
    "AsyncPool",
    "Clock",
    "ConfigError",
    "ConnectFailed",
    "ConnectionLost",
    "LeaseError",
    "Observer",
    "Overloaded",
    "ParamsError",
    "Pool",
    "PoolClosed",
    "PoolError",
    "PoolSaturated",
    "PoolStats",
    "PoolTimeout",
    "Unavailable",
    "__version__",
    "json_default",
]

_LAZY = {
    "AsyncPool": "_async",
    "Clock": "clock",
    "Observer": "observe",
    "Pool": "_sync",
    "PoolStats": "stats",
    "json_default": "_json",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f".{_LAZY[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(_LAZY))
