"""A transaction commits at its end, rolls back on an exception, and has the properties that it was asked for."""

from __future__ import annotations

from typing import Any

import pytest
from tests.drivers.conformance.case import EVERY_SERVER, Case, over
from tests.drivers.conformance.errors import code

from thawpool import ConfigError


@EVERY_SERVER
async def test_commit(case: Case, table: str) -> None:
    pool = case.pool(max_size=1)
    async with pool.transaction() as tx:
        assert await tx.execute(f"INSERT INTO {table} (i) VALUES (%s)", (1,)) == 1
        assert await tx.query(f"SELECT i FROM {table}") == [{"i": 1}]
        assert await tx.query_one(f"SELECT count(*) AS n FROM {table}") == {"n": 1}
        assert case.outside.value(f"SELECT count(*) FROM {table}") == 0
    assert case.outside.value(f"SELECT count(*) FROM {table}") == 1
    assert pool.stats().opened == 1


@EVERY_SERVER
async def test_an_exception_rolls_back(case: Case, table: str) -> None:
    pool = case.pool(max_size=1)
    with pytest.raises(ZeroDivisionError):
        async with pool.transaction() as tx:
            await tx.execute(f"INSERT INTO {table} (i) VALUES (1)")
            raise ZeroDivisionError
    assert await pool.query(f"SELECT i FROM {table}") == []
    assert pool.stats().opened == 1


@EVERY_SERVER
async def test_an_error_of_the_server_rolls_back(case: Case, table: str) -> None:
    pool = case.pool(max_size=1)
    with pytest.raises(Exception) as caught:  # noqa: PT011  the driver's own
        async with pool.transaction() as tx:
            await tx.execute(f"INSERT INTO {table} (i) VALUES (1)")
            await tx.execute("SELECT i FROM there_is_no_such_table")
    assert code(caught.value) == case.dialect.no_table
    assert await pool.query(f"SELECT i FROM {table}") == []
    assert pool.stats().opened == 1


@over()
async def test_the_drivers_own_connection_takes_part(case: Case, table: str) -> None:
    pool = case.pool(max_size=1)
    with pytest.raises(ZeroDivisionError):
        async with pool.transaction() as tx:
            await case.run_on(tx.connection, f"INSERT INTO {table} (i) VALUES (1)")
            raise ZeroDivisionError
    assert await pool.query(f"SELECT i FROM {table}") == []


async def sees_what_others_commit(case: Case, pool: Any, table: str, isolation: str | None) -> bool:
    """Whether a row that somebody else commits meanwhile shows in a transaction."""
    async with pool.transaction(isolation=isolation) as tx:
        before = await tx.query(f"SELECT i FROM {table}")
        case.outside.run(f"INSERT INTO {table} (i) VALUES (1)")
        return len(await tx.query(f"SELECT i FROM {table}")) > len(before)


@EVERY_SERVER
@pytest.mark.parametrize("isolation", ["read committed", "repeatable read"])
async def test_isolation(case: Case, table: str, isolation: str) -> None:
    """For that transaction only."""
    pool = case.pool(max_size=1)
    usual = case.system == "postgresql"
    assert await sees_what_others_commit(case, pool, table, isolation) == (isolation == "read committed")
    assert await sees_what_others_commit(case, pool, table, None) == usual
    assert pool.stats().opened == 1


@EVERY_SERVER
async def test_serializable(case: Case, table: str) -> None:
    case.outside.run(f"INSERT INTO {table} (i) VALUES (1)")
    pool = case.pool(max_size=1)
    async with pool.transaction(isolation="serializable") as tx:
        assert await tx.query(f"SELECT i FROM {table}") == [{"i": 1}]
        if case.system == "postgresql":
            assert await tx.query("SHOW transaction_isolation") == [{"transaction_isolation": "serializable"}]
        else:  # what was read is locked
            with pytest.raises(Exception, match=r"(?i)lock"):
                case.outside.run(f"SELECT i FROM {table} FOR UPDATE NOWAIT")
    assert await pool.query(f"SELECT i FROM {table} FOR UPDATE") == [{"i": 1}]


@over()
async def test_an_isolation_that_there_is_not(case: Case) -> None:
    pool = case.pool(max_size=1)
    with pytest.raises(ConfigError, match="isolation"):
        async with pool.transaction(isolation="splendid"):
            pass
    assert await pool.query("SELECT 1 AS one") == [{"one": 1}]


@EVERY_SERVER
async def test_readonly(case: Case, table: str) -> None:
    pool = case.pool(max_size=1)
    with pytest.raises(Exception) as caught:  # noqa: PT011  the driver's own
        async with pool.transaction(readonly=True) as tx:
            assert await tx.query(f"SELECT i FROM {table}") == []
            await tx.execute(f"INSERT INTO {table} (i) VALUES (1)")
    assert code(caught.value) in ("25006", 1792)
    assert await pool.execute(f"INSERT INTO {table} (i) VALUES (1)") == 1
    assert (pool.stats().opened, pool.stats().retired) == (1, {})  # one's own wish is no failover


@over(system="mysql")
async def test_deferrable_is_not_had_everywhere(case: Case) -> None:
    pool = case.pool(max_size=1)
    with pytest.raises(ConfigError, match="deferrable"):
        async with pool.transaction(deferrable=True):
            pass
    assert await pool.query("SELECT 1 AS one") == [{"one": 1}]


@over(system="postgresql")
async def test_deferrable(case: Case) -> None:
    pool = case.pool(max_size=1)
    async with pool.transaction(isolation="serializable", readonly=True, deferrable=True) as tx:
        assert await tx.query("SHOW transaction_deferrable") == [{"transaction_deferrable": "on"}]
