"""The drivers that the suite runs over, one line each, and in what they differ.

A new driver is an adapter and a line here. A difference that is declared is printed in ``docs/drivers.md`` with
its reason, so there is no other place where a driver may fall short.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = ["DIFFERENCES", "DRIVERS", "SERVERS", "Declared", "Difference", "Kind", "System"]

System = Literal["postgresql", "mysql"]
Kind = Literal["threads", "asyncio"]
Difference = Literal["cancel", "dial", "interrupt", "verify-ca"]

#: The reason of each difference, in a sentence.
DIFFERENCES: dict[Difference, str] = {
    "cancel": "the server is not told that a statement was given up; it notices within 2 s that nobody waits for it",
    "dial": "a dial that is given up ends by the library's own time limit: its thread and its socket stay until then",
    "interrupt": "Ctrl-C takes effect when a statement ends, by its deadline at the latest: the library waits in C",
    "verify-ca": "its library checks the name in the certificate too: sslmode=verify-ca is as strict as verify-full",
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
    differs: tuple[Difference, ...] = ()


DRIVERS = (
    Declared("psycopg", "postgresql", ("threads", "asyncio"), "execute"),
    Declared("psycopg2", "postgresql", ("threads",), "cursor", differs=("cancel", "dial", "interrupt")),
    Declared("pg8000", "postgresql", ("threads",), "cursor"),
    Declared("asyncpg", "postgresql", ("asyncio",), "fetchval"),
    Declared("pymysql", "mysql", ("threads",), "cursor"),
    Declared("mysqlclient", "mysql", ("threads",), "cursor", "mysqlclient", ("dial", "verify-ca")),
    Declared("mysqlconnector", "mysql", ("threads",), "cursor"),
    Declared("asyncmy", "mysql", ("asyncio",), "cursor"),
    Declared("aiomysql", "mysql", ("asyncio",), "cursor"),
)
