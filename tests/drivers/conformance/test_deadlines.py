"""With 0.3 seconds left every wait ends within 0.5, whatever is dead, and leaves nothing behind."""

from __future__ import annotations

from typing import Any

import pytest
from tests.drivers.conformance.case import Case, over
from tests.drivers.conformance.outside import Server
from tests.support.full_backlog import FullBacklog
from tests.support.losses import at_most, at_rest, nothing_lost, sockets_to
from tests.support.stale_proxy import StaleProxy

from thawpool import ConnectionLost, PoolTimeout
from thawpool.testing.clock import FakeClock

LEFT = 0.3
LIMIT = 0.5
#: An invocation with this much left spends 0.3 s of it and keeps a tenth to answer with.
REMAINING = 0.4
ONE = [{"one": 1}]
#: Seconds without a byte before the server is asked whether it is there; it then has one more.
SILENCE = 0.2


async def first_time(pool: Any) -> None:
    """Load the driver, so that its import is not counted."""
    with pytest.raises(PoolTimeout):
        await pool.query("SELECT 1", timeout=0.0)


async def runs_out(
    pool: Any, port: int, phase: str, sql: str = "SELECT 1", params: Any = None, *, sockets: int = 0
) -> None:
    """Assert that a query ends by its deadline, in this phase, and leaves no more than so many sockets."""
    with nothing_lost(port, sockets=sockets), at_most(LIMIT), pytest.raises(PoolTimeout) as caught:
        await pool.query(sql, params, timeout=LEFT)
    assert caught.value.phase == phase
    at_rest(pool)


def lingering(case: Case) -> int:
    """How many sockets a dial that was given up may leave for a while."""
    return int("dial" in case.declared.differs)


@over(loops=True)
async def test_a_server_that_accepts_and_says_nothing(case: Case, link: StaleProxy) -> None:
    link.accept_silently()
    pool = case.pool(link.url(case.server.url()))
    await first_time(pool)
    await runs_out(pool, link.port, "connecting", sockets=lingering(case))
    link.resume()
    assert await pool.query("SELECT 1 AS one") == ONE


@over()
async def test_tls_is_begun_and_never_answered(case: Case, link: StaleProxy) -> None:
    link.accept_silently()
    pool = case.pool(link.url(case.server.url(sslmode="require")))
    await first_time(pool)
    await runs_out(pool, link.port, "connecting", sockets=lingering(case))
    await case.until(lambda: not sockets_to(link.port))


@over(loops=True)
async def test_a_firewall_that_drops_packets(case: Case, packets_dropped: FullBacklog) -> None:
    pool = case.pool(packets_dropped.url())
    await first_time(pool)
    sockets = sockets_to(packets_dropped.port) + lingering(case)
    await runs_out(pool, packets_dropped.port, "connecting", sockets=sockets)


@over()
async def test_a_server_whose_processes_are_stopped(case: Case, own: Server) -> None:
    pool = case.pool(own.url(), max_size=2)
    assert await pool.query("SELECT 1 AS one") == ONE
    own.pause()
    await runs_out(pool, own.port, "budget")  # a connection that was trusted: the statement hangs
    await runs_out(pool, own.port, "connecting", sockets=lingering(case))
    own.resume()
    assert await pool.query("SELECT 1 AS one") == ONE


@over(loops=True)
async def test_a_slow_statement(case: Case) -> None:
    pool = case.pool()
    await pool.query("SELECT 1")
    await runs_out(pool, case.server.port, "budget", case.dialect.sleep.format(9))


@over()
async def test_a_statement_that_never_stops_sending(case: Case) -> None:
    pool = case.pool()
    await pool.query("SELECT 1")
    await runs_out(pool, case.server.port, "budget", case.dialect.endless)


@over(loops=True)
async def test_a_statement_into_a_black_hole(case: Case, link: StaleProxy) -> None:
    pool = case.pool(link.url(case.server.url()))
    await pool.query("SELECT 1")
    link.blackhole()
    await runs_out(pool, link.port, "budget")


@over()
async def test_a_large_parameter_that_the_server_does_not_take(case: Case, link: StaleProxy) -> None:
    pool = case.pool(link.url(case.server.url()))
    await pool.query("SELECT 1")
    link.blackhole()
    await runs_out(pool, link.port, "budget", case.dialect.length, ("x" * 8_000_000,))


