"""A clean return costs no round trip: counted on the wire."""

from __future__ import annotations

from typing import Any

import pytest
from tests.drivers.conformance.case import Case, over
from tests.support.stale_proxy import StaleProxy

CLEAN = [
    "SELECT 1",
    "SELECT count(*) FROM conformance_rows WHERE i > 3",
    "INSERT INTO conformance_rows (i) VALUES (1)",
    "UPDATE conformance_rows SET i = i + 1 WHERE i = 12345",
    "DELETE FROM conformance_rows",
    "SELECT now(), lower('A'), coalesce(NULL, 1), 'SET @a = 1'",
    "EXPLAIN SELECT 1",
]


async def sent(case: Case, pool: Any, link: StaleProxy, *statements: str) -> tuple[int, int]:
    """How many packets a lease and how many its return sent."""
    async with pool.connection() as conn:
        await case.run_on(conn, *statements)  # the first time a driver may prepare
    async with pool.connection() as conn:
        link.clear()
        await case.run_on(conn, *statements)
        own = link.chunks_up
        link.clear()
    return own, link.chunks_up


@over()
@pytest.mark.usefixtures("table")
async def test_a_clean_return_sends_nothing(case: Case, link: StaleProxy) -> None:
    pool = case.pool(link.url(case.server.url()), max_size=1)
    for statement in CLEAN:
        assert await sent(case, pool, link, statement) == (1, 0), statement


@over()
async def test_a_dirty_return_costs_few(case: Case, link: StaleProxy) -> None:
    pool = case.pool(link.url(case.server.url()), max_size=1)
    own, at_return = await sent(case, pool, link, case.dialect.leave)
    assert own == 1
    assert 1 <= at_return <= case.dialect.reset


@over()
async def test_an_open_transaction_costs_one(case: Case, link: StaleProxy) -> None:
    pool = case.pool(link.url(case.server.url()), max_size=1)
    assert await sent(case, pool, link, "BEGIN", "SELECT 1") == (2, 1)


@over()
@pytest.mark.usefixtures("table")
async def test_a_verb_is_one_round_trip_and_a_transaction_three(case: Case, link: StaleProxy) -> None:
    pool = case.pool(link.url(case.server.url()), max_size=1)
    for _ in range(2):
        link.clear()
        assert await pool.query("SELECT i FROM conformance_rows WHERE i = %s", (1,)) == []
    assert link.chunks_up == 1
    for _ in range(2):
        link.clear()
        async with pool.transaction() as tx:
            await tx.query("SELECT i FROM conformance_rows WHERE i = %s", (1,))
    assert link.chunks_up == 3


@over()
async def test_a_lease_that_does_nothing_sends_nothing(case: Case, link: StaleProxy) -> None:
    pool = case.pool(link.url(case.server.url()), max_size=1)
    await pool.warm(1)
    link.clear()
    for _ in range(3):
        async with pool.connection():
            pass
        await pool.putconn(await pool.getconn())
    assert link.sent == b""
