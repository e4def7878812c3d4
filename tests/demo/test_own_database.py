"""``--database-url``: a server that is not the demo's own, and is left as it was."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pymysql
import pytest
from tests.demo.foreign import Foreign, foreign_mysql
from tests.demo.running import Demo, run, until

from thawpool.demo.servers import with_async_driver
from thawpool.testing.mariadb import MariaDB

SEVEN = "INSERT INTO users VALUES (7, '<b>Seven</b>', 'seven@example.com')"


def test_the_table_is_made_and_dropped_again(theirs: Foreign) -> None:
    with Demo("--database-url", theirs.url) as demo:
        assert demo.line(rf"database +({theirs.product}) \d+\S* at 127\.0\.0\.1:\d+/theirs")
        assert len(demo.get("/api/users").body["users"]) == 50
        assert theirs.tables() == ["users"]
        assert demo.stop() == 0
    assert theirs.tables() == []
    until(lambda: theirs.sessions() == 0, "nobody is left at the server")


def test_a_table_that_is_there_is_used_and_kept(theirs: Foreign) -> None:
    theirs.run("CREATE TABLE users (id int, name text, email text)")
    theirs.run(SEVEN)
    with Demo("--database-url", theirs.url) as demo:
        expected = [{"id": 7, "name": "<b>Seven</b>", "email": "seven@example.com"}]
        assert demo.get("/api/users").body == {"users": expected}
        assert demo.stop() == 0
    assert theirs.tables() == ["users"]


def test_a_table_of_another_shape_is_an_error(theirs: Foreign) -> None:
    theirs.run("CREATE TABLE users (login text)")
    done = run("demo", "--port", "0", "--database-url", theirs.url)
    assert done.returncode == 1
    assert "is not one with id, name, email" in done.stderr
    assert "Traceback" not in done.stderr
    assert theirs.tables() == ["users"]


def test_that_server_is_not_ours_to_stop_but_its_connections_to_us_are_ours_to_kill(theirs: Foreign) -> None:
    with Demo("--database-url", theirs.url) as demo:
        assert demo.act("database/stop").status == 404
        assert "killed 5 connections" in demo.text("kill")
        assert theirs.run("SELECT 1") == [(1,)], "a bystander of the same user is spared"


def test_all_four_storms_are_told_apart_from_each_other(theirs: Foreign) -> None:
    with Demo("--database-url", theirs.url) as demo:
        demo.text("storms")
        demo.sample(lambda s: s["pool"] and s["pool"]["total"] == s["server"] == 5 and s["mistakes"] == 0)
        with demo.events() as events:
            _, start = next(events)
    peaks = {result["kind"]: result["peak"] for result in start["storms"]}
    assert peaks["pool"] <= 5
    assert peaks["connection-per-request"] > 50


def test_with_the_drivers_that_are_not_the_usual_ones(theirs: Foreign) -> None:
    driver = "asyncpg" if theirs.product == "PostgreSQL" else "aiomysql"
    with Demo("--database-url", with_driver(theirs, driver)) as demo:
        assert len(demo.get("/api/users").body["users"]) == 50
        assert "killed 5 connections" in demo.text("kill")
        assert demo.get("/api/time").status == 200
        assert demo.stop() == 0
    assert theirs.tables() == []


def test_a_driver_for_threads_stands_for_the_usual_one_for_asyncio(theirs: Foreign) -> None:
    driver = "psycopg2" if theirs.product == "PostgreSQL" else "pymysql"
    with Demo("--database-url", with_driver(theirs, driver)) as demo:
        assert len(demo.get("/api/users").body["users"]) == 50


def test_an_account_that_may_not_make_the_table(theirs: Foreign) -> None:
    if theirs.product == "PostgreSQL":
        theirs.run("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        theirs.run("CREATE ROLE reader LOGIN")
        url = re.sub("//[^@]*@", "//reader@", theirs.url)
    else:
        url = theirs.url.replace("/theirs", "/information_schema")
    done = run("demo", "--port", "0", "--database-url", url)
    if theirs.product == "PostgreSQL":
        theirs.run("DROP ROLE reader")
    assert done.returncode == 1
    assert "there is no table users at 127.0.0.1" in done.stderr
    assert "none can be made" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("theirs", [pytest.param("mysql", marks=pytest.mark.needs("mariadb"))], indirect=True)
def test_a_url_without_a_database_where_nobody_has_one_by_default(theirs: Foreign) -> None:
    done = run("demo", "--port", "0", "--database-url", theirs.url.removesuffix("/theirs"))
    assert done.returncode == 1
    assert "the URL names no database" in done.stderr


@pytest.mark.parametrize(
    "scheme, plain",
    [
        ("postgresql+psycopg2", "postgresql"),
        ("postgres+pg8000", "postgres"),
        ("mysql+pymysql", "mysql"),
        ("MariaDB+MySQLdb", "MariaDB"),
        ("mysql+mysql-connector", "mysql"),
        ("mysql+aiomysql", "mysql+aiomysql"),
    ],
)
def test_drivers_for_threads_are_left_out_and_those_for_asyncio_kept(scheme: str, plain: str) -> None:
    rest = "://me:a%2Bpymysql://@db.example/x"
    assert with_async_driver(f" '{scheme}{rest}'") == plain + rest


def test_ctrl_c_while_the_table_is_made(own_mariadb: MariaDB) -> None:
    with foreign_mysql(own_mariadb) as theirs, locked(own_mariadb) as admin:
        with Demo("--database-url", theirs.url) as demo:
            until(lambda: waiting_to_create(admin), "the demo has sent its CREATE TABLE")
            demo.process.send_signal(signal.SIGINT)
            demo.process.send_signal(signal.SIGINT)
            with admin.cursor() as cursor:
                cursor.execute("UNLOCK TABLES")
            assert demo.process.wait(20) == 0
        assert theirs.tables() == []


@contextmanager
def locked(server: MariaDB) -> Iterator[Any]:
    """A server on which nobody can make a table, until this connection lets them."""
    with pymysql.connect(host="127.0.0.1", port=server.port, user="root", autocommit=True) as admin:
        with admin.cursor() as cursor:
            cursor.execute("FLUSH TABLES WITH READ LOCK")
        yield admin


def waiting_to_create(admin: Any) -> bool:
    with admin.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'CREATE TABLE users%'"
        )
        return bool(cursor.fetchone()[0])


def with_driver(database: Foreign, driver: str) -> str:
    return re.sub("(?=://)", f"+{driver}", database.url, count=1)