@over()
async def test_a_large_parameter_may_take_its_time(case: Case, link: StaleProxy) -> None:
    """It is longer than what the sockets hold, so that the client has to wait before it can send the rest."""
    pool = case.pool(link.url(case.server.url()), max_size=1)
    await pool.query("SELECT 1")
    link.slow(0.05)
    assert await pool.query(case.dialect.length, ("x" * 12_000_000,)) == [{"n": 12_000_000}]
    assert pool.stats().opened == 1


@over()
async def test_a_statement_on_a_leased_connection(case: Case, link: StaleProxy) -> None:
    """With the end of its invocation."""
    pool = case.pool(link.url(case.server.url()))
    await pool.query("SELECT 1")
    with nothing_lost(link.port), at_most(LIMIT), pytest.raises(PoolTimeout) as caught:
        with pool.invocation(remaining=REMAINING):
            async with pool.connection() as conn:
                link.blackhole()
                await case.run_on(conn, "SELECT 1")
    assert caught.value.phase == "budget"
    at_rest(pool)


@over()
async def test_a_reset(case: Case, link: StaleProxy) -> None:
    pool = case.pool(link.url(case.server.url()))
    await pool.query("SELECT 1")
    with nothing_lost(link.port), at_most(LIMIT), pool.invocation(remaining=REMAINING):
        async with pool.connection() as conn:
            await case.run_on(conn, case.dialect.leave)
            link.blackhole()
    assert pool.stats().total == 0
    at_rest(pool)


@over()
async def test_a_rollback_and_a_commit(case: Case, link: StaleProxy) -> None:
    pool = case.pool(link.url(case.server.url()))
    await pool.query("SELECT 1")
    with nothing_lost(link.port), at_most(LIMIT), pytest.raises(ZeroDivisionError):
        with pool.invocation(remaining=REMAINING):
            async with pool.transaction() as tx:
                await tx.query("SELECT 1")
                link.blackhole()
                raise ZeroDivisionError
    at_rest(pool)
    link.resume()
    await pool.query("SELECT 1")
    with nothing_lost(link.port), at_most(LIMIT), pytest.raises(PoolTimeout) as caught:
        with pool.invocation(remaining=REMAINING):
            async with pool.transaction() as tx:
                await tx.query("SELECT 1")
                link.blackhole()
    assert caught.value.phase == "budget"
    at_rest(pool)


@over()
async def test_the_deadline_of_one_statement_does_not_bind_the_next(case: Case) -> None:
    pool = case.pool(max_size=1)
    async with pool.transaction() as tx:
        await tx.query("SELECT 1", timeout=0.05)
        await case.run_on(tx.connection, case.dialect.sleep.format(0.2))
        await tx.query(case.dialect.sleep.format(0.1))
    assert pool.stats().opened == 1


@over()
async def test_closing(case: Case, link: StaleProxy) -> None:
    pool = case.pool(link.url(case.server.url()))
    await pool.warm(5)
    link.blackhole()
    with nothing_lost(link.port), at_most(LIMIT):
        await pool.close()


@over()
async def test_closing_cuts_off_whoever_does_not_come_back(case: Case, link: StaleProxy) -> None:
    pool = case.pool(link.url(case.server.url()))
    leased = case.event()

    async def hold() -> None:
        async with pool.connection() as conn:
            leased.set()
            await case.run_on(conn, case.dialect.sleep.format(30))

    holder = case.spawn(hold())
    await leased.wait()
    with at_most(LIMIT):
        await pool.close(timeout=LEFT)
    with at_most(LIMIT), pytest.raises(Exception, match=r"(?i)connection|server|closed"):
        await holder
    at_rest(pool)


@over()
async def test_a_statement_without_a_deadline_ends_if_its_server_is_gone(
    case: Case, link: StaleProxy
) -> None:
    pool = case.pool(link.url(case.server.url()), tcp_timeout=SILENCE, clock=FakeClock())
    await pool.warm(1)
    link.blackhole()
    with nothing_lost(link.port), at_most(SILENCE + 1.3), pytest.raises(ConnectionLost):
        await pool.query("SELECT 1 AS one")
    at_rest(pool)


@over()
async def test_a_slow_one_may_take_its_time(case: Case, link: StaleProxy) -> None:
    pool = case.pool(link.url(case.server.url()), tcp_timeout=SILENCE)
    await pool.warm(1)
    link.clear()
    await pool.query(case.dialect.sleep.format(0.5))
    assert pool.stats().opened == 1
    assert link.accepted >= 1, "the server was asked meanwhile"
