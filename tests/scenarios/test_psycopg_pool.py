"""Scenarios of psycopg_pool's tests, over every flavour."""

from __future__ import annotations

import asyncio
import threading

import pytest
from tests.api.flavours import ASYNC, FLAVOURS, Flavour
from tests.conftest import ProxyFactory
from tests.scenarios.sessions import Count

from thawpool import AsyncPool, ConnectFailed, PoolTimeout
from thawpool._core.policy import jittered
from thawpool.testing.postgres import Postgres

ONE = [{"n": 1}]


async def test_psycopg_reconnect_failure(flavour: Flavour, postgres: Postgres, proxy: ProxyFactory) -> None:
    """An outage that outlasts several requests: each fails in its own time, and the first after it is served."""
    wire, count = proxy(), Count()
    pool = flavour.pool(wire.url(postgres.url()), max_size=2, observer=count)
    await pool.warm(2)
    wire.refuse()
    wire.cut()
    jobs = [flavour.spawn(pool.query("SELECT 1", timeout=0.25)) for _ in range(5)]
    for job in jobs:
        with pytest.raises((ConnectFailed, PoolTimeout)):
            await job
    assert count.seen["open_failed"] < 15, "one dial at a time, however many wait"
    wire.resume()
    assert await pool.query("SELECT 1 AS n", timeout=2) == ONE


async def test_psycopg_reconnect_after_grow_failed(
    flavour: Flavour, postgres: Postgres, proxy: ProxyFactory
) -> None:
    """Growing failed: the pool is not stuck, neither with what it has nor when it can grow again."""
    wire = proxy()
    pool = flavour.pool(wire.url(postgres.url()), max_size=2)
    async with pool.connection():
        wire.refuse()
        with pytest.raises((ConnectFailed, PoolTimeout)):
            await pool.query("SELECT 1", timeout=0.2)
        wire.resume()
        assert await pool.query("SELECT 1 AS n", timeout=5) == ONE
    assert pool.stats().idle == 2


async def test_psycopg_dead_client(flavour: Flavour, postgres: Postgres) -> None:
    """Who gave up waiting is passed over."""
    pool = flavour.pool(postgres.url(), max_size=1)
    async with pool.connection():
        dead = flavour.spawn(pool.query("SELECT 1", timeout=0.03))
        await flavour.until(lambda: pool.stats().waiting == 1)
        living = flavour.spawn(pool.query("SELECT 1 AS n", timeout=10))
        with pytest.raises(PoolTimeout):
            await dead
    assert await living == ONE
    assert (pool.stats().idle, pool.stats().waiting) == (1, 0)


@pytest.mark.parametrize("name", [name for name, kind in FLAVOURS.items() if kind.is_async])
def test_psycopg_working_created_before_loop(name: str, postgres: Postgres) -> None:
    """T3: a pool that is made before any loop, used by one ``asyncio.run`` after the other."""
    pool = AsyncPool(Flavour(name).url(postgres.url()), max_size=2)

    async def work() -> list[dict[str, object]]:
        await pool.warm(2)
        return await pool.query("SELECT 1 AS n")

    for _ in range(3):
        assert asyncio.run(work()) == ONE
    assert pool.stats().opened == 6
    asyncio.run(pool.close())
    assert pool.stats().total == 0


@ASYNC
async def test_psycopg_reconnect_after_max_lifetime(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=1, max_lifetime=0.05)
    pids = set()
    for _ in range(3):
        row = await pool.query_one("SELECT pg_backend_pid() AS pid, pg_sleep(0.06)")
        assert row is not None
        pids.add(row["pid"])
    assert len(pids) == 3
    assert pool.stats().retired == {"lifetime": 3}


async def test_psycopg_del_stops_threads(flavour: Flavour, postgres: Postgres) -> None:
    """There are none to stop."""
    before = threading.active_count()
    pool = flavour.pool(postgres.url(), max_size=3)
    await pool.warm(3)
    assert await pool.query("SELECT 1 AS n") == ONE
    assert threading.active_count() == before
    if flavour.is_async:
        assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize("u", [0.0, 0.5, 0.999999])
def test_psycopg_jitter(u: float) -> None:
    """A life is shortened by at most 5 %, and never lengthened."""
    assert 0.95 * 1800 <= jittered(1800, u) <= 1800
