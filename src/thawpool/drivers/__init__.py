"""Adapters to database libraries, each loaded when a pool first dials through it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from ..errors import ConfigError

if TYPE_CHECKING:
    from .._url import Target
    from ..config import PoolConfig

__all__ = ["load"]

#: (driver, asyncio or not): module and class.
ADAPTERS: Final = {
    ("psycopg", False): ("psycopg", "Psycopg"),
    ("psycopg", True): ("psycopg", "AsyncPsycopg"),
    ("asyncpg", True): ("asyncpg", "Asyncpg"),
}


def load(target: Target, config: PoolConfig, *, is_async: bool) -> Any:
    """The adapter for a target.

    Raises:
        ConfigError: thawpool has no adapter for it, or the library is not installed.
    """
    name = target.driver
    if (name, is_async) not in ADAPTERS:
        known = sorted(driver for driver, flavour in ADAPTERS if flavour == is_async)
        raise ConfigError(
            f"driver {name!r} is not supported by {'AsyncPool' if is_async else 'Pool'}: use {' or '.join(known)}"
        )
    module, adapter = ADAPTERS[name, is_async]
    try:
        import_module(name)
    except ImportError as error:
        raise ConfigError(
            f"the driver {name!r} cannot be imported ({error}): install it with `pip install 'thawpool[{name}]'`"
        ) from error
    return getattr(import_module(f".{module}", __name__), adapter)(target, config)
