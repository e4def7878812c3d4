"""The short way of a statement that is prepared: what asyncpg's own way does with it must come out of it too."""

from __future__ import annotations

import asyncio
from functools import wraps
from typing import Any

import asyncpg
import pytest
from tests.support.loops import LoopFlavour

from thawpool import AsyncPool, LeaseError
from thawpool.testing.postgres import Postgres


@pytest.fixture
def pool(flavour: LoopFlavour, postgres: Postgres) -> AsyncPool:
    return flavour.pool(postgres.url(), max_size=1)


async def test_every_verb_gives_what_it_gave_the_first_time(pool: AsyncPool, flavour: LoopFlavour) -> None:
    async with pool.connection() as conn:
        for _ in range(3):
            assert await conn.fetch("SELECT $1::int AS n", 1) == [(1,)]
            assert await conn.fetchrow("SELECT $1::int AS n", 2) == (2,)
            assert await conn.fetchval("SELECT $1::int AS n", 3) == 3
            assert await conn.execute("SELECT generate_series(1, $1::int)", 4) == "SELECT 4"
            assert await conn.fetch("SELECT $1::int AS n", 5, timeout=5.0) == [(5,)]
            with pytest.raises(asyncpg.DivisionByZeroError):
                await conn.fetch("SELECT 1 / $1::int", 0)
            with pytest.raises(asyncpg.InterfaceError, match="the server expects 1 argument"):
                await conn.fetch("SELECT $1::int AS n")
        prepared = await conn.fetch(
            "SELECT statement FROM pg_prepared_statements WHERE statement LIKE '%::int%'"
        )
        assert len(prepared) == 4  # this one is the fourth
    assert pool.stats().opened == 1


async def test_a_record_class_of_ones_own(pool: AsyncPool, flavour: LoopFlavour) -> None:
    class Mine(asyncpg.Record):  # type: ignore[misc]
        pass

    async with pool.connection() as conn:
        await conn.fetch("SELECT 1")
        for _ in range(2):
            assert type((await conn.fetch("SELECT 1", record_class=Mine))[0]) is Mine
            assert type((await conn.fetch("SELECT 1"))[0]) is asyncpg.Record


async def test_a_query_logger_hears_of_it(pool: AsyncPool, flavour: LoopFlavour) -> None:
    heard: list[str] = []

    async def hear(record: Any) -> None:
        heard.append(record.query)

    async with pool.connection() as conn:
        await conn.fetch("SELECT 1")
        with conn.query_logger(hear):
            await conn.fetch("SELECT 1")
        await conn.fetch("SELECT 2")
    assert heard == ["SELECT 1"]


