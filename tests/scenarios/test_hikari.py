"""Scenarios of HikariCP's tests, over real servers."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.api.flavours import Flavour, done
from tests.conftest import ProxyFactory
from tests.scenarios.sessions import Count, end_sessions, sessions

from thawpool import ConnectFailed, PoolClosed, PoolTimeout
from thawpool.testing.postgres import Postgres

ONE = [{"n": 1}]


async def test_hikari_connection_retries(flavour: Flavour, postgres: Postgres, proxy: ProxyFactory) -> None:
    """A server that refuses: the request is given up when no other attempt would come before its timeout."""
    wire, count = proxy(), Count()
    pool = flavour.pool(wire.url(postgres.url()), observer=count)
    await pool.warm(1)
    wire.refuse()
    wire.cut()
    since = time.monotonic()
    with pytest.raises((ConnectFailed, PoolTimeout)) as caught:
        await pool.query("SELECT 1", timeout=0.5)
    assert 0.25 <= time.monotonic() - since < 1
    assert "onnection refused" in str(caught.value)
    assert 3 <= count.seen["open_failed"] <= 12, "again and again, and not too often"
    wire.resume()
    assert await pool.query("SELECT 1 AS n") == ONE


async def test_hikari_connection_retries2(flavour: Flavour, postgres: Postgres, proxy: ProxyFactory) -> None:
    """A server that refuses and comes back: the same request is served long before its timeout."""
    wire, count = proxy(), Count()
    pool = flavour.pool(wire.url(postgres.url()), observer=count)
    await pool.warm(1)
    wire.refuse()
    wire.cut()
    job = flavour.spawn(pool.query("SELECT 1 AS n", timeout=10))
    await flavour.until(lambda: count.seen["open_failed"] >= 2)
    since = time.monotonic()
    wire.resume()
    assert await job == ONE
    assert time.monotonic() - since < 1


async def test_hikari_connection_retries3(flavour: Flavour, postgres: Postgres) -> None:
    """A full pool: who waits gets the connection that comes back."""
    pool = flavour.pool(postgres.url(), max_size=2)
    async with pool.connection():
        async with pool.connection():
            job = flavour.spawn(pool.query("SELECT 1 AS n"))
            await flavour.until(lambda: pool.stats().waiting == 1)
            assert not job.done()
        assert await job == ONE
    assert pool.stats().opened == 2


async def test_hikari_connection_retries5(flavour: Flavour, postgres: Postgres, proxy: ProxyFactory) -> None:
    """No new connection can be had, but one comes back: it serves who waits."""
    wire, count = proxy(), Count()
    pool = flavour.pool(wire.url(postgres.url()), max_size=2, observer=count)
    async with pool.connection():
        wire.refuse()
        job = flavour.spawn(pool.query("SELECT 1 AS n", timeout=10))
        await flavour.until(lambda: count.seen["open_failed"] >= 1)
    assert await job == ONE
    assert pool.stats().opened == 1


@pytest.mark.parametrize("size", [1, 4])
async def test_hikari_maximum_pool_limit(flavour: Flavour, postgres: Postgres, size: int) -> None:
    """20 borrowers at once: never more physical connections than allowed, and none is lent twice at a time."""
    name = f"limit-{flavour.name}-{size}"
    pool = flavour.pool(postgres.url(application_name=name), max_size=size)
    lent: set[int] = set()

    async def borrow() -> None:
        for _ in range(5):
            async with pool.connection() as conn:
                pid = await flavour.value(conn, "SELECT pg_backend_pid()")
                assert pid not in lent
                lent.add(pid)
                await flavour.value(conn, "SELECT pg_sleep(0.001)::text")
                lent.discard(pid)

    for job in [flavour.spawn(borrow()) for _ in range(20)]:
        await job
    assert sessions(postgres, name) == pool.stats().opened == size


async def test_hikari_backfill(flavour: Flavour, postgres: Postgres) -> None:
    """A connection that broke is ejected at its return; the next request has a new one."""
    name = f"backfill-{flavour.name}"
    pool = flavour.pool(postgres.url(application_name=name), max_size=1)
    async with pool.connection() as conn:
        end_sessions(postgres, name)
        with pytest.raises(Exception):  # noqa: B017, PT011  the driver's own
            await flavour.run_on(conn, "SELECT 1")
    assert (pool.stats().total, sum(pool.stats().retired.values())) == (0, 1)
    assert await pool.query("SELECT 1 AS n") == ONE


async def test_hikari_eviction_on_a_fatal_error(flavour: Flavour, own_postgres: Postgres) -> None:
    """What the server says as it shuts down condemns the idle ones, too."""
    pool = flavour.pool(own_postgres.url(), max_size=3)
    await pool.warm(3)
    async with pool.connection() as conn:
        own_postgres.restart("fast")
        with pytest.raises(Exception):  # noqa: B017, PT011  the driver's own
            await flavour.run_on(conn, "SELECT 1")
    assert pool.stats().idle == 0, "whoever is left is no longer trusted"
    assert await pool.query("SELECT 1 AS n") == ONE


async def test_hikari_double_close(flavour: Flavour, postgres: Postgres) -> None:
    """A borrower may close the driver's connection, twice even: it costs a connection and no seat."""
    pool = flavour.pool(postgres.url(), max_size=1)
    async with pool.connection() as conn:
        await done(conn.close())
        await done(conn.close())
    assert pool.stats().total == 0
    assert await pool.query("SELECT 1 AS n") == ONE


