"""The drivers: what each one connects to, in which kind of pool, and by which names people call it."""

from __future__ import annotations

from typing import Final, NamedTuple

from ..errors import ConfigError
from .target import System

__all__ = ["ALIASES", "DRIVERS", "SCHEMES", "choose", "system_of"]

#: The schemes and the system that each one means.
SCHEMES: Final[dict[str, System]] = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
}


class Driver(NamedTuple):
    """What a driver connects to, and from where."""

    system: System
    threads: bool
    asyncio: bool


#: By their canonical names. The first that fits is the default.
DRIVERS: Final = {
    "psycopg": Driver("postgresql", threads=True, asyncio=True),
    "psycopg2": Driver("postgresql", threads=True, asyncio=False),
    "pg8000": Driver("postgresql", threads=True, asyncio=False),
    "asyncpg": Driver("postgresql", threads=False, asyncio=True),
    "pymysql": Driver("mysql", threads=True, asyncio=False),
    "mysqlclient": Driver("mysql", threads=True, asyncio=False),
    "mysqlconnector": Driver("mysql", threads=True, asyncio=False),
    "asyncmy": Driver("mysql", threads=False, asyncio=True),
    "aiomysql": Driver("mysql", threads=False, asyncio=True),
}
#: The names of modules, of packages, and of SQLAlchemy's dialects.
ALIASES: Final = {
    "mysql-connector": "mysqlconnector",
    "mysql-connector-python": "mysqlconnector",
    "mysql.connector": "mysqlconnector",
    "mysqldb": "mysqlclient",
    "psycopg2-binary": "psycopg2",
    "psycopg3": "psycopg",
    "psycopg_async": "psycopg",
}
_SERVERS: Final = {"postgresql": "PostgreSQL", "mysql": "MySQL and MariaDB"}


def choose(scheme: str, driver: str | None, is_async: bool) -> tuple[str, System]:
    """The driver that a scheme and the ``driver`` option mean together, by its canonical name.

    Raises:
        ConfigError: one of them is not known, they contradict each other, or the pool is of the other kind.
    """
    base, plus, named = scheme.partition("+")
    system = SCHEMES.get(base)
    if system is None:
        raise ConfigError(
            f"the scheme {base}:// is not known; known are postgresql://, postgres://, mysql:// and mariadb://, "
            "and with a driver postgresql+psycopg://, postgresql+asyncpg://, mysql+pymysql://, mysql+asyncmy://"
        )
    if plus and driver is not None and _canonical(named) != _canonical(driver):
        raise ConfigError(
            f"it names the driver {named!r}, and driver={driver!r} another one; drop one of the two"
        )
    name = named if plus else driver
    if name is None:
        return _fitting(is_async, system)[0], system
    name, served = system_of(name, is_async)
    if served != system:
        raise ConfigError(
            f"{name} is a driver for {_SERVERS[served]}, and the URL begins with {base}://: "
            f"use {_any(_fitting(is_async, system))}"
        )
    return name, system


def system_of(driver: str, is_async: bool) -> tuple[str, System]:
    """A driver's canonical name and what it connects to.

    Raises:
        ConfigError: it is not known, or does not fit the pool.
    """
    name = _canonical(driver)
    known = DRIVERS.get(name)
    if known is None:
        raise _unknown(driver, name, is_async)
    if not (known.asyncio if is_async else known.threads):
        mine, other = ("threads", "Pool") if is_async else ("asyncio", "AsyncPool")
        here = "AsyncPool" if is_async else "Pool"
        instead = _any(_fitting(is_async, known.system))
        raise ConfigError(f"{name} is for {mine}: use it with {other}, or {instead} with {here}")
    return name, known.system


def _canonical(name: str) -> str:
    name = name.lower()
    return ALIASES.get(name, name)


def _fitting(is_async: bool, system: System) -> list[str]:
    """The drivers of a system for a kind of pool, the default first."""
    return [
        name
        for name, known in DRIVERS.items()
        if known.system == system and (known.asyncio if is_async else known.threads)
    ]


def _any(names: list[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last


def _unknown(driver: str, name: str, is_async: bool) -> ConfigError:
    import difflib

    if name in SCHEMES:
        near = _fitting(is_async, SCHEMES[name])
    else:
        near = difflib.get_close_matches(name, [*DRIVERS, *ALIASES], n=1)
    hint = f"did you mean {_canonical(near[0])}? There are" if near else "choose one of"
    postgresql, mysql = (", ".join(_fitting(is_async, system)) for system in ("postgresql", "mysql"))
    return ConfigError(
        f"there is no driver {driver!r}: {hint} {postgresql} for PostgreSQL, {mysql} for MySQL and MariaDB"
    )
