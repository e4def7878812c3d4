"""The drivers that the suite runs over, one line each, and in what they differ.

A new driver is an adapter and a line here. A difference that is declared is printed in ``docs/drivers.md`` with
its reason, so there is no other place where a driver may fall short.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = ["DIFFERENCES", "DRIVERS", "SERVERS", "Declared", "Difference", "Kind", "System"]

System = Literal["postgresql", "mysql"]
Kind = Literal["threads", "asyncio"]
Difference = Literal["cancel"]

#: The reason of each difference, in a sentence.
DIFFERENCES: dict[Difference, str] = {
    "cancel": "a statement that is given up goes on at the server until it ends, or statement_timeout ends it",
}

#: The servers of each system: a fixture, its name in the matrix, and the part that a machine may lack. The first is
#: the one for what is the same on all of them.
SERVERS: dict[System, tuple[tuple[str, str, str], ...]] = {
    "postgresql": (("postgres", "PostgreSQL 18", ""), ("postgres15", "PostgreSQL 15", "postgres15")),
    "mysql": (("mariadb", "MariaDB", "mariadb"), ("mysql", "MySQL", "mysql")),
}


class Declared(NamedTuple):
    """A driver, as it says of itself."""

    name: str
    system: System
    kinds: tuple[Kind, ...]
    #: How its own connection runs a statement: ``conn.execute``, asyncpg's ``conn.fetchval``, or a ``cursor``.
    words: Literal["execute", "fetchval", "cursor"]
    #: The part that a machine may lack.
    part: str = ""
    differs: frozenset[Difference] = frozenset()


_MYSQL: frozenset[Difference] = frozenset({"cancel"})

DRIVERS = (
    Declared("psycopg", "postgresql", ("threads", "asyncio"), "execute"),
    Declared("asyncpg", "postgresql", ("asyncio",), "fetchval"),
    Declared("pymysql", "mysql", ("threads",), "cursor", differs=_MYSQL),
    Declared("mysqlconnector", "mysql", ("threads",), "cursor", differs=_MYSQL),
    Declared("asyncmy", "mysql", ("asyncio",), "cursor", differs=_MYSQL),
    Declared("aiomysql", "mysql", ("asyncio",), "cursor", differs=_MYSQL),
)
