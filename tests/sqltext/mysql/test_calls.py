"""A call is found wherever in a statement it stands, and what only looks like a call is not taken for one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pymysql
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sqltext.mysql.sessions import ask, opened
from tests.sqltext.statements import lines
from tests.sqltext.test_calls import filled
from tests.sqltext.texts import FIXED

from thawpool.drivers._mysql import stateful
from thawpool.testing.mariadb import MariaDB

#: Places for whole numbers, {} standing for another such place.
EXPRESSIONS = """
    ({})
    - {} + {}
    {} DIV ({})
    {} MOD ({})
    coalesce({}, {})
    greatest({},{})
    CAST({} AS decimal(10, 2))
    CONVERT({}, unsigned)
    IF({}, {}, {})
    INTERVAL({}, {}, {})
    CASE WHEN {} = {} THEN {} ELSE {} END
    CASE ({}) WHEN ({}) THEN ({}) END
    (SELECT {} LIMIT 1)
    (SELECT DISTINCT ({}))
    length(trim(both ('x') from concat({})))
    length(substring('abc' from {} for ({})))
    length(insert('abc', {}, ({}), 'x'))
    extract(day from (now() + INTERVAL {} DAY))
    day(date_add(now(), INTERVAL ({}) HOUR))
    ({} IN (({}), 1, 2))
    ({} IN (SELECT {}))
    (({}) BETWEEN ({}) AND {})
    (NOT ({}) XOR ({}) OR {} <=> {})
    (concat({}) LIKE ('a%') ESCAPE '|')
    (concat({}) REGEXP ('a') AND {} = ANY (SELECT {}) AND EXISTS (SELECT {}))
    json_value(json_object('a', {}), '$.a')
    (BINARY ({}) + 0)
"""
#: Statements with places for whole numbers.
STATEMENTS = """
    SELECT {}, {} AS b
    SELECT SQL_NO_CACHE DISTINCT ({}), @@autocommit FROM t
    SELECT count(*) OVER (PARTITION BY {} ORDER BY {}), sum(a) OVER w, group_concat(DISTINCT {} ORDER BY {} SEPARATOR ',') FROM t WINDOW w AS (ORDER BY ({}))
    SELECT * FROM t AS q JOIN u USE INDEX (a) ON {} = {} WHERE {} = {} ORDER BY q.a, {}
    SELECT * FROM (SELECT {}) AS v WHERE (1, {}) IN ((1, {}), (2, 3)) GROUP BY ({}), {} WITH ROLLUP HAVING {} = 1
    WITH RECURSIVE r(n) AS (SELECT {} UNION ALL SELECT n + 9 FROM r WHERE n < {}) SELECT sum(n) FROM r
    WITH x AS (SELECT {}), y (a) AS (VALUES ({})), z(a) AS ((SELECT {})) SELECT {} FROM x, y, z
    (SELECT {}) UNION ALL (SELECT ({})) ORDER BY 1
    INSERT INTO t (a) VALUES ({}), (({})) RETURNING {}
    INSERT t (a, b) VALUES ({}, {}) ON DUPLICATE KEY UPDATE a = VALUES(a) + {}, b = ({})
    INSERT INTO t SET a = {}, b = ({})
    INSERT IGNORE INTO t (a) SELECT {} FROM u
    REPLACE INTO t (a) VALUES ({})
    UPDATE t SET a = {}, b = ({}) WHERE {} = b ORDER BY {} LIMIT 1
    UPDATE t JOIN u ON (t.b = {}) SET t.b = {} WHERE ({}) = u.a
    DELETE FROM t WHERE {} = b AND a > ({})
    EXPLAIN FORMAT=JSON SELECT {}
    ANALYZE SELECT {} FROM t
    CREATE TABLE n AS SELECT {} AS x, {} AS y
    CREATE TABLE n (a int, b int DEFAULT (1), KEY `i` (a)) SELECT {} AS a
    SET STATEMENT max_statement_time = 60 FOR SELECT {}
    VALUES ({}), (({}))
    SELECT 1; SELECT {}; SELECT 2
"""
CALLS = [
    "leave_it(1)",
    "leave_it (1)",
    "test.leave_it(1)",
    "`leave_it`(1)",
    "LEAVE_IT/*(*/(1)",
    "leave_it\n(1)",
    "test . leave_it(1)",
]
OTHERS = ["(@left := 'behind' + 1)", "@left:=1"]


def deep(leaves: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.recursive(leaves, lambda inner: filled(lines(EXPRESSIONS), inner), max_leaves=4)


@FIXED
@given(filled(lines(STATEMENTS), deep(st.sampled_from(["1", "(2)", "'3'", "%s", "`a`", "@left"]))))
def test_without_a_call_nothing_is_left(sql: str) -> None:
    assert not stateful(sql)


@FIXED
@given(
    filled(lines(STATEMENTS), deep(st.sampled_from(["1", "(2)", "?"]))).filter(lambda sql: "?" in sql),
    st.sampled_from(CALLS + OTHERS),
)
def test_one_call_or_assignment_anywhere_is_found(sql: str, call: str) -> None:
    assert stateful(sql.replace("?", call, 1).replace("?", "1"))


@pytest.fixture(scope="module")
def conn(mariadb: MariaDB) -> Iterator[Any]:
    """A session in which ``leave_it`` sets a variable, and tables to spoil."""
    with opened(mariadb, client_flag=pymysql.constants.CLIENT.MULTI_STATEMENTS) as conn:
        try:
            ask(conn, "CREATE FUNCTION leave_it(a int) RETURNS int BEGIN SET @left = 'behind'; RETURN 1; END")
            ask(conn, "CREATE TABLE t (a int UNIQUE, b int); CREATE TABLE u (a int, KEY a (a))")
            ask(conn, "INSERT INTO t VALUES (7, 8); INSERT INTO u VALUES (7)")
            yield conn
        finally:
            ask(conn, "DROP TABLE IF EXISTS t, u, n; DROP FUNCTION leave_it")


@settings(FIXED, max_examples=300)
@given(filled(lines(STATEMENTS), deep(st.sampled_from(["1", "1", "(2)", "'3'", *CALLS, *OTHERS]))))
def test_what_the_server_did_was_foreseen(conn: Any, sql: str) -> None:
    ask(conn, "SET @left = NULL; BEGIN")
    try:
        ask(conn, sql)
        assert stateful(sql) or ask(conn, "SELECT @left") == ((None,),)
    except pymysql.MySQLError as error:
        if error.args[0] == 1064:  # not SQL
            raise
    finally:
        ask(conn, "ROLLBACK; DROP TABLE IF EXISTS n")