async def test_hikari_initialization_failure(
    flavour: Flavour, postgres: Postgres, proxy: ProxyFactory
) -> None:
    """Fail fast by ``warm``, or start without a database and find it later: no flag is needed for either."""
    wire = proxy()
    wire.refuse()
    pool = flavour.pool(wire.url(postgres.url()))
    with pytest.raises(ConnectFailed):
        await pool.warm(2)
    assert pool.stats().total == 0
    wire.resume()
    assert await pool.query("SELECT 1 AS n") == ONE


async def test_hikari_slow_connection_time_bursty_work(
    flavour: Flavour, postgres: Postgres, proxy: ProxyFactory
) -> None:
    """Connecting takes long, a burst comes: a few connections serve all of it."""
    wire = proxy()
    wire.slow(0.02)
    pool = flavour.pool(wire.url(postgres.url()), max_size=3)
    jobs = [flavour.spawn(pool.query("SELECT 1 AS n")) for _ in range(12)]
    assert [await job for job in jobs] == [ONE] * 12
    assert pool.stats().opened <= 3


async def test_hikari_pool_size_about_same_size_as_thread_count(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=40)

    async def borrow() -> None:
        for _ in range(5):
            await pool.query("SELECT 1")

    for job in [flavour.spawn(borrow()) for _ in range(8)]:
        await job
    assert pool.stats().opened <= 8


async def test_hikari_race_condition(flavour: Flavour, postgres: Postgres) -> None:
    """Lease and replace everything at the same time, many times."""
    pool = flavour.pool(postgres.url(), max_size=2)

    async def borrow() -> None:
        for _ in range(20):
            assert await pool.query("SELECT 1 AS n") == ONE

    async def replace() -> None:
        for _ in range(20):
            await pool.expire()
            await pool.query("SELECT 1 AS n")

    for job in [flavour.spawn(borrow()), flavour.spawn(replace()), flavour.spawn(borrow())]:
        await job
    assert (pool.stats().used, pool.stats().opening) == (0, 0)


async def test_hikari_saturated_pool(flavour: Flavour, postgres: Postgres) -> None:
    """Too much for a while: when that is over, nobody fails any more."""
    pool = flavour.pool(postgres.url(), max_size=2)

    async def ask() -> bool:
        try:
            await pool.query("SELECT 1", timeout=0.02)
        except PoolTimeout:
            return False
        return True

    async with pool.connection(), pool.connection():
        jobs = [flavour.spawn(ask()) for _ in range(10)]
        assert [await job for job in jobs] == [False] * 10
    assert pool.stats().timeouts == 10
    for _ in range(10):
        assert await pool.query("SELECT 1 AS n", timeout=1) == ONE
    assert pool.stats().timeouts == 10


async def test_hikari_credential_rotation(flavour: Flavour, postgres_tls: Postgres) -> None:
    """The password changes: what is open stays, what is opened uses the new one."""
    import psycopg

    user, secret = f"rotating_{flavour.name}", ["first"]
    with psycopg.connect(postgres_tls.url(), autocommit=True) as admin:
        admin.execute(f"DROP ROLE IF EXISTS {user}")
        admin.execute(f"CREATE ROLE {user} LOGIN PASSWORD 'first'")
        pool = flavour.pool(postgres_tls.url(user=user), password=lambda: secret[0], max_size=2)
        async with pool.connection() as conn:
            admin.execute(f"ALTER ROLE {user} PASSWORD 'second'")
            with pytest.raises(ConnectFailed):
                await pool.query("SELECT 1 AS n")
            secret[0] = "second"
            assert await pool.query("SELECT 1 AS n") == ONE
            assert await flavour.value(conn, "SELECT 1") == 1


async def test_hikari_threaded_shutdown(flavour: Flavour, postgres: Postgres) -> None:
    """Closed under load: everybody is served or told, and nothing stays open."""
    name = f"shutdown-{flavour.name}"
    pool = flavour.pool(postgres.url(application_name=name), max_size=3)

    async def borrow() -> int:
        for served in range(10_000):
            try:
                await pool.query("SELECT 1")
            except PoolClosed:
                return served
        raise AssertionError("the pool was never closed")

    jobs = [flavour.spawn(borrow()) for _ in range(8)]
    await flavour.until(lambda: pool.stats().opened == 3)
    await pool.close()
    for job in jobs:
        await job
    assert pool.stats().total == 0
    await flavour.until(lambda: sessions(postgres, name) == 0)


async def test_hikari_connection_close_blocking(
    flavour: Flavour, postgres: Postgres, proxy: ProxyFactory
) -> None:
    """A goodbye that nobody hears holds up neither its sender nor the next request."""
    wire = proxy()
    pool = flavour.pool(wire.url(postgres.url()), max_size=2)
    await pool.warm(2)
    wire.blackhole()
    since = time.monotonic()
    assert await pool.expire() == 2
    assert time.monotonic() - since < 0.2
    job: Any = flavour.spawn(pool.query("SELECT 1 AS n"))
    await flavour.until(lambda: pool.stats().opening == 1)
    wire.resume()
    assert await job == ONE
