"""The first five questions: what each choice claims, or does, is shown by running it and counting at the server."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pymysql
import pytest

from thawpool import AsyncPool, ConfigError, Pool
from thawpool.learn.check.server import USERS, Database, Server
from thawpool.learn.check.steps import Check
from thawpool.learn.check.trial import CROWD
from thawpool.learn.lesson import code, questions
from thawpool.testing import MariaDB

LETTERS = "abcd"


def choice(number: int, letter: str) -> str:
    """The code of a choice."""
    (block,) = code(questions()[number - 1].choices[letter])
    return block


def right(number: int) -> str:
    return questions()[number - 1].answer


@pytest.fixture
def database(lesson_server: Server, monkeypatch: pytest.MonkeyPatch) -> Database:
    """The lesson's database, freshly filled, in ``DATABASE_URL``."""
    home = lesson_server.databases[0]
    home.fill()
    monkeypatch.setenv("DATABASE_URL", home.url)
    return home


# -- 1: the main benefit -----------------------------------------------------------------------------


def test_1_a_pool_opens_once_and_uses_again(database: Database) -> None:
    before = database.opened()
    with Pool() as pool:
        for _ in range(6):
            assert pool.query("SELECT * FROM users ORDER BY id") == USERS
    assert database.opened() - before == 1
    for _ in range(6):
        psycopg.connect(database.url).close()
    assert database.opened() - before == 1 + 6


def test_1_a_pool_is_no_cache(database: Database) -> None:
    with Pool() as pool, psycopg.connect(database.url, autocommit=True) as somebody:
        assert pool.query_one("SELECT name FROM users WHERE id = 1") == {"name": "Ada Thaw"}
        somebody.execute("UPDATE users SET name = 'Ada Frost' WHERE id = 1")
        assert pool.query_one("SELECT name FROM users WHERE id = 1") == {"name": "Ada Frost"}


# -- 2: a pool for MySQL -----------------------------------------------------------------------------


def made(letter: str, server: MariaDB) -> Any:
    """What the choice makes, before this server."""
    names: dict[str, Any] = {"Pool": Pool, "AsyncPool": AsyncPool, "pymysql": pymysql}
    exec(choice(2, letter).replace('host="localhost"', f'host="127.0.0.1", port={server.port}'), names)
    return names["pool"]


def test_2_the_right_one_is_a_pool_of_5(mariadb: MariaDB) -> None:
    with made(right(2), mariadb) as pool:
        assert pool.stats().max_size == 5
        assert pool.query("SELECT 1 AS one") == [{"one": 1}]
        assert pool.warm(5) == 4
        assert (
            pool.query_one("SELECT count(*) AS open FROM information_schema.processlist WHERE db = 'test'")[
                "open"
            ]
            >= 5
        )


def test_2_a_is_one_connection(mariadb: MariaDB) -> None:
    with made("a", mariadb) as conn:
        assert isinstance(conn, pymysql.connections.Connection)


async def ask(pool: AsyncPool) -> None:
    await pool.query("SELECT 1 AS one")


def test_2_b_has_a_driver_for_threads(mariadb: MariaDB) -> None:
    import asyncio

    with pytest.raises(ConfigError, match="pymysql is for threads: use it with Pool, or asyncmy or aiomysql"):
        asyncio.run(ask(made("b", mariadb)))


def test_2_d_has_another_librarys_word(mariadb: MariaDB) -> None:
    with pytest.raises(ConfigError, match="no option 'connectionLimit': did you mean max_size"):
        made("d", mariadb)


def test_2_the_url_is_the_same(mariadb: MariaDB) -> None:
    (url,) = (part for part in questions()[1].solution.split("`") if "mysql://" in part and "Pool" in part)
    with eval(url.replace("localhost", f"127.0.0.1:{mariadb.port}"), {"Pool": Pool}) as pool:
        assert pool.query("SELECT 1 AS one") == [{"one": 1}]
        assert type(pool) is Pool


# -- 3: when the connection fails --------------------------------------------------------------------

ROUTE = """
import json

from thawpool import Pool, Unavailable

pool = Pool(max_size=5)


def get_users():
    return pool.query("SELECT id, name, email FROM users ORDER BY id")


def handler(request):
    try:
        return 200, json.dumps({"users": get_users()})
    except Unavailable as error:
"""

