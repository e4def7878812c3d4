"""The server stops, dies, comes back: errors for what was under way, answers for what could wait."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.api.flavours import Flavour
from tests.support.losses import at_most, at_rest, nothing_lost
from tests.support.stale_proxy import StaleProxy

from thawpool import ConnectFailed, ConnectionLost, Overloaded, PoolTimeout
from thawpool.testing.postgres import Postgres, find_postgres

#: How soon after its return the server shall be used again, and what a busy machine may add, in seconds.
BACK_WITHIN = 0.3
SLACK = 0.7
WORKERS = 10


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_a_restart_under_load(flavour: Flavour, own_postgres: Postgres, how: str) -> None:
    pool = flavour.pool(own_postgres.url(), max_size=5, timeout=10.0)
    failures: list[Exception] = []
    answered: list[float] = []
    over: list[bool] = []

    async def work() -> None:
        while not over:
            try:
                await pool.query("SELECT 1 AS one")
            except ConnectionLost as error:
                failures.append(error)
            answered.append(time.monotonic())

    workers = [flavour.spawn(work()) for _ in range(WORKERS)]
    await flavour.until(lambda: len(answered) > 100)
    await in_thread(flavour, lambda: (getattr(own_postgres, how)(), own_postgres.start()))
    back = time.monotonic()
    await flavour.until(lambda: answered[-1] > back)
    first = min(at for at in answered if at > back) - back
    over.append(True)
    for worker in workers:
        await worker  # anything but ConnectionLost fails here
    print(f"{flavour.name}, {how}: the first answer {first * 1000:.0f} ms after the server's return")
    assert first <= BACK_WITHIN + SLACK, f"back after {first:.3f} s"
    assert len(failures) <= 5  # as many as statements can have been under way
    at_rest(pool)


async def in_thread(flavour: Flavour, work: Any) -> None:
    if not flavour.is_async:
        work()
        return
    import asyncio

    await asyncio.get_running_loop().run_in_executor(None, work)


async def test_requests_that_wait_are_answered_when_the_server_returns(
    flavour: Flavour, postgres: Postgres, link: StaleProxy
) -> None:
    pool = flavour.pool(link.url(postgres.url()), max_size=3, timeout=10.0)
    await pool.query("SELECT 1")
    link.refuse()
    link.cut()
    waiting = [flavour.spawn(pool.query("SELECT %s::int AS n", (n,))) for n in range(20)]
    await flavour.until(lambda: pool.stats().open_failed >= 5)
    assert pool.stats().opening <= 1  # one dial at a time
    back = time.monotonic()
    link.resume()
    assert await waiting[0] == [{"n": 0}]
    assert time.monotonic() - back <= BACK_WITHIN + SLACK
    for n, request in enumerate(waiting[1:], 1):
        assert await request == [{"n": n}]
    at_rest(pool)


async def test_an_outage_is_met_with_one_dial_at_a_time_and_growing_pauses(
    flavour: Flavour, postgres: Postgres, link: StaleProxy
) -> None:
    pool = flavour.pool(link.url(postgres.url()), max_size=5)
    await pool.query("SELECT 1")
    link.refuse()
    link.cut()
    requests = [flavour.spawn(refused(pool)) for _ in range(10)]
    for request in requests:
        await request
    # 20, 40, 80, 160 ms, then 250 at most: less their jitter some 5 to 10 dials in 0.6 s, whoever asks.
    assert 3 <= pool.stats().open_failed <= 14
    at_rest(pool)


async def refused(pool: Any) -> None:
    with at_most(0.9), pytest.raises((PoolTimeout, ConnectFailed)):
        await pool.query("SELECT 1", timeout=0.6)


async def test_a_pool_that_never_connected_fails_at_once(
    flavour: Flavour, postgres: Postgres, link: StaleProxy
) -> None:
    link.refuse()
    pool = flavour.pool(link.url(postgres.url()))
    with nothing_lost(link.port), pytest.raises(ConnectFailed, match="refused") as caught:
        await pool.query("SELECT 1")
    assert caught.value.transient
    assert pool.stats().open_failed == 1


async def test_a_wrong_password_fails_at_once_even_after_success(
    flavour: Flavour, postgres_tls: Postgres
) -> None:
    right = urlsplit(postgres_tls.url()).password
    passwords = iter([right, "wrong"])  # a third dial would end the test
    pool = flavour.pool(postgres_tls.url(sslmode="disable"), password=lambda: next(passwords))
    await pool.query("SELECT 1")
    await pool.expire()
    with at_most(0.5), pytest.raises(ConnectFailed, match="check the user and the password") as caught:
        await pool.query("SELECT 1")
    assert not caught.value.transient
    assert "wrong" not in str(caught.value)
    at_rest(pool)


async def test_a_full_server(flavour: Flavour) -> None:
    settings = {"max_connections": "3", "superuser_reserved_connections": "0", "max_wal_senders": "0"}
    with Postgres(find_postgres("embedded"), settings=settings) as server:
        pool = flavour.pool(server.url(), max_size=5, timeout=5.0)
        other = flavour.pool(server.url(), max_size=3)
        async with pool.connection():
            async with other.connection(), other.connection():
                # Our own lease will come back: that is worth a wait.
                request = flavour.spawn(pool.query("SELECT 1 AS one"))
                await flavour.until(lambda: pool.stats().open_failed == 1 and pool.stats().waiting == 1)
                third = flavour.pool(server.url())
                with at_most(0.5), pytest.raises(Overloaded, match="no connection slot left") as caught:
                    await third.query("SELECT 1")
                assert caught.value.retry_after > 0
        assert await request == [{"one": 1}]
        at_rest(pool)
        for each in (pool, other, third):
            await each.close()


async def test_a_failover_replaces_every_connection(
    flavour: Flavour, postgres: Postgres, link: StaleProxy
) -> None:
    """A session ended by an administrator (57P01) says that the others are no better."""
    pool = flavour.pool(link.url(postgres.url()), max_size=3)
    await pool.warm(3)
    with pytest.raises(ConnectionLost):
        await pool.query("SELECT pg_terminate_backend(pg_backend_pid())")
    assert pool.stats().total == 0
    link.clear()
    assert await pool.query("SELECT 1 AS one") == [{"one": 1}]
    assert link.accepted == 1


@pytest.mark.parametrize("idempotent", [False, True])
async def test_a_statement_whose_connection_is_lost_is_repeated_only_if_that_is_harmless(
    flavour: Flavour, postgres: Postgres, link: StaleProxy, idempotent: bool
) -> None:
    pool = flavour.pool(link.url(postgres.url()), max_size=1)
    watch = flavour.pool(postgres.url())
    text = f"SELECT 1 AS one FROM pg_sleep(0.3) /* {flavour.name} {idempotent} */"
    statement = flavour.spawn(pool.query(text, idempotent=idempotent))
    deadline = time.monotonic() + 5.0
    while not await watch.query(
        "SELECT FROM pg_stat_activity WHERE state = 'active' AND query = %s", (text,)
    ):
        assert time.monotonic() < deadline
    link.cut()
    if idempotent:
        assert await statement == [{"one": 1}]
    else:
        with pytest.raises(ConnectionLost, match="idempotent=True"):
            await statement
    assert pool.stats().opened == 1 + idempotent
    at_rest(pool)
