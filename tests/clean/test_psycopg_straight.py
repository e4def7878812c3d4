"""A prepared statement goes a shorter way than psycopg's own, and nobody can tell."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row
from tests.api.flavours import PSYCOPG, Flavour, done

from thawpool.drivers.psycopg import straight
from thawpool.testing.postgres import Postgres

#: Often enough that psycopg prepares it and runs it again.
TIMES = 8
STATEMENTS: dict[str, tuple[str, Any]] = {
    "rows": ("SELECT n, 'a' || n AS text FROM generate_series(1, 3) AS n", None),
    "no rows": ("SELECT 1 AS n WHERE false", None),
    "no columns": ("SELECT FROM generate_series(1, 2)", None),
    "beyond ASCII": ("SELECT 'ä' AS ö", None),
    "parameters": ("SELECT %s::int AS n, %s::text AS text", (1, "one")),
    "no parameters": ("SELECT 7 %% 4 AS n", ()),
    "names": ("SELECT %(b)s::int AS b, %(a)s::date AS a", {"a": "2026-01-02", "b": None}),
    "a change": ("INSERT INTO straight VALUES (%s)", (1,)),
    "a change that returns": ("UPDATE straight SET n = n RETURNING n", None),
    "nothing": ("", None),
    "several": ("SELECT 1 AS n; SELECT 2 AS n", None),
    "an error": ("SELECT 1 / (%s::int)", (0,)),
    "an error without parameters": ("SELECT 1 / (n - 1) FROM generate_series(1, 2) AS n", None),
    "a missing parameter": ("SELECT %s, %s", (1,)),
    "two types": ("SELECT %s AS n", (1.5,)),
}


@asynccontextmanager
async def raw(flavour: Flavour, url: str) -> AsyncIterator[Any]:
    """A connection of psycopg's own class."""
    base = psycopg.AsyncConnection if flavour.is_async else psycopg.Connection
    conn: Any = await done(base.connect(url, autocommit=True))
    try:
        yield conn
    finally:
        await done(conn.close())


async def seen(conn: Any, cursor: Any, sql: str, params: Any, **options: Any) -> Any:
    """All that a statement shows."""
    try:
        assert await done(cursor.execute(sql, params, **options)) is cursor
    except psycopg.Error as error:
        return type(error), str(error), error.sqlstate, conn.info.transaction_status
    rows = None if cursor.description is None else await done(cursor.fetchall())
    return (
        rows,
        cursor.description and [(column.name, column.type_code) for column in cursor.description],
        (cursor.rowcount, cursor.rownumber, cursor.statusmessage, cursor.pgresult.status),
        (cursor.pgresult.ntuples, cursor.pgresult.fformat(0) if cursor.pgresult.nfields else None),
        (cursor._query is None, cursor._last_query, cursor._iresult, len(cursor._results)),
        (dict(conn._prepared._names), dict(conn._prepared._counts)),
        conn.info.transaction_status,
    )


@PSYCOPG
@pytest.mark.parametrize("known", [True, False], ids=["straight", "psycopg's own"])
@pytest.mark.parametrize("what", STATEMENTS)
async def test_a_statement_shows_the_same(
    flavour: Flavour, furniture: str, monkeypatch: pytest.MonkeyPatch, what: str, known: bool
) -> None:
    monkeypatch.setattr(straight, "KNOWN", known)
    sql, params = STATEMENTS[what]
    pool = flavour.pool(furniture, reset="never")
    async with raw(flavour, furniture) as theirs, pool.connection() as ours:
        for conn in (theirs, ours):
            await done(conn.execute("CREATE TEMP TABLE straight (n int)", prepare=False))
            conn._prepared.clear()
        for _ in range(TIMES):
            expected = await seen(theirs, theirs.cursor(), sql, params)
            assert await seen(ours, ours.cursor(), sql, params) == expected
        again = (theirs.cursor(), ours.cursor())
        for _ in range(3):  # with one cursor all the time
            expected = await seen(theirs, again[0], sql, params)
            assert await seen(ours, again[1], sql, params) == expected


