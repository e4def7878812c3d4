"""Verdicts on texts held against what the statements do to a real session, and where texts tell nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pymysql
import pytest
from pymysql.constants import CLIENT
from tests.sqltext.mysql.sessions import ask, opened, snapshot
from tests.sqltext.mysql.statements import EVERYDAY

from thawpool.drivers._mysql import stateful
from thawpool.testing.mariadb import MariaDB

SCRATCH = "sqltext_scratch"
SYNTAX_ERROR = 1064
#: What the statements of the lists speak of.
SCHEMA = """
    CREATE TABLE users (id int AUTO_INCREMENT PRIMARY KEY, name text, email text);
    CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, a int UNIQUE, b varchar(20), x int, y text, z int, ts timestamp,
        FULLTEXT (b));
    CREATE TABLE u (id int, a int PRIMARY KEY);
    CREATE SEQUENCE seq;
"""
#: Where calls hide. The function leaves a variable, and returns its argument.
HIDING_PLACES = """
    CREATE FUNCTION leave_it(a int) RETURNS int BEGIN SET @left = 'behind'; RETURN a; END;
    CREATE VIEW hidden_view AS SELECT leave_it(1);
    CREATE TABLE hidden_trigger (a int);
    CREATE TRIGGER fire BEFORE INSERT ON hidden_trigger FOR EACH ROW SET NEW.a = leave_it(1);
"""
UNSEEN = ["SELECT * FROM hidden_view", "INSERT INTO hidden_trigger VALUES (1)"]


@pytest.fixture(scope="module")
def scratch(mariadb: MariaDB) -> Iterator[dict[str, Any]]:
    """How to reach a database to spoil."""
    options = {"database": SCRATCH, "client_flag": CLIENT.MULTI_STATEMENTS}
    with opened(mariadb) as admin:
        ask(admin, f"CREATE DATABASE {SCRATCH}")
        try:
            with opened(mariadb, **options) as conn:
                ask(conn, SCHEMA)
                for statement in re.split(r";\n", HIDING_PLACES):
                    if statement.strip():
                        ask(conn, statement)
            yield options
        finally:
            ask(admin, f"DROP DATABASE {SCRATCH}")
            ask(admin, "DROP DATABASE IF EXISTS other")
            ask(admin, "DROP USER IF EXISTS app@localhost")


def plain(sql: str) -> str:
    """The statement with a value in place of each placeholder, and our database for that of the examples."""
    return re.sub(r"\btest\b", SCRATCH, re.sub(r"%s|%\(\w+\)s", "NULL", sql).replace("%%", "%"))


@pytest.mark.parametrize("sql", EVERYDAY)
def test_what_is_said_to_leave_nothing_leaves_nothing(
    mariadb: MariaDB, scratch: dict[str, Any], sql: str
) -> None:
    with opened(mariadb, **scratch) as conn:
        before = snapshot(conn)
        try:
            ask(conn, plain(sql))
        except pymysql.MySQLError as error:
            if error.args[0] == SYNTAX_ERROR:
                raise
            # Nothing of that name there: then it was not worth much as an example, but it is SQL.
        ask(conn, "ROLLBACK")
        assert snapshot(conn) == before


@pytest.mark.parametrize("sql", UNSEEN)
def test_what_a_text_does_not_tell_is_not_seen(mariadb: MariaDB, scratch: dict[str, Any], sql: str) -> None:
    """The boundary, as the documentation has it: ``reset="always"`` is for those who live beyond it."""
    with opened(mariadb, **scratch) as conn:
        ask(conn, sql)
        assert ask(conn, "SELECT @left") == (("behind",),)
    assert not stateful(sql)


@pytest.mark.parametrize(
    "sql, part",
    [
        ("SET @a = 1", "variables"),
        ("SELECT @a := 1", "variables"),
        ("SELECT 1 INTO @a", "variables"),
        ("SET time_zone = '+05:00'", "settings"),
        ("SET TRANSACTION READ ONLY; BEGIN", "settings"),
        ("SELECT get_lock('sqltext', 1)", "locks"),
        ("CREATE TEMPORARY TABLE x (a int)", "counts"),
        ("PREPARE p FROM 'SELECT 1'", "counts"),
        ("HANDLER t OPEN", "counts"),
        ("LOCK TABLES t READ, t AS t2 READ", "counts"),
        ("USE information_schema", "place"),
        ("SET STATEMENT max_statement_time = 9 FOR SELECT @a := 1", "variables"),
    ],
)
def test_what_is_left_would_be_noticed(
    mariadb: MariaDB, scratch: dict[str, Any], sql: str, part: str
) -> None:
    with opened(mariadb, **scratch) as conn:
        before = snapshot(conn)
        ask(conn, sql)
        assert snapshot(conn)[part] != before[part]
    assert stateful(sql)
