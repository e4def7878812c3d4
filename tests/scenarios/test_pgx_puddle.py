"""Scenarios of pgxpool's and puddle's tests, over real servers."""

from __future__ import annotations

import pytest
from tests.api.flavours import Flavour
from tests.conftest import ProxyFactory
from tests.scenarios.sessions import end_sessions

from thawpool import ConnectFailed
from thawpool.testing.postgres import Postgres

ONE = [{"n": 1}]


async def test_pgx_constructor_ignores_context(flavour: Flavour, postgres: Postgres) -> None:
    """A connection that was opened under a short deadline is not bound by it for ever."""
    pool = flavour.pool(postgres.url(), max_size=1)
    await pool.warm(1)
    await pool.expire()
    with pool.invocation(remaining=0.5):
        assert await pool.query("SELECT 1 AS n") == ONE
        conn = await pool.getconn()
        await pool.putconn(conn)
    assert await pool.query("SELECT pg_sleep(0.5)::text AS n") == [{"n": ""}]
    assert pool.stats().opened == 2


async def test_pgx_query_row_scan_panic_releases_connection(flavour: Flavour, postgres: Postgres) -> None:
    """An exception in the borrower's code gives the connection back, and passes."""
    pool = flavour.pool(postgres.url(), max_size=1)

    async def stumble() -> None:
        async with pool.connection() as conn:
            await flavour.run_on(conn, "SELECT 1")
            raise ZeroDivisionError

    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            await stumble()
    assert (pool.stats().opened, pool.stats().idle) == (1, 1)


async def test_pgx_conn_destroyed_when_begin_fails_fatally(flavour: Flavour, postgres: Postgres) -> None:
    """BEGIN finds the connection dead: it had no effect, so the transaction begins on another."""
    name = f"begin-{flavour.name}"
    pool = flavour.pool(postgres.url(application_name=name), max_size=1)
    await pool.warm(1)
    assert end_sessions(postgres, name) == 1
    async with pool.transaction() as tx:
        assert await tx.query("SELECT 1 AS n") == ONE
    assert pool.stats().opened == 2


async def test_puddle_resource_failed_to_create_wakes_the_next(
    flavour: Flavour, postgres: Postgres, proxy: ProxyFactory
) -> None:
    """One dials and fails while others wait: each gets its answer, none is forgotten."""
    wire = proxy()
    wire.accept_silently()
    pool = flavour.pool(wire.url(postgres.url()), max_size=1, connect_timeout=0.2, timeout=10)

    async def ask() -> str:
        try:
            await pool.query("SELECT 1")
        except ConnectFailed:
            return "failed"
        return "served"

    jobs = [flavour.spawn(ask())]
    await flavour.until(lambda: pool.stats().opening == 1)
    jobs += [flavour.spawn(ask()) for _ in range(3)]
    assert await jobs[0] == "failed"
    wire.resume()
    assert "served" in [await job for job in jobs[1:]]
    assert (pool.stats().opening, pool.stats().waiting) == (0, 0)