@PSYCOPG
@pytest.mark.parametrize(
    "option", [{"binary": True}, {"binary": False}, {"prepare": True}, {"prepare": False}]
)
async def test_an_option_counts(flavour: Flavour, furniture: str, option: dict[str, bool]) -> None:
    pool = flavour.pool(furniture)
    async with raw(flavour, furniture) as theirs, pool.connection() as ours:
        ours._prepared.clear()
        for at in range(TIMES):
            options = option if at % 2 else {}
            expected = await seen(theirs, theirs.cursor(binary=at % 3 == 0), "SELECT 1 AS n", None, **options)
            assert (
                await seen(ours, ours.cursor(binary=at % 3 == 0), "SELECT 1 AS n", None, **options)
                == expected
            )
        for conn in (theirs, ours):
            cursor = await done(conn.execute("SELECT 1 AS n", **option))
            assert (cursor.pgresult.fformat(0), await done(cursor.fetchone())) == (
                int(option.get("binary", 0)),
                (1,),
            )


@PSYCOPG
async def test_a_borrowers_rows_and_adapters_count(flavour: Flavour, furniture: str) -> None:
    pool = flavour.pool(furniture, max_size=1)
    for _ in range(3):
        async with pool.connection() as conn:
            for _ in range(TIMES):
                assert await done((await done(conn.execute("SELECT 1 AS n"))).fetchall()) == [(1,)]
            conn.row_factory = dict_row
            assert await done((await done(conn.execute("SELECT 1 AS n"))).fetchall()) == [{"n": 1}]
            conn.adapters.register_loader("int4", psycopg.types.string.TextLoader)
            assert await done((await done(conn.execute("SELECT 1 AS n"))).fetchall()) == [{"n": "1"}]
            conn.cursor_factory = psycopg.AsyncRawCursor if flavour.is_async else psycopg.RawCursor
            cursor = await done(conn.execute("SELECT $1::int AS n", (1,)))
            assert await done(cursor.fetchall()) == [{"n": "1"}]
        assert await pool.query("SELECT 1 AS n") == [{"n": 1}]


@PSYCOPG
async def test_a_pipeline_and_a_transaction_go_psycopgs_own_way(flavour: Flavour, furniture: str) -> None:
    pool = flavour.pool(furniture, max_size=1)
    sql = "SELECT 1 AS n"
    async with pool.connection() as conn:
        for _ in range(TIMES):
            await done(conn.execute(sql))
        if flavour.is_async:
            async with conn.pipeline():
                cursors = [await conn.execute(sql), await conn.execute(sql)]
        else:
            with conn.pipeline():
                cursors = [conn.execute(sql), conn.execute(sql)]
        assert [await done(cursor.fetchall()) for cursor in cursors] == [[(1,)], [(1,)]]
        await done(conn.set_autocommit(False))
        await done(conn.execute(sql))
        assert conn.in_transaction()
        await done(conn.rollback())


@PSYCOPG
async def test_our_verbs_take_the_same_way(flavour: Flavour, furniture: str) -> None:
    pool = flavour.pool(furniture, max_size=1)
    for at in range(TIMES):
        assert await pool.query("SELECT %s::int AS n, 'ä' AS ö", (at,)) == [{"n": at, "ö": "ä"}]
        assert await pool.query("SELECT FROM generate_series(1, 2)") == [{}, {}]
        assert await pool.execute("SELECT 1 FROM generate_series(1, 3)") == 3
        assert await pool.query("SELECT 1 AS n; SELECT 2 AS n") == [{"n": 1}]
        assert await pool.execute("SET LOCAL work_mem = '1MB'") == -1
        with pytest.raises(psycopg.errors.DivisionByZero):
            await pool.query("SELECT 1 / (%s::int)", (0,))
        wide = ", ".join(f"{n} AS c{n}" for n in range(40))
        assert await pool.query(f"SELECT {wide}") == [{f"c{n}": n for n in range(40)}]
    assert pool.stats().opened == 1


@PSYCOPG
async def test_a_statement_that_ran_is_not_taken_for_one_whose_preparation_is_gone(
    flavour: Flavour, postgres: Postgres
) -> None:
    pool = flavour.pool(postgres.url(), max_size=1)
    for _ in range(TIMES):
        await pool.query("SELECT 1 AS n")  # so that there is something prepared
    await pool.execute("CREATE TABLE once (n int)")
    body = "INSERT INTO once VALUES (1); COMMIT; EXECUTE 'DEALLOCATE nobody';"
    await pool.execute(f"CREATE PROCEDURE once() LANGUAGE plpgsql AS $$ BEGIN {body} END $$")
    with pytest.raises(psycopg.errors.InvalidSqlStatementName):
        await pool.execute("CALL once()")
    assert await pool.query("SELECT count(*) AS n FROM once") == [{"n": 1}]
    await pool.execute("DROP TABLE once")
    await pool.execute("DROP PROCEDURE once")
