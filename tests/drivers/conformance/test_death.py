"""Connections that died while nobody looked, or under a statement: the first query after that works, and soon."""

from __future__ import annotations

import pytest
from tests.drivers.conformance.case import EVERY_SERVER, Case, over
from tests.drivers.conformance.outside import Server
from tests.support.losses import at_most, at_rest, nothing_lost
from tests.support.stale_proxy import StaleProxy

from thawpool import ConnectionLost, Unavailable
from thawpool.testing.clock import FakeClock

#: Longer than a connection is trusted, shorter than it may lie idle.
NAP = 5.0
ONE = [{"one": 1}]


@EVERY_SERVER
@pytest.mark.parametrize("death", ["cut", "reset", "forget"])
async def test_the_first_query_after_a_sleep(case: Case, link: StaleProxy, death: str) -> None:
    """``forget`` is a black hole for what was open: no hang-up shows, and one probe finds it out."""
    clock = FakeClock.running()
    pool = case.pool(link.url(case.server.url()), max_size=5, clock=clock)
    await pool.warm(5)
    link.clear()
    getattr(link, death)()
    clock.freeze(NAP)
    with nothing_lost(link.port, sockets=1), at_most(1.0 if death == "forget" else 0.3):
        assert await pool.query("SELECT 1 AS one") == ONE
    stats = pool.stats()
    assert link.accepted == 1
    assert stats.checks == (1 if death == "forget" else 0)
    assert (stats.total, stats.opened, stats.open_failed) == (1, 6, 0)


@over(loops=True)
@pytest.mark.parametrize("death", ["cut", "reset"])
async def test_a_hang_up_is_seen_even_while_the_connection_is_trusted(
    case: Case, link: StaleProxy, death: str
) -> None:
    pool = case.pool(link.url(case.server.url()), clock=FakeClock())
    await pool.warm(3)
    getattr(link, death)()
    assert await pool.query("SELECT 1 AS one") == ONE
    assert await pool.query_one("SELECT 1 AS one") == ONE[0]
    assert await pool.execute("SELECT 1") == 1
    assert pool.stats().checks == 0


@EVERY_SERVER
async def test_a_session_that_its_administrator_ended(case: Case) -> None:
    """What the server said while nobody listened is not taken for the answer to a query."""
    pool = case.pool(clock=FakeClock(), max_size=1)
    session = await case.session(pool)
    case.outside.end(session)
    while case.outside.alive(session):
        pass
    assert await pool.query("SELECT 1 AS one") == ONE
    assert pool.stats().checks == 0


@over(loops=True)
async def test_a_session_that_is_ended_under_its_statement(case: Case) -> None:
    pool = case.pool(max_size=1)
    session = await case.session(pool)
    sleep = case.dialect.sleep.format("10.5")
    job = case.spawn(pool.query(sleep))
    outside = case.outside
    await case.until(lambda: bool(outside.running(sleep)))
    with at_most(1.0):
        outside.end(session)
        with pytest.raises(ConnectionLost) as caught:
            await job
    assert caught.value.__cause__ is not None
    assert await pool.query("SELECT 1 AS one") == ONE
    at_rest(pool)


@over()
async def test_a_statement_that_may_be_repeated_is_once(case: Case) -> None:
    pool = case.pool(max_size=1)
    session = await case.session(pool)
    sleep = case.dialect.sleep.format("0.6")
    job = case.spawn(pool.query(sleep, idempotent=True))
    outside = case.outside
    await case.until(lambda: bool(outside.running(sleep)))
    outside.end(session)
    assert len(await job) == 1
    assert pool.stats().opened == 2


@over()
async def test_a_session_that_is_ended_under_its_borrower(case: Case) -> None:
    """Inside a lease the driver's own errors pass; the connection is not used again."""
    pool = case.pool(max_size=1)
    with pytest.raises(Exception) as caught:  # noqa: PT011  the driver's own
        async with pool.connection() as conn:
            session = int(await case.value(conn, case.dialect.session))
            case.outside.end(session)
            await case.run_on(conn, "SELECT 1")
            await case.run_on(conn, "SELECT 1")
    assert not isinstance(caught.value, Unavailable)
    assert await pool.query("SELECT 1 AS one") == ONE
    assert pool.stats().opened == 2
    at_rest(pool)


@over()
async def test_a_session_that_is_ended_in_a_transaction(case: Case) -> None:
    pool = case.pool(max_size=1)
    with pytest.raises(Exception):  # noqa: B017, PT011  the driver's own, or ours
        async with pool.transaction() as tx:
            row = await tx.query_one(f"{case.dialect.session} AS n")
            assert row is not None
            case.outside.end(row["n"])
            await tx.query("SELECT 1")
            await tx.query("SELECT 1")
    assert await pool.query("SELECT 1 AS one") == ONE
    at_rest(pool)


@over()
@pytest.mark.parametrize("how", ["restart", "crash"])
async def test_the_server_is_restarted(case: Case, own: Server, how: str) -> None:
    pool = case.pool(own.url(), max_size=3)
    await pool.warm(3)
    if how == "crash":
        own.kill()
        own.start()
    else:
        own.restart()
    assert await pool.query("SELECT 1 AS one") == ONE
    assert pool.stats().opened == 4


@over()
async def test_the_server_is_down_and_comes_back(case: Case, own: Server) -> None:
    pool = case.pool(own.url(), max_size=2)
    await pool.query("SELECT 1")
    own.stop()
    with at_most(1.0), pytest.raises(Unavailable, match="nothing listens there"):
        await pool.query("SELECT 1", timeout=0.5)
    own.start()
    assert await pool.query("SELECT 1 AS one") == ONE
    at_rest(pool)


@over()
async def test_a_wall_clock_that_jumped_makes_every_connection_suspect(case: Case, link: StaleProxy) -> None:
    clock = FakeClock.running()
    pool = case.pool(link.url(case.server.url()), clock=clock)
    await pool.warm(2)
    clock.jump_wall(-600.0)
    assert await pool.query("SELECT 1 AS one") == ONE
    assert (pool.stats().checks, pool.stats().opened) == (1, 2)


@EVERY_SERVER
async def test_the_probe_leaves_a_healthy_connection_clean(case: Case, link: StaleProxy) -> None:
    pool = case.pool(link.url(case.server.url()), max_size=1)
    await pool.query("SELECT 1 AS one")  # the first time a driver may prepare
    await pool.thaw()
    link.clear()
    assert await pool.query("SELECT 1 AS one") == ONE
    assert (pool.stats().checks, pool.stats().opened) == (1, 1)
    assert link.chunks_up == 2  # the probe and the statement; nothing at the return


@over()
async def test_the_server_ends_idle_sessions(case: Case) -> None:
    """One that lies in its pool is replaced without a probe, since the hang-up shows; one that is leased says why."""
    pool = case.pool(max_size=1, trust_window=0.5, server_idle_timeout=1, clock=FakeClock())
    other = case.pool(max_size=1, trust_window=0.5, server_idle_timeout=1)
    idle = await case.session(pool)
    outside = case.outside
    with pytest.raises(Exception) as caught:  # noqa: PT011  the driver's own
        async with other.connection() as conn:
            leased = int(await case.value(conn, case.dialect.session))
            with at_most(2.5):
                await case.until(lambda: not outside.alive(idle, leased))
            await case.run_on(conn, "SELECT 1")
    if case.system == "postgresql":  # MariaDB hangs up without a word
        assert "server_idle_timeout" in " ".join(getattr(caught.value, "__notes__", ()))
    for one in (pool, other):
        assert await one.query("SELECT 1 AS one") == ONE
    assert pool.stats().checks == 0
