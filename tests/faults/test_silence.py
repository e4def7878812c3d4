"""A statement without a deadline: a slow one may take its time, one whose server is gone ends by itself."""

from __future__ import annotations

import pytest
from tests.api.flavours import Flavour
from tests.support.losses import at_most, at_rest, nothing_lost
from tests.support.stale_proxy import StaleProxy

from thawpool import ConnectionLost
from thawpool.testing.clock import FakeClock
from thawpool.testing.postgres import Postgres

#: Seconds without a byte before the server is asked; it then has one more.
SILENCE = 0.2
ENDED = SILENCE + 1.3


async def test_a_query_into_a_black_hole_ends(flavour: Flavour, postgres: Postgres, link: StaleProxy) -> None:
    pool = flavour.pool(link.url(postgres.url()), tcp_timeout=SILENCE, clock=FakeClock())
    await pool.warm(1)
    link.blackhole()
    with nothing_lost(link.port), at_most(ENDED), pytest.raises(ConnectionLost):
        await pool.query("SELECT 1 AS one")
    at_rest(pool)


async def test_a_commit_into_a_black_hole_ends(
    flavour: Flavour, postgres: Postgres, link: StaleProxy
) -> None:
    pool = flavour.pool(link.url(postgres.url()), tcp_timeout=SILENCE, clock=FakeClock())
    with at_most(ENDED), pytest.raises(ConnectionLost):
        async with pool.transaction() as tx:
            await tx.query("SELECT 1 AS one")
            link.blackhole()
    at_rest(pool)


async def test_a_query_of_a_stopped_server_ends(flavour: Flavour, own_postgres: Postgres) -> None:
    pool = flavour.pool(own_postgres.url(), tcp_timeout=SILENCE, clock=FakeClock())
    await pool.warm(1)
    own_postgres.pause()
    try:
        with at_most(ENDED), pytest.raises(ConnectionLost):
            await pool.query("SELECT 1 AS one")
    finally:
        own_postgres.resume()


async def test_a_slow_query_goes_on(flavour: Flavour, postgres: Postgres, link: StaleProxy) -> None:
    pool = flavour.pool(link.url(postgres.url()), tcp_timeout=SILENCE)
    link.clear()
    assert await pool.query("SELECT 1 AS one FROM pg_sleep(0.9)") == [{"one": 1}]
    async with pool.transaction() as tx:
        assert await tx.query("SELECT 1 AS one FROM pg_sleep(0.5)") == [{"one": 1}]
    assert pool.stats().opened == 1
    assert link.accepted >= 3, "the server was asked meanwhile"
