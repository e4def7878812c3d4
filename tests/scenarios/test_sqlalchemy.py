"""Scenarios of SQLAlchemy's pool tests, over every flavour."""

from __future__ import annotations

import pytest
from tests.api.flavours import Flavour
from tests.conftest import ProxyFactory

from thawpool import ConnectFailed
from thawpool.testing.postgres import Postgres

ONE = [{"n": 1}]


async def test_sqlalchemy_hanging_connect(flavour: Flavour, postgres: Postgres, proxy: ProxyFactory) -> None:
    """One request's dial hangs: the others go on with what is open."""
    wire = proxy()
    pool = flavour.pool(wire.url(postgres.url()), max_size=2, timeout=10, connect_timeout=10)
    async with pool.connection():
        wire.accept_silently()
        hanging = flavour.spawn(pool.query("SELECT 1 AS n"))
        await flavour.until(lambda: pool.stats().opening == 1)
    for _ in range(5):
        assert await pool.query("SELECT 1 AS n", timeout=2) == ONE
    assert not hanging.done()
    wire.resume()
    assert await hanging == ONE


async def test_sqlalchemy_overflow_reset_on_failed_connect(
    flavour: Flavour, postgres: Postgres, proxy: ProxyFactory
) -> None:
    """Dials that fail use up no seats."""
    wire = proxy()
    wire.refuse()
    pool = flavour.pool(wire.url(postgres.url()), max_size=2)
    for _ in range(6):
        with pytest.raises(ConnectFailed):
            await pool.query("SELECT 1")
    assert (pool.stats().total, pool.stats().open_failed) == (0, 6)
    wire.resume()
    async with pool.connection(), pool.connection():
        assert pool.stats().used == 2


async def test_sqlalchemy_recycle_pool_no_race(flavour: Flavour, postgres: Postgres) -> None:
    """Everybody finds that the connections are too old at the same time: each is replaced once."""
    pool = flavour.pool(postgres.url(), max_size=3)
    await pool.warm(3)
    await pool.thaw(3600)
    jobs = [flavour.spawn(pool.query("SELECT pg_sleep(0.02)::text AS n")) for _ in range(9)]
    for job in jobs:
        await job
    assert (pool.stats().retired, pool.stats().opened) == ({"idle": 3}, 6)
