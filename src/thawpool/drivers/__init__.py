"""Adapters to database libraries, each loaded when a pool first dials through it."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from ..errors import ConfigError

if TYPE_CHECKING:
    from .._url import Target
    from ..config import PoolConfig

__all__ = ["load", "rest"]

#: (driver, asyncio or not): our module and its class, and the library's module.
ADAPTERS: Final = {
    ("psycopg", False): ("psycopg", "Psycopg", "psycopg"),
    ("psycopg", True): ("psycopg", "AsyncPsycopg", "psycopg"),
    ("asyncpg", True): ("asyncpg", "Asyncpg", "asyncpg"),
    ("psycopg2", False): ("psycopg2", "Psycopg2", "psycopg2"),
    ("pg8000", False): ("pg8000", "Pg8000", "pg8000"),
    ("pymysql", False): ("pymysql", "PyMySQL", "pymysql"),
    ("mysqlclient", False): ("mysqlclient", "MySQLClient", "MySQLdb"),
    ("mysqlconnector", False): ("mysqlconnector", "MySQLConnector", "mysql.connector"),
    ("asyncmy", True): ("asyncmy", "Asyncmy", "asyncmy"),
    ("aiomysql", True): ("aiomysql", "Aiomysql", "aiomysql"),
}


def rest() -> None:
    """Leave nothing running that no statement needs: the instance may be frozen at any instant."""
    module = sys.modules.get(f"{__name__}._watchdog")
    if module is not None:
        module.watchdog.rest()


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
    module, adapter, library = ADAPTERS[name, is_async]
    try:
        import_module(library)
    except ImportError as error:
        raise ConfigError(
            f"the driver {name!r} cannot be imported ({error}): install it with `pip install 'thawpool[{name}]'`"
        ) from error
    return getattr(import_module(f".{module}", __name__), adapter)(target, config)