@pytest.mark.parametrize("name", ["_execute", "fetch"])
async def test_who_traces_asyncpg_sees_every_statement(
    flavour: LoopFlavour, postgres: Postgres, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """As Sentry does, which replaces the one method, and OpenTelemetry, which replaces the other."""
    original, seen = getattr(asyncpg.Connection, name), []

    @wraps(original)
    async def traced(self: Any, query: str, *args: Any, **options: Any) -> Any:
        seen.append(query)
        return await original(self, query, *args, **options)

    monkeypatch.setattr(asyncpg.Connection, name, traced)
    pool = flavour.pool(postgres.url(), max_size=1)
    for _ in range(3):
        await pool.query("SELECT 'traced'")
    assert seen.count("SELECT 'traced'") == 3


async def test_what_is_awaited_too_late_is_refused(pool: AsyncPool, flavour: LoopFlavour) -> None:
    async with pool.connection() as conn:
        await conn.fetch("SELECT 1")
        late = conn.fetch("SELECT 1"), conn.fetchrow("SELECT 1"), conn.fetch("SELECT 2")
    for statement in late:
        with pytest.raises(LeaseError, match="returned to the pool"):
            await statement


async def test_what_is_awaited_after_it_was_forgotten_is_prepared_anew(
    pool: AsyncPool, flavour: LoopFlavour
) -> None:
    async with pool.connection() as conn:
        await conn.fetch("SELECT 1")
        late = conn.fetch("SELECT 1")
        await conn.reload_schema_state()
        assert await late == [(1,)]


async def test_what_is_used_often_stays_prepared(pool: AsyncPool, flavour: LoopFlavour) -> None:
    async with pool.connection() as conn:
        await conn.fetch("SELECT 'often'")
        for n in range(120):
            await conn.fetch(f"SELECT {n}")
            await conn.fetch("SELECT 'often'")
        prepared = [
            row["statement"] for row in await conn.fetch("SELECT statement FROM pg_prepared_statements")
        ]
    assert "SELECT 'often'" in prepared
    assert "SELECT 1" not in prepared
    assert len(prepared) == 100


async def test_a_type_that_changed_fails_one_statement(pool: AsyncPool, flavour: LoopFlavour) -> None:
    await pool.execute("CREATE TYPE pair AS (a int, b int)")
    await pool.execute("CREATE TABLE pairs AS SELECT ROW(1, 2)::pair AS pair")
    try:
        async with pool.connection() as conn:
            for _ in range(2):
                assert await conn.fetchval("SELECT pair FROM pairs") == (1, 2)
            await conn.execute("ALTER TYPE pair ADD ATTRIBUTE c int")
            with pytest.raises(asyncpg.OutdatedSchemaCacheError):
                await conn.fetchval("SELECT pair FROM pairs")
            assert await conn.fetchval("SELECT pair FROM pairs") == (1, 2, None)
    finally:
        await pool.execute("DROP TABLE pairs")
        await pool.execute("DROP TYPE pair")


async def test_a_statement_that_closed_itself_is_prepared_anew(pool: AsyncPool, flavour: LoopFlavour) -> None:
    """As one does whose types changed."""
    async with pool.connection() as conn:
        await conn.fetch("SELECT 1")
        closed = conn.described
        closed.mark_closed()
        assert await conn.fetch("SELECT 1") == [(1,)]
        assert conn.described is not closed


async def test_a_second_statement_at_the_same_time_is_refused(pool: AsyncPool, flavour: LoopFlavour) -> None:
    async with pool.connection() as conn:
        for sql in ("SELECT pg_sleep(0.01)", "SELECT 1"):
            await conn.fetch(sql)
        slow = asyncio.ensure_future(conn.fetch("SELECT pg_sleep(0.01)"))
        await asyncio.sleep(0)
        for sql in ("SELECT 1", "SELECT 'new'"):
            with pytest.raises(asyncpg.InterfaceError, match="another operation is in progress"):
                await conn.fetch(sql)
        await slow
        assert await conn.fetch("SELECT 1") == [(1,)]
    assert pool.stats().idle == 1


async def test_rows_have_their_own_columns_names_whoever_else_asks(
    pool: AsyncPool, flavour: LoopFlavour
) -> None:
    """Two tasks with one transaction: the second asks again and again, also when the first one's rows have just come."""
    ours, others = "SELECT 1 AS a, 'x' AS b", "SELECT 2 AS c, 'y' AS d"

    async def insist(tx: Any) -> Any:
        while True:
            try:
                return await tx.query(others)
            except asyncpg.InterfaceError:
                await asyncio.sleep(0)

    async with pool.transaction() as tx:
        for sql in (ours, others) * 2:
            await tx.query(sql)
        for _ in range(50):
            first = asyncio.ensure_future(tx.query(ours))
            await asyncio.sleep(0)
            assert await insist(tx) == [{"c": 2, "d": "y"}]
            assert await first == [{"a": 1, "b": "x"}]


async def test_an_argument_that_asyncpg_refuses_leaves_nothing_open_on_the_server(
    pool: AsyncPool, flavour: LoopFlavour, postgres: Postgres
) -> None:
    """asyncpg has the statement described before it looks at the arguments, and the server waits for the rest."""
    other = flavour.pool(postgres.url(), max_size=1)
    async with pool.connection() as conn:
        pid = conn.get_server_pid()
        with pytest.raises(asyncpg.DataError):
            await conn.fetch("SELECT relname FROM pg_class WHERE oid = $1::oid", "not a number")
    sessions = "SELECT state, count(l.pid) AS locks FROM pg_stat_activity a LEFT JOIN pg_locks l USING (pid) "
    state = await other.query(sessions + "WHERE a.pid = %s GROUP BY state", (pid,))
    assert state == [{"state": "idle", "locks": 0}]
    assert await pool.query("SELECT 1 AS n") == [{"n": 1}]
    assert pool.stats().opened == 1
