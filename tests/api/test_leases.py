"""``connection``, ``getconn`` and ``putconn``: what a lease is, who is served first, and how it goes wrong."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.api.flavours import Flavour

from thawpool import ConfigError, LeaseError, PoolSaturated, PoolTimeout
from thawpool.testing.postgres import Postgres

PID = "SELECT pg_backend_pid()"


async def test_a_lease_is_the_drivers_own_connection(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url())
    async with pool.connection() as conn:
        assert isinstance(conn, flavour.connection_class)
        assert await flavour.value(conn, "SELECT 42") == 42
        assert pool.stats().used == 1
    assert (pool.stats().used, pool.stats().idle) == (0, 1)


async def test_connections_are_in_autocommit(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=1)
    async with pool.connection() as conn:
        first = await flavour.value(conn, "SELECT txid_current()")
        assert await flavour.value(conn, "SELECT txid_current()") != first
        assert not conn.in_transaction()


async def test_getconn_and_putconn(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=1)
    conn = await pool.getconn()
    assert isinstance(conn, flavour.connection_class)
    pid = await flavour.value(conn, PID)
    with pytest.raises(PoolTimeout):
        await pool.getconn(timeout=0.02)
    await pool.putconn(conn)
    async with pool.connection() as again:
        assert await flavour.value(again, PID) == pid
    assert (pool.stats().used, pool.stats().opened) == (0, 1)


async def test_the_youngest_connection_is_leased_first(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=3)
    async with pool.connection() as one, pool.connection() as two, pool.connection() as three:
        pids = [await flavour.value(conn, PID) for conn in (one, two, three)]
    # Returned in the order three, two, one.
    async with pool.connection() as conn:
        assert await flavour.value(conn, PID) == pids[0]
        async with pool.connection() as conn:
            assert await flavour.value(conn, PID) == pids[1]
    for _ in range(5):
        async with pool.connection() as conn:
            assert await flavour.value(conn, PID) == pids[0]


async def test_waiters_are_served_in_the_order_of_their_arrival(flavour: Flavour, postgres: Postgres) -> None:
    pool, order = flavour.pool(postgres.url(), max_size=1), []

    async def borrow(number: int) -> None:
        async with pool.connection():
            order.append(number)

    jobs = []
    async with pool.connection():
        for number in range(8):
            jobs.append(flavour.spawn(borrow(number)))
            await flavour.until(lambda: pool.stats().waiting == len(jobs))
    for job in jobs:
        await job
    assert order == list(range(8))
    assert pool.stats().opened == 1


async def test_a_newcomer_does_not_pass_the_queue(flavour: Flavour, postgres: Postgres) -> None:
    pool, order = flavour.pool(postgres.url(), max_size=1), []

    async def wait() -> None:
        async with pool.connection():
            order.append("waited")

    async with pool.connection():
        job = flavour.spawn(wait())
        await flavour.until(lambda: pool.stats().waiting == 1)
    async with pool.connection():
        order.append("newcomer")
    await job
    assert order == ["waited", "newcomer"]


async def test_beyond_max_waiting_the_answer_is_immediate(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=1, max_waiting=1)
    async with pool.connection():
        job = flavour.spawn(pool.query("SELECT 1 AS n"))
        await flavour.until(lambda: pool.stats().waiting == 1)
        with pytest.raises(PoolSaturated, match=r"1 requests already wait for one of 1 connections.*503"):
            await pool.query("SELECT 2 AS n", timeout=30)
    assert await job == [{"n": 1}]


async def test_max_waiting_of_zero_lets_nobody_wait(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=1, max_waiting=0)
    async with pool.connection():
        with pytest.raises(PoolSaturated):
            await pool.query("SELECT 1 AS n")
    assert await pool.query("SELECT 1 AS n") == [{"n": 1}]


async def test_a_timeout_explains_itself(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=1)
    async with pool.connection():
        with pytest.raises(TimeoutError) as caught:
            await pool.query("SELECT 1", timeout=0.02)
    error = caught.value
    assert isinstance(error, PoolTimeout)
    assert (error.phase, error.connect_failed) == ("waiting", False)
    assert "within the timeout (waiting): 1 of 1 open, 1 in use, 0 idle, 0 opening" in str(error)
    assert "raise max_size" in str(error)
    assert "test_leases.py" not in str(error)
    assert pool.stats().timeouts == 1


@pytest.mark.parametrize("take", ["connection", "getconn", "transaction"])
async def test_with_debug_a_timeout_names_who_holds_the_connections(
    flavour: Flavour, postgres: Postgres, take: str
) -> None:
    pool = flavour.pool(postgres.url(), max_size=1, debug=True)

    async def ask() -> str:
        with pytest.raises(PoolTimeout) as caught:
            await pool.query("SELECT 1", timeout=0.02)
        return str(caught.value)

    if take == "getconn":
        conn = await pool.getconn()
        told = await ask()
        await pool.putconn(conn)
    else:
        async with getattr(pool, take)():
            told = await ask()
    where = r"pools\.py:\d+ in " if not flavour.is_async else r"test_leases\.py:\d+ in test_with_debug"
    assert re.search(rf"taken at \S*{where}", told)
    async with pool.connection():
        assert "taken at" in await ask()


async def test_a_lease_is_for_one_block_at_a_time(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url())
    lease = pool.connection()
    async with lease:
        with pytest.raises(LeaseError, match=r"in use already; call pool.connection\(\) for each"):
            async with lease:
                pass
        assert pool.stats().used == 1
    async with lease as conn:
        assert await flavour.value(conn, "SELECT 1") == 1
    assert pool.stats().used == 0


async def test_a_lease_that_is_lost_frees_its_seat(
    flavour: Flavour, postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    pool = flavour.pool(postgres.url(), max_size=1)
    held: list[Any] = [await pool.getconn()]
    pid = await flavour.value(held[0], PID)
    held.clear()
    assert await pool.query_one("SELECT pg_backend_pid() <> %s::int AS another", (pid,)) == {"another": True}
    assert pool.stats().retired == {"leaked": 1}
    assert "was never returned" in caplog.text


async def test_a_negative_timeout_is_refused(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url())
    for timeout in (-1, float("nan")):
        with pytest.raises(ConfigError, match="give a number of seconds, 0 or more"):
            await pool.query("SELECT 1", timeout=timeout)
    assert await pool.query("SELECT 1 AS n") == [{"n": 1}]


async def test_a_timeout_of_zero_takes_what_is_there(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=1)
    await pool.warm(1)
    async with pool.connection(timeout=0):
        with pytest.raises(PoolTimeout):
            async with pool.connection(timeout=0):
                pass
