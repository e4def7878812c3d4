"""A call is found wherever in a statement it stands, and what only looks like a call is not taken for one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sqltext.statements import lines
from tests.sqltext.texts import FIXED

from thawpool.drivers._postgresql import stateful
from thawpool.testing.postgres import Postgres

#: Places for whole numbers, {} standing for another such place.
EXPRESSIONS = """
    ({})
    - {} + {}
    {} OPERATOR(pg_catalog.+) {}
    {} OPERATOR(pg_catalog.+) ({})
    coalesce({}, {})
    greatest({},{})
    CAST({} AS numeric(10, 2))::int
    ({})::numeric(10,2)::int
    CASE WHEN {} = {} THEN {} ELSE {} END
    CASE ({}) WHEN ({}) THEN ({}) END
    (ARRAY[{}, {}])[{}]
    array_length((ARRAY[1, 2])[{}:{}], 1)
    (SELECT {} LIMIT 1)
    (SELECT DISTINCT ON ({}) {})
    (SELECT DISTINCT ON (1) {} FROM generate_series({}, 2) g(i))
    (VALUES ({}))
    length(trim(both ('x') from concat({})))
    length(substring('abc' from {} for ({})))
    length(overlay('abc' placing ('x') from {}))
    extract(day from (now() + make_interval(days => {})))::int
    (ROW({}, {})).f1
    num_nulls(({}, {}) IN (({}, 1), (2, {})), {} IN (SELECT {}))
    num_nulls(({}) BETWEEN ({}) AND {}, {} IS NOT DISTINCT FROM {})
    num_nulls(concat({}) LIKE ('a%') ESCAPE '\\', {} = ANY (ARRAY[{}]), EXISTS (SELECT {}))
    (json_build_object('a', {}) ->> 'a')::int
    length(concat(now() AT TIME ZONE concat('UTC', {})))
"""
#: Statements with places for whole numbers.
STATEMENTS = """
    SELECT {}, {} AS b
    SELECT count(*) FILTER (WHERE {} = 1) OVER (PARTITION BY {} ORDER BY {}), sum(a) OVER w FROM t WINDOW w AS (ORDER BY ({}))
    SELECT sum(a) OVER (ORDER BY a ROWS BETWEEN {} PRECEDING AND ({}) FOLLOWING) FROM t
    SELECT * FROM t AS q(b) JOIN (VALUES ({}, 1), (1, {})) v (a, c) ON {} = {} WHERE {} = {} ORDER BY b, {}
    SELECT * FROM unnest(ARRAY[{}]) WITH ORDINALITY u(a, n), LATERAL (SELECT {}) AS l (x), abs({}) z(y)
    SELECT * FROM ROWS FROM (abs({}), abs({})) AS r(a, b), t AS s TABLESAMPLE system (100) REPEATABLE ({})
    SELECT a FROM t GROUP BY GROUPING SETS ((a), ()), ROLLUP (a) HAVING {} = 1 LIMIT {} OFFSET ({})
    SELECT a FROM t ORDER BY a FETCH FIRST ({}) ROWS ONLY
    WITH RECURSIVE r(n) AS (SELECT {} UNION ALL SELECT n + 9 FROM r WHERE n < {}) SELECT sum(n) FROM r
    WITH x AS (SELECT {}), y (a) AS MATERIALIZED (VALUES ({})), z(a) AS ((SELECT {})) SELECT {} FROM x, y, z
    WITH i(a) AS (INSERT INTO t (a) VALUES ({}) RETURNING {}), d AS (DELETE FROM t WHERE a = {} RETURNING a) SELECT {}
    (SELECT {}) UNION ALL (VALUES ({})) ORDER BY 1
    INSERT INTO t (a) VALUES ({}), (({})) RETURNING {}
    INSERT INTO t AS b (a) SELECT {} ON CONFLICT (a) DO UPDATE SET (a) = ROW({}) WHERE {} = 1
    UPDATE t SET (a, b) = ({}, {}) FROM (VALUES (1)) v(z) WHERE {} = z RETURNING {}
    DELETE FROM t USING (SELECT {} AS z) u WHERE {} = z
    MERGE INTO t USING (SELECT {} AS z) s ON (t.a = s.z) WHEN MATCHED AND {} = 1 THEN DELETE WHEN NOT MATCHED THEN INSERT (a) VALUES ({})
    EXPLAIN (ANALYZE, COSTS off) SELECT {}
    EXPLAIN ANALYZE VERBOSE VALUES ({})
    CREATE TABLE n (a, b) AS SELECT {}, {}
    CREATE TABLE index AS SELECT t.a FROM t JOIN t q ON {} = 1
    SELECT 1; SELECT {}; SELECT 2
"""
CALLS = ["leave(1)", "leave (1)", "public.leave(1)", '"leave"(1)', "LEAVE/*(*/(1)", "leave\n(1)"]


def filled(templates: list[str], values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """One of the templates with its places filled."""

    def fill(template: str) -> st.SearchStrategy[str]:
        count = template.count("{}")
        return st.lists(values, min_size=count, max_size=count).map(lambda parts: template.format(*parts))

    return st.sampled_from(templates).flatmap(fill)


def deep(leaves: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.recursive(leaves, lambda inner: filled(lines(EXPRESSIONS), inner), max_leaves=4)


NUMBERS = st.sampled_from(["1", "(2)", "'3'::int", "$$4$$::int", "%s::int"])


@FIXED
@given(filled(lines(STATEMENTS), deep(NUMBERS)))
def test_without_a_call_nothing_is_left(sql: str) -> None:
    assert not stateful(sql)


@FIXED
@given(
    filled(lines(STATEMENTS), deep(NUMBERS | st.just("?"))).filter(lambda sql: "?" in sql),
    st.sampled_from(CALLS),
)
def test_one_call_anywhere_is_found(sql: str, call: str) -> None:
    assert stateful(sql.replace("?", call, 1).replace("?", "1"))


@pytest.fixture(scope="module")
def conn(postgres: Postgres) -> Iterator[psycopg.Connection[Any]]:
    """A session in which ``leave`` changes a setting and whatever else is done is undone."""
    with psycopg.connect(postgres.url()) as conn:
        conn.execute("""
            CREATE TEMP TABLE t (a int UNIQUE, b int);
            INSERT INTO t VALUES (7, 8);
            CREATE FUNCTION public.leave(int) RETURNS int LANGUAGE plpgsql AS
                $$ BEGIN PERFORM set_config('app.left', 'behind', false); RETURN 1; END $$;
            SAVEPOINT clean""")
        yield conn
        conn.rollback()


@settings(FIXED, max_examples=300)
@given(filled(lines(STATEMENTS), deep(st.sampled_from(["1", "1", "(2)", "'3'::int", *CALLS]))))
def test_what_the_server_did_was_foreseen(conn: psycopg.Connection[Any], sql: str) -> None:
    try:
        conn.execute(sql)
        left = conn.execute("SELECT current_setting('app.left', true)").fetchone()
        assert stateful(sql) or left != ("behind",)
    except psycopg.errors.SyntaxError:
        raise
    except psycopg.Error:
        pass  # types that do not fit
    finally:
        conn.execute("ROLLBACK TO clean")
