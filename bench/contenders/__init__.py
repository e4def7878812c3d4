"""Who is measured. A new contender is a class here and a line in ``CONTENDERS``."""

from __future__ import annotations

from .asyncpg import AsyncpgPool
from .base import SIZE, Address, AsyncContender, Contender, Setting, SyncContender
from .mysql import AiomysqlPool, AsyncmyPool, DbutilsPymysql
from .node import Mysql2, NodeContender, Pg
from .psycopg_pool import PsycopgPool, PsycopgPoolAsync
from .sqlalchemy import SqlalchemyAsyncpg, SqlalchemyPsycopg
from .thawpool import (
    ThawpoolAsyncpg,
    ThawpoolAsyncpgQuery,
    ThawpoolPsycopg,
    ThawpoolPsycopgAsync,
    ThawpoolQuery,
)

__all__ = [
    "CONTENDERS",
    "SIZE",
    "Address",
    "AsyncContender",
    "Contender",
    "NodeContender",
    "Setting",
    "SyncContender",
    "label",
]

CONTENDERS: dict[str, type[Contender]] = {
    "thawpool psycopg": ThawpoolPsycopg,
    "thawpool psycopg query()": ThawpoolQuery,
    "psycopg_pool": PsycopgPool,
    "SQLAlchemy psycopg": SqlalchemyPsycopg,
    "DBUtils PyMySQL": DbutilsPymysql,
    "thawpool psycopg async": ThawpoolPsycopgAsync,
    "thawpool asyncpg": ThawpoolAsyncpg,
    "thawpool asyncpg query()": ThawpoolAsyncpgQuery,
    "psycopg_pool async": PsycopgPoolAsync,
    "asyncpg.Pool": AsyncpgPool,
    "SQLAlchemy asyncpg": SqlalchemyAsyncpg,
    "aiomysql.Pool": AiomysqlPool,
    "asyncmy.Pool": AsyncmyPool,
    "node pg": Pg,
    "node mysql2": Mysql2,
}


def label(name: str, setting: Setting) -> str:
    """The name of a row: a contender at a setting."""
    return name if setting == "default" else f"{name}, {setting}"
