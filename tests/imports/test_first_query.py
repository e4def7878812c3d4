"""What a cold start pays for the pool: what its first query loads and compiles beyond the driver's own first query.

Counted instead of timed. A module costs about a tenth of a millisecond, a large regular expression several.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

#: Dials without the pool, and through it, with ``watched`` called in between.
PSYCOPG = """
import os, psycopg, psycopg.rows
psycopg.connect(os.environ["DATABASE_URL"]).execute("SELECT 1").fetchall()
told = watched()
from thawpool import Pool
assert Pool().query("SELECT 1 AS one") == [{"one": 1}]
"""
ASYNCPG = """
import asyncio, os, asyncpg

async def main():
    global told
    raw = await asyncpg.connect(os.environ["DATABASE_URL"])
    await raw.fetch("SELECT 1")
    await raw.close()
    told = watched()
    from thawpool import AsyncPool
    url = os.environ["DATABASE_URL"].replace("://", "+asyncpg://", 1)
    assert await AsyncPool(url).query("SELECT 1 AS one") == [{"one": 1}]

asyncio.run(main())
"""
PYMYSQL = """
import os, pymysql
where = pymysql.connections.Connection(host="127.0.0.1", port=int(os.environ["PORT"]), user="root")
where.query("SELECT 1")
told = watched()
from thawpool import Pool
assert Pool().query("SELECT 1 AS one") == [{"one": 1}]
"""
ASYNCMY = """
import asyncio, os, asyncmy

async def main():
    global told
    raw = await asyncmy.connect(host="127.0.0.1", port=int(os.environ["PORT"]), user="root")
    await raw.query("SELECT 1")
    await raw.ensure_closed()
    told = watched()
    from thawpool import AsyncPool
    assert await AsyncPool().query("SELECT 1 AS one") == [{"one": 1}]

asyncio.run(main())
"""
#: Notes from its call on what is compiled, and how large it becomes.
WATCH = """
import json, re, sys
from re import _compiler

def watched():
    told = {"before": sorted(sys.modules), "patterns": []}
    code_of = _compiler._code
    def noting(pattern, flags):
        code = code_of(pattern, flags)
        told["patterns"].append([pattern.state.str, len(code)])
        return code
    _compiler._code = noting
    return told
"""
TELL = "\nprint(json.dumps({**told, 'after': sorted(sys.modules)}))\n"

#: Modules of ours that a first query may load: each one more is paid for by every cold start.
MODULES = {"psycopg": 59, "asyncpg": 64, "pymysql": 60, "asyncmy": 65}
#: Regular expressions that it may compile: four for the URL, one for the statement; of MySQL's, two more for that.
PATTERNS = {"psycopg": 5, "asyncpg": 5, "pymysql": 7, "asyncmy": 7}
#: The largest that one may become, in words of its code. A set of characters that reaches beyond ASCII adds 150 at once,
#: and some milliseconds.
LARGEST = 500

#: What a deadline is held in: compiled into the interpreter, and most drivers have loaded it.
SMALL = {"_contextvars", "contextvars"}

Told = dict[str, Any]


ON_MYSQL = pytest.mark.needs("mariadb")


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(("psycopg", PSYCOPG, "postgres"), id="psycopg"),
        pytest.param(("asyncpg", ASYNCPG, "postgres"), id="asyncpg"),
        pytest.param(("pymysql", PYMYSQL, "mariadb"), id="pymysql", marks=ON_MYSQL),
        pytest.param(("asyncmy", ASYNCMY, "mariadb"), id="asyncmy", marks=ON_MYSQL),
    ],
)
def first(request: pytest.FixtureRequest) -> tuple[str, Told]:
    driver, script, fixture = request.param
    server = request.getfixturevalue(fixture)
    done = subprocess.run(
        [sys.executable, "-c", WATCH + script + TELL],
        env={**os.environ, "DATABASE_URL": server.url(), "PORT": str(server.port)},
        capture_output=True,
        text=True,
        check=True,
    )
    return driver, json.loads(done.stdout)


def test_it_loads_only_so_many_modules_of_ours(first: tuple[str, Told]) -> None:
    driver, told = first
    loaded = set(told["after"]) - set(told["before"])
    ours = sorted(module for module in loaded if module.split(".")[0] == "thawpool")
    assert len(ours) <= MODULES[driver], ours


def test_it_loads_nothing_else_that_its_driver_had_not(first: tuple[str, Told]) -> None:
    _, told = first
    loaded = set(told["after"]) - set(told["before"])
    assert {module for module in loaded if module.split(".")[0] != "thawpool"} <= SMALL


def test_it_compiles_few_patterns_and_no_large_one(first: tuple[str, Told]) -> None:
    driver, told = first
    assert len(told["patterns"]) <= PATTERNS[driver], told["patterns"]
    assert all(size <= LARGEST for _, size in told["patterns"]), told["patterns"]
