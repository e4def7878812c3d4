"""What "cold" starts: for each stack a script as a user writes it, up to its first row.

The environment has ``DATABASE_URL``, and its parts for what takes no URL. ``done()`` notes the time and ends the
process.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = ["ASYNCPG_BARE", "PSYCOPG_BARE", "PYTHON", "STACKS", "Stack"]


class Stack(NamedTuple):
    server: Literal["postgresql", "mysql"] | None
    imports: str
    body: str
    #: The stack that it is compared with, in pairs: what it needs itself, or how it compares with itself.
    beside: str = ""
    #: Whether ``imports`` and ``body`` are JavaScript.
    node: bool = False


def _main(body: str) -> str:
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return f"async def main():\n{lines}\n\nasyncio.run(main())"


THAWPOOL = """\
pool = Pool()
pool.query("SELECT 1")
done()"""
ASYNC_THAWPOOL = """\
pool = AsyncPool()
await pool.query("SELECT 1")
done()"""
PSYCOPG = """\
conn = psycopg.connect(os.environ["DATABASE_URL"])
conn.execute("SELECT 1").fetchall()
done()"""
ASYNCPG = """\
conn = await asyncpg.connect(os.environ["DATABASE_URL"])
await conn.fetch("SELECT 1")
done()"""
PSYCOPG_POOL = """\
pool = ConnectionPool(os.environ["DATABASE_URL"], open=True{0})
with pool.connection() as conn:
    conn.execute("SELECT 1").fetchall()
    done()"""
ASYNCPG_POOL = """\
async with asyncpg.create_pool(os.environ["DATABASE_URL"]{0}) as pool:
    await pool.fetch("SELECT 1")
    done()"""
SQLALCHEMY = """\
engine = create_engine(os.environ["DATABASE_URL"].replace("://", "+psycopg://"))
with engine.connect() as conn:
    conn.execute(text("SELECT 1")).fetchall()
    done()"""
ASYNC_SQLALCHEMY = """\
engine = create_async_engine(os.environ["DATABASE_URL"].replace("://", "+asyncpg://"))
async with engine.connect() as conn:
    (await conn.execute(text("SELECT 1"))).fetchall()
    done()"""
WHERE = """\
where = {
    "host": os.environ["DB_HOST"],
    "port": int(os.environ["DB_PORT"]),
    "user": os.environ["DB_USER"],
    "password": os.environ["DB_PASSWORD"],
    "{0}": os.environ["DB_NAME"],
}
"""
DBUTILS = """\
pool = PooledDB(pymysql, maxconnections=5, **where)
cursor = pool.connection().cursor()
cursor.execute("SELECT 1")
cursor.fetchall()
done()"""
AIOMYSQL = """\
pool = await {0}.create_pool(**where)
async with pool.acquire() as conn, conn.cursor() as cursor:
    await cursor.execute("SELECT 1")
    await cursor.fetchall()
    done()"""
PG = """\
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });
await pool.query('SELECT 1');
done();"""
MYSQL2 = """\
const pool = mysql.createPool(process.env.DATABASE_URL);
await pool.query('SELECT 1');
done();"""

PYTHON, PSYCOPG_BARE, ASYNCPG_BARE = "python alone", "bare psycopg", "bare asyncpg"

STACKS: dict[str, Stack] = {
    PYTHON: Stack(None, "", "done()", PYTHON),
    "import thawpool": Stack(None, "import thawpool", "done()", PYTHON),
    "from thawpool import Pool": Stack(None, "from thawpool import Pool", "done()", PYTHON),
    "from thawpool import AsyncPool": Stack(None, "from thawpool import AsyncPool", "done()", PYTHON),
    "import asyncio": Stack(None, "import asyncio", "done()", PYTHON),
    PSYCOPG_BARE: Stack("postgresql", "import os\n\nimport psycopg", PSYCOPG, PSYCOPG_BARE),
    "thawpool psycopg": Stack("postgresql", "from thawpool import Pool", THAWPOOL, PSYCOPG_BARE),
    "psycopg_pool": Stack(
        "postgresql",
        "import os\n\nfrom psycopg_pool import ConnectionPool",
        PSYCOPG_POOL.replace("{0}", ""),
        PSYCOPG_BARE,
    ),
    "psycopg_pool, min_size=0": Stack(
        "postgresql",
        "import os\n\nfrom psycopg_pool import ConnectionPool",
        PSYCOPG_POOL.replace("{0}", ", min_size=0, max_size=5"),
        PSYCOPG_BARE,
    ),
    "SQLAlchemy psycopg": Stack(
        "postgresql", "import os\n\nfrom sqlalchemy import create_engine, text", SQLALCHEMY
    ),
    "thawpool psycopg async": Stack(
        "postgresql", "import asyncio\n\nfrom thawpool import AsyncPool", _main(ASYNC_THAWPOOL)
    ),
    ASYNCPG_BARE: Stack(
        "postgresql", "import asyncio\nimport os\n\nimport asyncpg", _main(ASYNCPG), ASYNCPG_BARE
    ),
    "thawpool asyncpg": Stack(
        "postgresql",
        "import asyncio\nimport os\n\nfrom thawpool import AsyncPool",
        _main(ASYNC_THAWPOOL.replace("()", '(os.environ["DATABASE_URL"].replace("://", "+asyncpg://"))', 1)),
        ASYNCPG_BARE,
    ),
    "asyncpg.Pool": Stack(
        "postgresql",
        "import asyncio\nimport os\n\nimport asyncpg",
        _main(ASYNCPG_POOL.replace("{0}", "")),
        ASYNCPG_BARE,
    ),
    "asyncpg.Pool, min_size=0": Stack(
        "postgresql",
        "import asyncio\nimport os\n\nimport asyncpg",
        _main(ASYNCPG_POOL.replace("{0}", ", min_size=0, max_size=5")),
        ASYNCPG_BARE,
    ),
    "SQLAlchemy asyncpg": Stack(
        "postgresql",
        "import asyncio\nimport os\n\nfrom sqlalchemy import text\nfrom sqlalchemy.ext.asyncio import create_async_engine",
        _main(ASYNC_SQLALCHEMY),
    ),
    "DBUtils PyMySQL": Stack(
        "mysql",
        "import os\n\nimport pymysql\nfrom dbutils.pooled_db import PooledDB",
        WHERE.replace("{0}", "database") + DBUTILS,
    ),
    "aiomysql.Pool": Stack(
        "mysql",
        "import asyncio\nimport os\n\nimport aiomysql",
        WHERE.replace("{0}", "db") + _main(AIOMYSQL.replace("{0}", "aiomysql")),
    ),
    "asyncmy.Pool": Stack(
        "mysql",
        "import asyncio\nimport os\n\nimport asyncmy",
        WHERE.replace("{0}", "database") + _main(AIOMYSQL.replace("{0}", "asyncmy")),
    ),
    "node alone": Stack(None, "", "done();", node=True),
    "node pg": Stack("postgresql", "import pg from 'pg';", PG, node=True),
    "node mysql2": Stack("mysql", "import mysql from 'mysql2/promise';", MYSQL2, node=True),
}
