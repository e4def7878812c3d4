"""A driver's adapter by itself, without a pool around it."""

from __future__ import annotations

from typing import Any

from thawpool.config import PoolConfig
from thawpool.drivers import load

__all__ = ["adapter"]


def adapter(url: str, scheme: str = "postgresql+asyncpg", **options: Any) -> Any:
    """The asyncio adapter for ``url`` under another scheme."""
    config = PoolConfig.make(f"{scheme}{url[url.index('://') :]}", is_async=True, **options)
    return load(config.resolve_target(is_async=True), config, is_async=True)