DOES_WITHOUT_A_DATABASE = {
    "a": "With the database stopped, handler() answered with status 200, not 500.",
    "b": "With the database stopped, handler() answered 500 with the body ",
    "c": "With the database stopped, handler() raised ConnectFailed",
    "d": None,
}


@pytest.mark.parametrize("letter", LETTERS)
def test_3_each_answer_without_a_database(letter: str, lesson_server: Server, tmp_path: Path) -> None:
    file = tmp_path / "users.py"
    file.write_text(ROUTE + textwrap.indent(choice(3, letter), "        "))
    complaint = Check(file, lesson_server).step(4).complaint
    did = DOES_WITHOUT_A_DATABASE[letter]
    if did is None:
        assert letter == right(3)
        assert complaint is None
    else:
        assert complaint is not None
        assert complaint.did.startswith(did)
    if letter == "b":
        assert complaint is not None
        assert "127.0.0.1" in complaint.did, "the text of the error names the host"


# -- 4: the missing release --------------------------------------------------------------------------


class Leaks(NamedTuple):
    """What 6 calls for an id that there is not cost, and what one that fails costs."""

    opened: int
    leaked_by_missing: int
    leaked_by_error: int


def leaks(source: str, database: Database) -> Leaks:
    before = database.opened()
    names: dict[str, Any] = {"pool": Pool(max_size=5)}
    with names["pool"] as pool:
        exec(source, names)
        get_name: Callable[[Any], Any] = names["get_name"]
        assert get_name(1) == "Ada Thaw"
        assert [get_name(99) for _ in range(6)] == [None] * 6
        opened = database.opened() - before
        missing = pool.stats().retired.get("leaked", 0)
        with pytest.raises(psycopg.DataError):
            get_name("x")
        assert pool.stats().used == 0
        return Leaks(opened, missing, pool.stats().retired.get("leaked", 0) - missing)


def test_4_as_it_stands_every_miss_and_every_error_costs_a_connection(database: Database) -> None:
    (source,) = code(questions()[3].text)
    assert leaks(source, database) == Leaks(opened=6, leaked_by_missing=6, leaked_by_error=1)


def test_4_the_right_one_leaks_nothing(database: Database) -> None:
    assert leaks(choice(4, right(4)), database) == Leaks(opened=1, leaked_by_missing=0, leaked_by_error=0)


def test_4_b_leaks_as_before(database: Database) -> None:
    assert leaks(choice(4, "b"), database) == Leaks(opened=6, leaked_by_missing=6, leaked_by_error=1)


def test_4_c_still_leaks_where_it_fails(database: Database) -> None:
    assert leaks(choice(4, "c"), database) == Leaks(opened=1, leaked_by_missing=0, leaked_by_error=1)


def test_4_d_closes_the_pool_for_everybody(database: Database) -> None:
    from thawpool import PoolClosed

    names: dict[str, Any] = {"pool": Pool(max_size=5, timeout=0.1)}
    exec(choice(4, "d"), names)
    assert names["get_name"](1) == "Ada Thaw"
    with pytest.raises(PoolClosed):
        names["get_name"](1)


# -- 5: high traffic -----------------------------------------------------------------------------------

#: Connections at the server while 20 requests wait for their rows.
PEAKS = {"a": 20, "b": 20, "c": 5, "d": 20}
IMPORTS = """
import os

import psycopg
from psycopg.rows import dict_row
from thawpool import Pool

"""


@pytest.fixture
def peak_of(lesson_server: Server, tmp_path: Path) -> Callable[[str], int]:
    def peak(letter: str) -> int:
        file = tmp_path / f"choice_{letter}.py"
        file.write_text(IMPORTS + choice(5, letter))
        with Check(file, lesson_server).running() as trial:
            return trial.crowd("get_users", trial.are_users)

    return peak


@pytest.mark.parametrize("letter", LETTERS)
def test_5_how_many_connections_20_requests_hold(letter: str, peak_of: Callable[[str], int]) -> None:
    assert CROWD == 20
    assert peak_of(letter) == PEAKS[letter]


def test_5_the_right_one_is_the_only_one_that_keeps_its_limit() -> None:
    assert [letter for letter in LETTERS if PEAKS[letter] <= 5] == [right(5)]
