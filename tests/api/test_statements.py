"""``query``, ``query_one`` and ``execute``: the same words on every driver, on a pool and in a transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from tests.api.flavours import Flavour

from thawpool import AsyncPool, PoolError
from thawpool.testing.postgres import Postgres

PLACES = pytest.mark.parametrize("place", ["pool", "transaction"])


@asynccontextmanager
async def speaker(pool: AsyncPool, place: str) -> AsyncIterator[Any]:
    """What has the three verbs."""
    if place == "pool":
        yield pool
    else:
        async with pool.transaction() as tx:
            yield tx


@PLACES
async def test_query_answers_with_a_list_of_dicts(flavour: Flavour, postgres: Postgres, place: str) -> None:
    async with speaker(flavour.pool(postgres.url()), place) as on:
        rows = await on.query("SELECT n, n * 2 AS double FROM generate_series(1, 3) AS n ORDER BY n")
        assert rows == [{"n": 1, "double": 2}, {"n": 2, "double": 4}, {"n": 3, "double": 6}]
        assert all(type(row) is dict for row in rows)
        assert await on.query("SELECT 1 WHERE false") == []


@PLACES
async def test_query_one_answers_with_the_first_row_or_none(
    flavour: Flavour, postgres: Postgres, place: str
) -> None:
    async with speaker(flavour.pool(postgres.url()), place) as on:
        assert await on.query_one("SELECT n FROM generate_series(4, 9) AS n ORDER BY n") == {"n": 4}
        assert await on.query_one("SELECT 1 AS n WHERE false") is None


async def test_execute_answers_with_the_number_of_rows(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url())
    async with pool.transaction() as tx:
        await tx.execute("CREATE TEMP TABLE counted (n int) ON COMMIT DROP")
        assert await tx.execute("INSERT INTO counted SELECT generate_series(1, 5)") == 5
        assert await tx.execute("UPDATE counted SET n = n + 1 WHERE n > %s", (3,)) == 2
        assert await tx.execute("DELETE FROM counted WHERE n = %(n)s", {"n": 99}) == 0
        assert await tx.execute("DELETE FROM counted") == 5
    assert await pool.execute("SELECT generate_series(1, 4)") == 4


async def test_execute_says_so_where_there_is_no_number(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url())
    async with pool.transaction() as tx:
        assert await tx.execute("CREATE TEMP TABLE uncounted (n int) ON COMMIT DROP") == -1
        assert await tx.execute("DO $$ BEGIN END $$") == -1


async def test_a_statement_without_rows_gives_none(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url())
    async with pool.transaction() as tx:
        assert await tx.query("CREATE TEMP TABLE empty (n int) ON COMMIT DROP") == []
        assert await tx.query_one("INSERT INTO empty VALUES (1)") is None
        assert await tx.query_one("INSERT INTO empty VALUES (2) RETURNING n") == {"n": 2}


SPELLINGS = [
    ("SELECT %s::int AS a, %s::text AS b", (1, "x"), {"a": 1, "b": "x"}),
    ("SELECT %s::int AS a, %s::text AS b", [1, "x"], {"a": 1, "b": "x"}),
    ("SELECT %(a)s::int AS a, %(b)s::text AS b", {"a": 1, "b": "x", "unused": 9}, {"a": 1, "b": "x"}),
    ("SELECT %(a)s::int AS a, %(a)s::int + 1 AS b", {"a": 1}, {"a": 1, "b": 2}),
    ("SELECT $2::int AS a, $1::text AS b", ("x", 1), {"a": 1, "b": "x"}),
    ("SELECT %s::int %% 4 AS a, '100%%' AS b", (7,), {"a": 3, "b": "100%"}),
    ("SELECT 7 %% 4 AS a, '%%s' AS b", (), {"a": 3, "b": "%s"}),
    ("SELECT %s::text AS a, 'it''s %s' AS b -- %s", ("x",), {"a": "x", "b": "it's %s"}),
    ("SELECT %s::text AS a, $tag$ %s $tag$ AS b", ("x",), {"a": "x", "b": " %s "}),
    ("SELECT %s::text AS a", (None,), {"a": None}),
    ("SELECT %s::text AS a", ("'; DROP TABLE users; --",), {"a": "'; DROP TABLE users; --"}),
    ("SELECT 7 % 4 AS a, '%s 100% $1' AS b", None, {"a": 3, "b": "%s 100% $1"}),
    ("SELECT 'a' LIKE 'a%' AS a, '%(name)s' AS b", None, {"a": True, "b": "%(name)s"}),
]


@PLACES
@pytest.mark.parametrize("sql, params, row", SPELLINGS)
async def test_parameters_are_written_alike_on_every_driver(
    flavour: Flavour, postgres: Postgres, place: str, sql: str, params: Any, row: dict[str, Any]
) -> None:
    async with speaker(flavour.pool(postgres.url()), place) as on:
        assert await on.query(sql, params) == [row]
        assert await on.query_one(sql, params) == row
        assert await on.execute(sql, params) == 1


VALUES = [
    ("bool", True),
    ("int2", -3),
    ("int8", 2**62),
    ("float8", 1.5),
    ("numeric", Decimal("12345678901234567890.123456789")),
    ("text", "naïve ☃ \N{GRINNING FACE}"),
    ("bytea", b"\x00\xff'\\"),
    ("uuid", UUID("12345678-1234-5678-1234-567812345678")),
    ("date", dt.date(2026, 1, 31)),
    ("time", dt.time(9, 30, 1, 5)),
    ("timestamp", dt.datetime(2026, 1, 31, 9, 30)),  # noqa: DTZ001  the column has no zone either
    ("timestamptz", dt.datetime(2026, 1, 31, 9, 30, tzinfo=dt.UTC)),
    ("interval", dt.timedelta(days=2, seconds=5)),
    ("int[]", [1, None, 3]),
    ("text[]", ["a", "b,c"]),
]


@pytest.mark.parametrize("kind, value", VALUES, ids=[kind for kind, _ in VALUES])
async def test_a_value_comes_back_as_it_went(
    flavour: Flavour, postgres: Postgres, kind: str, value: Any
) -> None:
    pool = flavour.pool(postgres.url())
    row = await pool.query_one(f"SELECT %s::{kind} AS value", (value,))
    assert row == {"value": value}


@PLACES
@pytest.mark.parametrize("verb", ["query", "query_one"])
async def test_two_columns_of_one_name_are_an_error(
    flavour: Flavour, postgres: Postgres, place: str, verb: str
) -> None:
    pool = flavour.pool(postgres.url())
    with pytest.raises(PoolError, match=r"more than one result column is named 'id'.*AS"):
        async with speaker(pool, place) as on:
            await getattr(on, verb)("SELECT 1 AS id, 'x' AS name, 2 AS id")
    assert await pool.query_one("SELECT 1 AS id, 2 AS other") == {"id": 1, "other": 2}
    assert pool.stats().opened == 1


@PLACES
async def test_an_error_of_the_statement_is_the_drivers(
    flavour: Flavour, postgres: Postgres, place: str
) -> None:
    pool = flavour.pool(postgres.url(), max_size=1)
    with pytest.raises(flavour.error_class) as caught:
        async with speaker(pool, place) as on:
            await on.query("SELECT * FROM no_such_table")
    assert getattr(caught.value, "sqlstate", None) == "42P01"
    assert await pool.query_one("SELECT 1 AS n") == {"n": 1}
    assert (pool.stats().opened, pool.stats().used, pool.stats().total) == (1, 0, 1)


async def test_a_statement_of_many_rows(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url())
    rows = await pool.query("SELECT n, repeat('x', 50) AS text FROM generate_series(1, 20000) AS n")
    assert len(rows) == 20_000
    assert rows[-1] == {"n": 20_000, "text": "x" * 50}


async def test_one_text_runs_many_times_with_different_values(flavour: Flavour, postgres: Postgres) -> None:
    """Beyond the number of uses at which drivers begin to prepare."""
    pool = flavour.pool(postgres.url(), max_size=1)
    for n in range(12):
        assert await pool.query("SELECT %s::int + 1 AS n", (n,)) == [{"n": n + 1}]
    assert pool.stats().opened == 1
