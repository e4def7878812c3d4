"""Scenarios of asyncpg's pool tests, over every flavour where they make sense there."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.api.flavours import ASYNC, Flavour, done, entered
from tests.conftest import ProxyFactory
from tests.scenarios.sessions import end_sessions, sessions

from thawpool import LeaseError
from thawpool.testing.postgres import Postgres

ONE = [{"n": 1}]


async def test_asyncpg_pool_04(flavour: Flavour, postgres: Postgres) -> None:
    """A connection that its borrower closes: whoever waits for the seat gets a new one."""
    pool = flavour.pool(postgres.url(), max_size=1)
    async with pool.connection() as conn:
        job = flavour.spawn(pool.query("SELECT 1 AS n"))
        await flavour.until(lambda: pool.stats().waiting == 1)
        await done(conn.close())
    assert await job == ONE
    assert pool.stats().opened == 2


async def test_asyncpg_pool_11(flavour: Flavour, postgres: Postgres) -> None:
    """What was derived from a connection refuses use after the return, as the connection does."""
    pool = flavour.pool(postgres.url(), max_size=1)
    derived: list[Any] = []
    async with pool.connection() as conn:
        if flavour.driver == "asyncpg":
            statement = await conn.prepare("SELECT 1")
            derived += [statement.fetch, statement.fetchval]
        else:
            cursor = conn.cursor()
            await done(cursor.execute("SELECT 1"))
            derived.append(lambda: cursor.execute("SELECT 1"))
            derived.append(lambda: cursor.executemany("SELECT %s", [(1,)]))
        derived.append(lambda: entered(conn.transaction()).__aenter__())
    for use in derived:
        with pytest.raises(LeaseError):
            await done(use())
    assert await pool.query("SELECT 1 AS n") == ONE
    assert pool.stats().opened == 1


@ASYNC
async def test_asyncpg_pool_handles_task_cancel_in_release(
    flavour: Flavour, postgres: Postgres, proxy: ProxyFactory
) -> None:
    """Cancelled while a reset is on its way: the seat is free, the connection is not reused."""
    wire = proxy()
    pool = flavour.pool(wire.url(postgres.url()), max_size=1)

    async def borrow() -> None:
        async with pool.connection() as conn:
            await flavour.run_on(conn, "SET work_mem = '7MB'")
            wire.blackhole()

    job = asyncio.ensure_future(borrow())
    sent = wire.bytes_up
    await flavour.until(lambda: job.done() or (pool.stats().used == 1 and wire.bytes_up > sent))
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert pool.stats().total == 0
    wire.resume()
    assert await pool.query("SHOW work_mem") != [{"work_mem": "7MB"}]


@ASYNC
async def test_asyncpg_pool_handles_query_cancel_in_release(flavour: Flavour, postgres: Postgres) -> None:
    """Cancelled in the middle of a long statement: the seat is free at once, the server hears of it soon."""
    name = f"cancel-{flavour.name}"
    pool = flavour.pool(postgres.url(application_name=name), max_size=1)
    job = asyncio.ensure_future(pool.query("SELECT pg_sleep(10)"))
    await flavour.until(lambda: pool.stats().used == 1)
    await asyncio.sleep(0)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert pool.stats().used == 0
    assert await pool.query("SELECT 1 AS n") == ONE
    await flavour.until(lambda: sessions(postgres, name) == 1)


async def test_asyncpg_pool_no_acquire_deadlock(flavour: Flavour, postgres: Postgres) -> None:
    """The last use of a connection while somebody waits: a new connection serves the waiter, no spent one."""
    pool = flavour.pool(postgres.url(), max_size=1, max_uses=1)
    pids = set()
    for _ in range(3):
        async with pool.connection() as conn:
            pids.add(await flavour.value(conn, "SELECT pg_backend_pid()"))
            job = flavour.spawn(pool.query_one("SELECT pg_backend_pid() AS pid"))
            await flavour.until(lambda: pool.stats().waiting == 1)
        row = await job
        pids.add(row["pid"])
    assert len(pids) == pool.stats().opened == 6
    assert pool.stats().retired == {"uses": 6}


async def test_asyncpg_pool_handles_inactive_connection_errors(flavour: Flavour, postgres: Postgres) -> None:
    """Killed while idle: nobody notices, and no query fails."""
    name = f"inactive-{flavour.name}"
    pool = flavour.pool(postgres.url(application_name=name), max_size=3)
    await pool.warm(3)
    assert end_sessions(postgres, name) == 3
    for _ in range(5):
        assert await pool.query("SELECT 1 AS n") == ONE


async def test_asyncpg_pool_remote_close(flavour: Flavour, postgres: Postgres) -> None:
    """Killed while in use: the borrower hears it from the driver, and the next has another connection."""
    name = f"remote-{flavour.name}"
    pool = flavour.pool(postgres.url(application_name=name), max_size=2)
    async with pool.connection() as conn:
        assert end_sessions(postgres, name) == 1
        with pytest.raises(Exception) as caught:  # noqa: PT011  the driver's own
            await flavour.run_on(conn, "SELECT 1")
        assert not type(caught.value).__module__.startswith("thawpool")
    assert await pool.query("SELECT 1 AS n") == ONE


async def test_asyncpg_pool_init_race(flavour: Flavour, postgres: Postgres) -> None:
    """The first use by many at once."""
    pool = flavour.pool(postgres.url(), max_size=4)
    jobs = [flavour.spawn(pool.query("SELECT 1 AS n")) for _ in range(8)]
    jobs.append(flavour.spawn(pool.warm(4)))
    assert [await job for job in jobs[:8]] == [ONE] * 8
    await jobs[8]
    assert pool.stats().opened <= 4


async def test_asyncpg_full_reconnect_on_node_change_role(flavour: Flavour, own_postgres: Postgres) -> None:
    """The server takes no writes any more: all its connections are replaced, for the name may lead elsewhere now."""
    import psycopg

    pool = flavour.pool(own_postgres.url(), max_size=3)
    await pool.execute("CREATE TABLE written (n int)")
    await pool.warm(3)
    with psycopg.connect(own_postgres.url(), autocommit=True) as admin:
        admin.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        admin.execute("SELECT pg_reload_conf()")

    async def told() -> bool:
        row = await pool.query_one("SHOW default_transaction_read_only")
        return row == {"default_transaction_read_only": "on"}

    while not await told():
        pass
    with pytest.raises(flavour.error_class) as caught:
        await pool.execute("INSERT INTO written VALUES (1)")
    assert getattr(caught.value, "sqlstate", None) == "25006"
    assert pool.stats().total == 0
    assert pool.stats().retired["failover"] == 1
    assert pool.stats().retired["expired"] == 2
    with psycopg.connect(own_postgres.url(), autocommit=True) as admin:
        admin.execute("ALTER SYSTEM RESET default_transaction_read_only")
        admin.execute("SELECT pg_reload_conf()")
    while await told():
        await pool.expire()
    assert await pool.execute("INSERT INTO written VALUES (1)") == 1
