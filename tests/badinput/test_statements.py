"""Statements that cannot run, or not to their end: the connection lives on where it can."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from tests.api.flavours import Flavour
from tests.badinput.table import CANARY, assert_sound, refused

from thawpool.testing.postgres import Postgres

MISFITS: list[tuple[str, Any, Any]] = [
    ("a statement that is no string", b"SELECT 1", None),
    ("`params` that is a bare string", "SELECT %s", CANARY),
    ("`params` that is a bare string", "SELECT %s", CANARY.encode()),
    ("`params` that is a number", "SELECT %s", 5),
    ("too few parameters", "SELECT %s::text, %s::text", (CANARY,)),
    ("too few parameters", "SELECT $1::text, $2::text", (CANARY,)),
    ("too many parameters", "SELECT %s::text", (CANARY, CANARY)),
    ("a name that `params` does not have", "SELECT %(a)s::text, %(b)s::text", {"a": CANARY}),
    ("a percent sign by itself", "SELECT 7 % 4, %s::text", (CANARY,)),
]


@pytest.mark.parametrize("place", ["pool", "transaction"])
@pytest.mark.parametrize("what, sql, params", MISFITS)
async def test_parameters_that_do_not_fit(
    flavour: Flavour, postgres: Postgres, place: str, what: str, sql: Any, params: Any
) -> None:
    pool = flavour.pool(postgres.url(password=CANARY), max_size=1)
    for verb in ("query", "query_one", "execute"):
        with refused(what):
            if place == "pool":
                await getattr(pool, verb)(sql, params)
            else:
                async with pool.transaction() as tx:
                    await getattr(tx, verb)(sql, params)
    assert_sound(pool)
    assert await pool.query("SELECT 1 AS n") == [{"n": 1}]
    assert pool.stats().opened == 1


async def test_two_columns_of_one_name(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(password=CANARY), max_size=1)
    with refused("two result columns of one name"):
        await pool.query("SELECT 1 AS id, 2 AS id")
    with refused("two result columns of one name"):
        await pool.query("SELECT 1 AS id, 2 AS id WHERE false")
    assert_sound(pool)


async def test_a_statement_with_an_error(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(password=CANARY), max_size=1)
    for verb in (pool.query, pool.query_one, pool.execute):
        with refused("a statement with an error"):
            await verb("SELECT * FROM no_such_table")
    assert_sound(pool)
    assert await pool.query("SELECT 1 AS n") == [{"n": 1}]
    assert pool.stats().opened == 1


async def test_transactions_that_cannot_be(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(password=CANARY), max_size=1)
    with refused("an error in a transaction that nobody let through"):
        async with pool.transaction() as tx:
            with suppress(flavour.error_class):
                await tx.query("SELECT 1/0")
    with refused("an isolation level that there is not"):
        async with pool.transaction(isolation="snapshot"):
            pass
    assert_sound(pool)


async def test_statements_that_take_too_long(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(password=CANARY), max_size=1, statement_timeout=0.2)
    await pool.warm(1)
    with refused("a statement that takes longer than its `timeout`", within=0.6):
        await pool.query("SELECT pg_sleep(30)", timeout=0.1)
    assert_sound(pool)
    with refused("a statement that takes longer than `statement_timeout`", within=2):
        await pool.query("SELECT pg_sleep(30)")
    assert_sound(pool)
    assert await pool.query("SELECT 1 AS n") == [{"n": 1}]


async def test_a_connection_that_dies_under_a_statement(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(password=CANARY), max_size=1)
    with refused("a connection that dies under a statement"):
        await pool.query("SELECT pg_terminate_backend(pg_backend_pid())")
    assert_sound(pool)
    assert await pool.query("SELECT 1 AS n") == [{"n": 1}]


def gone(postgres: Postgres, pid: int) -> bool:
    import psycopg

    with psycopg.connect(postgres.url(), autocommit=True) as conn:
        row = conn.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchone()
    return row == (0,)


async def test_a_lease_left_idle_for_too_long(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(password=CANARY), max_size=1, trust_window=0, server_idle_timeout=0.05)
    async with pool.connection() as conn:
        pid = await flavour.value(conn, "SELECT pg_backend_pid()")
        await flavour.until(lambda: gone(postgres, pid))
        with refused("a lease left idle for longer than `server_idle_timeout`"):
            await flavour.run_on(conn, "SELECT 1")
    assert_sound(pool)
    assert await pool.query("SELECT 1 AS n") == [{"n": 1}]


async def test_a_transaction_left_idle_for_too_long(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(password=CANARY), max_size=1, server_transaction_timeout=0.05)
    with refused("a transaction left idle for longer than `server_transaction_timeout`"):
        async with pool.transaction() as tx:
            row = await tx.query_one("SELECT pg_backend_pid() AS pid")
            assert row is not None
            await flavour.until(lambda: gone(postgres, row["pid"]))
            await tx.query("SELECT 1")
    assert_sound(pool)
    assert await pool.query("SELECT 1 AS n") == [{"n": 1}]
