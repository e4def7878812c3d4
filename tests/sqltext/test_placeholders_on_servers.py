"""The same text means the same through each driver, and the same as psycopg means by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from typing import Any, TypeAlias

import asyncpg
import psycopg
import psycopg2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sqltext.texts import FIXED, LITERALS

from thawpool.drivers._placeholders import FORMAT_POSTGRESQL, compile_placeholders
from thawpool.testing.postgres import Postgres

Params: TypeAlias = Sequence[object] | Mapping[str, object]
Case: TypeAlias = tuple[str, Params, tuple[Any, ...] | None]

#: Statement, parameters, and the one row that comes back.
BOTH: list[Case] = [
    ("SELECT %s::int", (1,), (1,)),
    ("SELECT %s::text, %s::text", ["a", "b"], ("a", "b")),
    ("SELECT %(b)s::text, %(a)s::int, %(b)s::text", {"a": 1, "b": "x"}, ("x", 1, "x")),
    ("SELECT 7 %% %s::int", (4,), (3,)),
    ("SELECT %s::text LIKE 'a%%'", ("ab",), (True,)),
    ('SELECT \'100%%\', "n%%" FROM (SELECT %s::int AS "n%%") AS t', (1,), ("100%", 1)),
    ("SELECT format('%%s and %%I', %s::text, 'b c')", ("a",), ('a and "b c"',)),
    ("SELECT $$50%% of %% $$, E'\\'%%', %s::int", (1,), ("50% of % ", "'%", 1)),
    ("SELECT %s::int -- 100%% of /* it", (1,), (1,)),
    ("SELECT %s::text || /* 'it''s 5%% */ 'x'", ("a",), ("ax",)),
    ("SELECT 2 = ANY(%s::int[])", ([1, 2],), (True,)),
    ("SELECT '{\"a\": 1}'::jsonb ->> %s::text", ("a",), ("1",)),
    ("SELECT 'a%%b'", (), ("a%b",)),
]
#: The same, where psycopg by itself raises an error.
OURS: list[Case] = [
    ("SELECT %s::text LIKE 'a%'", ("ab",), (True,)),
    ("SELECT format('%s', %s::text)", ("a",), ("a",)),
    ("SELECT %s::int -- AND x = %s", (1,), (1,)),
    ("SELECT $1::int % 4, 'a%%b'", (7,), (3, "a%%b")),
    ("SELECT $2::text, $1::text, $2::text", ("a", "b"), ("b", "a", "b")),
]
#: The same, where psycopg sends what nobody means: '$1', and a column named "limit$1".
BETTER: list[Case] = [
    ("SELECT '%(a)s', %(a)s::int", {"a": 1}, ("%(a)s", 1)),
    ("SELECT 1 LIMIT%s", (0,), None),
]


@pytest.fixture(scope="module")
def conn(postgres: Postgres) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres.url(), autocommit=True) as conn:
        yield conn


def through_psycopg(conn: psycopg.Connection, sql: str, params: Params) -> tuple[Any, ...] | None:
    compiled = compile_placeholders(sql)
    return psycopg.RawCursor(conn).execute(compiled.text, compiled.arrange(params)).fetchone()


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Any]:
    conn = await asyncpg.connect(url)
    try:
        yield conn
    finally:
        await conn.close()


@pytest.mark.parametrize("sql, params, row", BOTH + OURS + BETTER)
def test_psycopg(conn: psycopg.Connection, sql: str, params: Params, row: tuple[Any, ...] | None) -> None:
    assert through_psycopg(conn, sql, params) == row


def test_asyncpg(postgres: Postgres) -> None:
    async def main() -> None:
        async with opened(postgres.url()) as conn:
            for sql, params, row in BOTH + OURS:
                compiled = compile_placeholders(sql)
                assert tuple(await conn.fetchrow(compiled.text, *compiled.arrange(params))) == row, sql

    asyncio.run(main())


@pytest.fixture(scope="module")
def conn2(postgres: Postgres) -> Iterator[Any]:
    with closing(psycopg2.connect(postgres.url())) as conn:
        conn.autocommit = True
        yield conn


def through_psycopg2(conn: Any, sql: str, params: Params) -> tuple[Any, ...] | None:
    compiled = compile_placeholders(sql, FORMAT_POSTGRESQL)
    with conn.cursor() as cursor:
        cursor.execute(compiled.text, compiled.arrange(params))
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row


@pytest.mark.parametrize("sql, params, row", [case for case in BOTH + OURS + BETTER if "$1" not in case[0]])
def test_psycopg2(conn2: Any, sql: str, params: Params, row: tuple[Any, ...] | None) -> None:
    assert through_psycopg2(conn2, sql, params) == row


@FIXED
@given(st.lists(LITERALS, min_size=1, max_size=3))
def test_any_literal_comes_back_from_psycopg2_as_from_psycopg(
    conn: psycopg.Connection, conn2: Any, literals: list[str]
) -> None:
    sql = "SELECT %s::int, " + ", ".join(literals).replace("%", "%%")
    assert through_psycopg2(conn2, sql, (1,)) == through_psycopg(conn, sql, (1,))


@pytest.mark.parametrize("sql, params, row", BOTH)
def test_psycopg_alone_means_the_same(
    conn: psycopg.Connection, sql: str, params: Params, row: tuple[Any, ...]
) -> None:
    assert conn.execute(sql, params).fetchone() == row


@pytest.mark.parametrize("sql, params, _row", OURS)
def test_psycopg_alone_refuses_these(
    conn: psycopg.Connection, sql: str, params: Params, _row: tuple[Any, ...]
) -> None:
    with pytest.raises(psycopg.Error):
        conn.execute(sql, params)


@FIXED
@given(st.lists(LITERALS, min_size=1, max_size=3))
def test_any_literal_that_psycopg_takes_comes_back_alike(
    conn: psycopg.Connection, literals: list[str]
) -> None:
    sql = "SELECT %s::int, " + ", ".join(literals).replace("%", "%%")
    assert through_psycopg(conn, sql, (1,)) == conn.execute(sql, (1,)).fetchone()
