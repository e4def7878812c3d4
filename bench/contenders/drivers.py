"""The drivers, without a pool: a connection of their own, a statement on it, and their own way to dicts.

Here is what every contender is measured beside. A library is imported when its driver first connects.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pkgutil import resolve_name
from typing import Any, Literal, NamedTuple

__all__ = [
    "AIOMYSQL", "ASYNCMY", "ASYNCPG", "DRIVERS", "MYSQLCLIENT", "MYSQLCONNECTOR", "PG8000", "PSYCOPG", "PSYCOPG2",
    "PSYCOPG_ASYNC", "PYMYSQL", "Address", "Driver", "Fetch", "System",
]  # fmt: skip

System = Literal["postgresql", "mysql"]
#: The rows of a statement on a connection; for asyncio it is awaited.
Fetch = Callable[[Any, str], Any]


class Address(NamedTuple):
    """Where a server is, and who asks."""

    scheme: str
    host: str
    port: int
    user: str
    password: str
    database: str

    def url(self, driver: str = "") -> str:
        scheme = f"{self.scheme}+{driver}" if driver else self.scheme
        return f"{scheme}://{self.user}:{self.password}@{self.host}:{self.port}/{self.database}"

    @property
    def arguments(self) -> dict[str, Any]:
        """For drivers that take arguments and no URL."""
        return {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "password": self.password,
            "database": self.database,
        }


@dataclass(frozen=True)
class Driver:
    #: As a URL of thawpool's names it.
    name: str
    server: System
    distribution: str
    #: The module that connects.
    module: str
    #: A connection, each statement of which commits by itself; for asyncio it is awaited.
    connect: Callable[[Address], Any]
    rows: Fetch
    #: Makes what fetches rows as dicts, in the way that the driver has for it.
    dicts: Callable[[], Fetch]
    is_async: bool = False


# -- how they answer -------------------------------------------------------------------------------


def _rows(conn: Any, sql: str) -> Any:
    cursor = conn.cursor()
    cursor.execute(sql)
    rows = cursor.fetchall()
    cursor.close()
    return rows


async def _async_rows(conn: Any, sql: str) -> Any:
    async with conn.cursor() as cursor:
        await cursor.execute(sql)
        return await cursor.fetchall()


def _by(*cursor: str, **options: Any) -> Callable[[], Fetch]:
    """Dicts by a cursor that makes them: the class with this name, or with these options."""

    def made() -> Fetch:
        kind = [resolve_name(name) for name in cursor]
        named = {
            key: resolve_name(value) if isinstance(value, str) else value for key, value in options.items()
        }

        def dicts(conn: Any, sql: str) -> Any:
            cursor = conn.cursor(*kind, **named)
            cursor.execute(sql)
            rows = cursor.fetchall()
            cursor.close()
            return rows

        return dicts

    return made


def _async_by(name: str) -> Callable[[], Fetch]:
    def made() -> Fetch:
        kind = resolve_name(name)

        async def dicts(conn: Any, sql: str) -> Any:
            async with conn.cursor(kind) as cursor:
                await cursor.execute(sql)
                return await cursor.fetchall()

        return dicts

    return made


def _zipped(conn: Any, sql: str) -> Any:
    """Dicts of a driver that has no cursor for them."""
    cursor = conn.cursor()
    cursor.execute(sql)
    names = [column[0] for column in cursor.description]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    cursor.close()
    return rows


def _psycopg_rows(conn: Any, sql: str) -> Any:
    return conn.execute(sql).fetchall()


def _psycopg_dicts() -> Fetch:
    from psycopg.rows import dict_row

    return lambda conn, sql: conn.cursor(row_factory=dict_row).execute(sql).fetchall()


async def _async_psycopg_rows(conn: Any, sql: str) -> Any:
    return await (await conn.execute(sql)).fetchall()


def _async_psycopg_dicts() -> Fetch:
    from psycopg.rows import dict_row

    async def dicts(conn: Any, sql: str) -> Any:
        return await (await conn.cursor(row_factory=dict_row).execute(sql)).fetchall()

    return dicts


async def _asyncpg_rows(conn: Any, sql: str) -> Any:
    return await conn.fetch(sql)


async def _asyncpg_dicts(conn: Any, sql: str) -> Any:
    return [dict(row) for row in await conn.fetch(sql)]


# -- how they connect ------------------------------------------------------------------------------


def _by_arguments(module: str, **options: Any) -> Callable[[Address], Any]:
    """Connect with arguments, one of which is that each statement commits by itself."""
    return lambda address: import_module(module).connect(**address.arguments, autocommit=True, **options)


def _by_attribute(module: str) -> Callable[[Address], Any]:
    """Connect, and then say that each statement commits by itself."""

    def connect(address: Address) -> Any:
        conn = import_module(module).connect(**address.arguments)
        conn.autocommit = True
        return conn

    return connect


def _psycopg(kind: str) -> Callable[[Address], Any]:
    return lambda address: resolve_name(f"psycopg:{kind}").connect(address.url(), autocommit=True)


def _asyncpg(address: Address) -> Any:
    return import_module("asyncpg").connect(address.url())


def _aiomysql(address: Address) -> Any:
    arguments = address.arguments
    arguments["db"] = arguments.pop("database")
    return import_module("aiomysql").connect(**arguments, autocommit=True)


# -- who they are ----------------------------------------------------------------------------------

PSYCOPG = Driver(
    name="psycopg", server="postgresql", distribution="psycopg", module="psycopg",
    connect=_psycopg("Connection"), rows=_psycopg_rows, dicts=_psycopg_dicts,
)  # fmt: skip
PSYCOPG2 = Driver(
    name="psycopg2", server="postgresql", distribution="psycopg2-binary", module="psycopg2",
    connect=_by_attribute("psycopg2"), rows=_rows, dicts=_by(cursor_factory="psycopg2.extras:RealDictCursor"),
)  # fmt: skip
PG8000 = Driver(
    name="pg8000", server="postgresql", distribution="pg8000", module="pg8000.dbapi",
    connect=_by_attribute("pg8000.dbapi"), rows=_rows, dicts=lambda: _zipped,
)  # fmt: skip
PYMYSQL = Driver(
    name="pymysql", server="mysql", distribution="PyMySQL", module="pymysql",
    connect=_by_arguments("pymysql"), rows=_rows, dicts=_by("pymysql.cursors:DictCursor"),
)  # fmt: skip
MYSQLCLIENT = Driver(
    name="mysqlclient", server="mysql", distribution="mysqlclient", module="MySQLdb",
    connect=_by_arguments("MySQLdb"), rows=_rows, dicts=_by("MySQLdb.cursors:DictCursor"),
)  # fmt: skip
MYSQLCONNECTOR = Driver(
    name="mysqlconnector", server="mysql", distribution="mysql-connector-python", module="mysql.connector",
    connect=_by_arguments("mysql.connector", use_pure=True), rows=_rows, dicts=_by(dictionary=True),
)  # fmt: skip
PSYCOPG_ASYNC = Driver(
    name="psycopg", server="postgresql", distribution="psycopg", module="psycopg", is_async=True,
    connect=_psycopg("AsyncConnection"), rows=_async_psycopg_rows, dicts=_async_psycopg_dicts,
)  # fmt: skip
ASYNCPG = Driver(
    name="asyncpg", server="postgresql", distribution="asyncpg", module="asyncpg", is_async=True,
    connect=_asyncpg, rows=_asyncpg_rows, dicts=lambda: _asyncpg_dicts,
)  # fmt: skip
ASYNCMY = Driver(
    name="asyncmy", server="mysql", distribution="asyncmy", module="asyncmy", is_async=True,
    connect=_by_arguments("asyncmy"), rows=_async_rows, dicts=_async_by("asyncmy.cursors:DictCursor"),
)  # fmt: skip
AIOMYSQL = Driver(
    name="aiomysql", server="mysql", distribution="aiomysql", module="aiomysql", is_async=True,
    connect=_aiomysql, rows=_async_rows, dicts=_async_by("aiomysql.cursors:DictCursor"),
)  # fmt: skip
#: By name; where a library has both flavours, the name says which.
DRIVERS = {
    "psycopg": PSYCOPG,
    "psycopg2": PSYCOPG2,
    "pg8000": PG8000,
    "pymysql": PYMYSQL,
    "mysqlclient": MYSQLCLIENT,
    "mysqlconnector": MYSQLCONNECTOR,
    "psycopg async": PSYCOPG_ASYNC,
    "asyncpg": ASYNCPG,
    "asyncmy": ASYNCMY,
    "aiomysql": AIOMYSQL,
}
