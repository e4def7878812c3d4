"""Who is measured. A new contender is a class here and a line in ``EVERY``."""

from __future__ import annotations

from .asyncpg import AsyncpgPool
from .base import SIZE, AsyncContender, Contender, Setting, SyncContender, over
from .drivers import DRIVERS, PG8000, PSYCOPG2, PYMYSQL, Address, Driver
from .floor import AsyncLeast, Least
from .mysql import AiomysqlPool, AsyncmyPool, DbutilsMysqlclient, DbutilsPymysql, MysqlConnectorPool
from .node import Mysql2, NodeContender, Pg
from .psycopg2 import Psycopg2Pool
from .psycopg_pool import PsycopgPool, PsycopgPoolAsync
from .sqlalchemy import Sqlalchemy, SqlalchemyAsyncpg, SqlalchemyPsycopg
from .thawpool import AsyncThawpool, AsyncThawpoolQuery, Thawpool, ThawpoolQuery, url_words

__all__ = [
    "CONTENDERS",
    "EVERY",
    "SIZE",
    "Address",
    "AsyncContender",
    "Contender",
    "NodeContender",
    "Setting",
    "SyncContender",
    "label",
    "words",
]


def _leased(driver: Driver) -> type[Contender]:
    if driver.is_async:
        return over(AsyncThawpool, driver, url_words("AsyncPool", driver))
    return over(Thawpool, driver, url_words("Pool", driver))


def _query(driver: Driver) -> type[Contender]:
    return over(AsyncThawpoolQuery if driver.is_async else ThawpoolQuery, driver)


def _least(driver: Driver) -> type[Contender]:
    return over(AsyncLeast if driver.is_async else Least, driver)


EVERY: dict[str, type[Contender]] = {
    **{f"thawpool {name}": _leased(driver) for name, driver in DRIVERS.items()},
    **{f"thawpool {name} query()": _query(driver) for name, driver in DRIVERS.items()},
    **{f"floor {name}": _least(driver) for name, driver in DRIVERS.items()},
    "psycopg_pool": PsycopgPool,
    "psycopg2 ThreadedConnectionPool": Psycopg2Pool,
    "SQLAlchemy psycopg": SqlalchemyPsycopg,
    "SQLAlchemy psycopg2": over(Sqlalchemy, PSYCOPG2),
    "SQLAlchemy pg8000": over(Sqlalchemy, PG8000),
    "SQLAlchemy PyMySQL": over(Sqlalchemy, PYMYSQL),
    "DBUtils PyMySQL": DbutilsPymysql,
    "DBUtils mysqlclient": DbutilsMysqlclient,
    "mysql.connector pooling": MysqlConnectorPool,
    "psycopg_pool async": PsycopgPoolAsync,
    "asyncpg.Pool": AsyncpgPool,
    "SQLAlchemy asyncpg": SqlalchemyAsyncpg,
    "aiomysql.Pool": AiomysqlPool,
    "asyncmy.Pool": AsyncmyPool,
    "node pg": Pg,
    "node mysql2": Mysql2,
}
#: Those of every question that suits them; the others are of the question about drivers alone.
CONTENDERS = {
    name: EVERY[name]
    for name in (
        "thawpool psycopg",
        "thawpool psycopg query()",
        "psycopg_pool",
        "SQLAlchemy psycopg",
        "thawpool pymysql",
        "thawpool pymysql query()",
        "DBUtils PyMySQL",
        "thawpool psycopg async",
        "thawpool asyncpg",
        "thawpool asyncpg query()",
        "psycopg_pool async",
        "asyncpg.Pool",
        "SQLAlchemy asyncpg",
        "thawpool asyncmy",
        "thawpool asyncmy query()",
        "aiomysql.Pool",
        "asyncmy.Pool",
        "node pg",
        "node mysql2",
    )
}


def label(name: str, setting: Setting) -> str:
    """The name of a row: a contender at a setting."""
    return name if setting == "default" else f"{name}, {setting}"


def words(row: str) -> str:
    """What the setting of a row is; empty if the row is no contender's."""
    settings: tuple[Setting, ...] = ("default", "fast", "safe")
    for name, kind in EVERY.items():
        for setting in settings:
            if row == label(name, setting):
                return kind.words(setting)
    return ""
