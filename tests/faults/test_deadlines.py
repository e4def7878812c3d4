"""With 0.3 seconds left every wait ends within 0.5, whatever is dead, and leaves nothing behind."""

from __future__ import annotations

from typing import Any

import pytest
from tests.api.flavours import Flavour, done
from tests.support.full_backlog import FullBacklog
from tests.support.loops import LOOPS
from tests.support.losses import at_most, at_rest, nothing_lost, sockets_to
from tests.support.stale_proxy import StaleProxy

from thawpool import ConnectFailed, PoolTimeout
from thawpool.testing.clock import FakeClock
from thawpool.testing.postgres import Postgres

LEFT = 0.3
LIMIT = 0.5
#: An invocation with this much left spends 0.3 s of it and keeps a tenth to answer with.
REMAINING = 0.4


@pytest.mark.parametrize("timeout", [LEFT, None])
async def test_a_server_that_accepts_and_says_nothing(
    flavour: Flavour, postgres: Postgres, link: StaleProxy, timeout: float | None
) -> None:
    link.accept_silently()
    pool = flavour.pool(link.url(postgres.url()))
    await first_time(pool)
    with nothing_lost(link.port), at_most(LIMIT), pytest.raises(PoolTimeout) as caught:
        with pool.invocation(remaining=REMAINING if timeout is None else 60.0):
            await pool.query("SELECT 1", timeout=timeout)
    assert (caught.value.phase, caught.value.connect_failed) == ("connecting", True)
    assert isinstance(caught.value.__cause__, ConnectFailed)
    at_rest(pool)


@LOOPS
async def test_a_firewall_that_drops_packets(flavour: Flavour, packets_dropped: FullBacklog) -> None:
    pool = flavour.pool(packets_dropped.url())
    await first_time(pool)
    others = sockets_to(packets_dropped.port)
    with (
        nothing_lost(packets_dropped.port, sockets=others),
        at_most(LIMIT),
        pytest.raises(PoolTimeout) as caught,
    ):
        await pool.query("SELECT 1", timeout=LEFT)
    assert caught.value.phase == "connecting"
    at_rest(pool)


async def first_time(pool: Any) -> None:
    """Load the driver, so that its import is not counted."""
    with pytest.raises(PoolTimeout):
        await pool.query("SELECT 1", timeout=0.0)


async def test_a_server_whose_processes_are_stopped(flavour: Flavour, own_postgres: Postgres) -> None:
    pool = flavour.pool(own_postgres.url(), max_size=2)
    await pool.query("SELECT 1")
    own_postgres.pause()
    with nothing_lost(own_postgres.port), at_most(LIMIT), pytest.raises(PoolTimeout) as caught:
        await pool.query("SELECT 1", timeout=LEFT)
    assert caught.value.phase == "budget"  # a connection that was trusted: the statement hangs
    with nothing_lost(own_postgres.port), at_most(LIMIT), pytest.raises(PoolTimeout) as caught:
        await pool.query("SELECT 1", timeout=LEFT)
    assert caught.value.phase == "connecting"
    at_rest(pool)
    own_postgres.resume()
    assert await pool.query("SELECT 1 AS one") == [{"one": 1}]


async def test_a_network_that_dies_while_the_connection_is_set_up(
    flavour: Flavour, postgres: Postgres, link: StaleProxy
) -> None:
    async def forget_and_ask(conn: Any) -> None:
        link.forget()
        await flavour.run_on(conn, "SELECT 1")

    def configure(conn: Any) -> Any:
        link.forget()
        return conn.execute("SELECT 1")

    pool = flavour.pool(link.url(postgres.url()), configure=forget_and_ask if flavour.is_async else configure)
    with nothing_lost(link.port), at_most(LIMIT), pytest.raises(PoolTimeout) as caught:
        await pool.query("SELECT 1", timeout=LEFT)
    assert caught.value.phase == "connecting"
    at_rest(pool)


@LOOPS
async def test_a_pool_whose_connections_are_all_in_use(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=1)
    async with pool.connection():
        with nothing_lost(postgres.port, sockets=1), at_most(LIMIT), pytest.raises(PoolTimeout) as caught:
            await pool.query("SELECT 1", timeout=LEFT)
        assert caught.value.phase == "waiting"
        assert not caught.value.connect_failed
        assert pool.stats().waiting == 0
    at_rest(pool)


@LOOPS
async def test_a_probe_into_a_black_hole(flavour: Flavour, postgres: Postgres, link: StaleProxy) -> None:
    clock = FakeClock.running()
    pool = flavour.pool(link.url(postgres.url()), clock=clock)
    await pool.warm(3)
    clock.freeze(5.0)
    link.blackhole()
    with nothing_lost(link.port), at_most(LIMIT), pytest.raises(PoolTimeout) as caught:
        await pool.query("SELECT 1", timeout=LEFT)
    assert caught.value.phase == "checking"
    at_rest(pool)


@pytest.mark.parametrize("timeout", [LEFT, None])
async def test_a_statement_into_a_black_hole(
    flavour: Flavour, postgres: Postgres, link: StaleProxy, timeout: float | None
) -> None:
    pool = flavour.pool(link.url(postgres.url()))
    await pool.query("SELECT 1")
    link.blackhole()
    with nothing_lost(link.port), at_most(LIMIT), pytest.raises(PoolTimeout) as caught:
        with pool.invocation(remaining=REMAINING if timeout is None else None):
            await pool.query("SELECT 1", timeout=timeout)
    assert caught.value.phase == "budget"
    at_rest(pool)


@pytest.mark.parametrize("sql", ["SELECT pg_sleep(9)", "SELECT generate_series(1, 100000000)"])
async def test_a_statement_that_is_slow_or_never_stops_sending(
    flavour: Flavour, postgres: Postgres, sql: str
) -> None:
    pool = flavour.pool(postgres.url())
    await pool.query("SELECT 1")
    with nothing_lost(postgres.port), at_most(LIMIT), pytest.raises(PoolTimeout) as caught:
        await pool.query(sql, timeout=LEFT)
    assert caught.value.phase == "budget"
    at_rest(pool)


async def test_a_large_parameter_that_the_server_does_not_take(
    flavour: Flavour, postgres: Postgres, link: StaleProxy
) -> None:
    pool = flavour.pool(link.url(postgres.url()))
    await pool.query("SELECT 1")
    link.blackhole()
    with nothing_lost(link.port), at_most(LIMIT), pytest.raises(PoolTimeout) as caught:
        await pool.query("SELECT length(%s::text)", ("x" * 8_000_000,), timeout=LEFT)
    assert caught.value.phase == "budget"
    at_rest(pool)


async def test_a_statement_on_a_leased_connection_ends_with_its_invocation(
    flavour: Flavour, postgres: Postgres, link: StaleProxy
) -> None:
    pool = flavour.pool(link.url(postgres.url()))
    await pool.query("SELECT 1")
    with nothing_lost(link.port), at_most(LIMIT), pytest.raises(PoolTimeout) as caught:
        with pool.invocation(remaining=REMAINING):
            async with pool.connection() as conn:
                link.blackhole()
                await flavour.run_on(conn, "SELECT 1")
    assert caught.value.phase == "budget"
    at_rest(pool)


async def test_a_reset_into_a_black_hole(flavour: Flavour, postgres: Postgres, link: StaleProxy) -> None:
    pool = flavour.pool(link.url(postgres.url()))
    await pool.query("SELECT 1")
    with nothing_lost(link.port), at_most(LIMIT), pool.invocation(remaining=REMAINING):
        async with pool.connection() as conn:
            await flavour.run_on(conn, "SET application_name = 'dirty'")
            link.blackhole()
    assert pool.stats().total == 0
    at_rest(pool)


async def test_a_reset_after_a_query_with_a_timeout(
    flavour: Flavour, postgres: Postgres, link: StaleProxy
) -> None:
    async def forget_and_ask(conn: Any) -> None:
        link.forget()
        await flavour.run_on(conn, "SELECT 1")

    def reset(conn: Any) -> Any:
        link.forget()
        return conn.execute("SELECT 1")

    pool = flavour.pool(link.url(postgres.url()), reset=forget_and_ask if flavour.is_async else reset)
    with nothing_lost(link.port), at_most(LIMIT):
        assert await pool.query("SELECT 1 AS one", timeout=LEFT) == [{"one": 1}]
    assert pool.stats().total == 0
    at_rest(pool)


async def test_a_rollback_into_a_black_hole(flavour: Flavour, postgres: Postgres, link: StaleProxy) -> None:
    pool = flavour.pool(link.url(postgres.url()))
    await pool.query("SELECT 1")
    with nothing_lost(link.port), at_most(LIMIT), pytest.raises(ZeroDivisionError):
        with pool.invocation(remaining=REMAINING):
            async with pool.transaction() as tx:
                await tx.query("SELECT 1")
                link.blackhole()
                raise ZeroDivisionError
    at_rest(pool)


async def test_a_commit_into_a_black_hole(flavour: Flavour, postgres: Postgres, link: StaleProxy) -> None:
    pool = flavour.pool(link.url(postgres.url()))
    await pool.query("SELECT 1")
    with nothing_lost(link.port), at_most(LIMIT), pytest.raises(PoolTimeout) as caught:
        with pool.invocation(remaining=REMAINING):
            async with pool.transaction() as tx:
                await tx.query("SELECT 1")
                link.blackhole()
    assert caught.value.phase == "budget"
    at_rest(pool)


async def test_the_timeout_of_one_statement_does_not_bind_the_rest_of_its_transaction(
    flavour: Flavour, postgres: Postgres
) -> None:
    pool = flavour.pool(postgres.url())
    async with pool.transaction() as tx:
        await tx.query("SELECT 1", timeout=0.05)
        await flavour.run_on(tx.connection, "SELECT pg_sleep(0.2)")
    with pytest.raises(ZeroDivisionError):
        async with pool.transaction() as tx:
            await tx.query("SELECT 1", timeout=0.05)
            await tx.query("SELECT pg_sleep(0.2)")
            raise ZeroDivisionError
    assert pool.stats().total == 1


async def test_closing_a_pool_whose_connections_are_in_a_black_hole(
    flavour: Flavour, postgres: Postgres, link: StaleProxy
) -> None:
    pool = flavour.pool(link.url(postgres.url()))
    await pool.warm(5)
    link.blackhole()
    with nothing_lost(link.port), at_most(LIMIT):
        await pool.close()


async def test_closing_a_pool_cuts_off_whoever_does_not_come_back(
    flavour: Flavour, postgres: Postgres, link: StaleProxy
) -> None:
    pool = flavour.pool(link.url(postgres.url()))
    leased, cut = flavour.event(), flavour.event()

    async def hold() -> None:
        async with pool.connection() as conn:
            leased.set()
            await done(flavour.run_on(conn, "SELECT pg_sleep(30)"))

    holder = flavour.spawn(hold())
    await leased.wait()
    with at_most(LIMIT):
        await pool.close(timeout=LEFT)
    with at_most(LIMIT), pytest.raises(Exception, match=r"(?i)connection"):
        await holder
    cut.set()
    at_rest(pool)


async def test_warming_against_a_server_that_says_nothing(
    flavour: Flavour, postgres: Postgres, link: StaleProxy
) -> None:
    link.accept_silently()
    pool = flavour.pool(link.url(postgres.url()))
    await first_time(pool)
    with nothing_lost(link.port), at_most(LIMIT), pytest.raises(PoolTimeout) as caught:
        await pool.warm(5, timeout=LEFT)
    assert caught.value.phase == "connecting"
    at_rest(pool)


async def test_a_statement_may_take_its_time_to_be_sent(
    flavour: Flavour, postgres: Postgres, link: StaleProxy
) -> None:
    """It is longer than what the sockets hold, so that the client has to wait before it can send the rest."""
    pool = flavour.pool(link.url(postgres.url()), max_size=1)
    await pool.query("SELECT 1")
    link.slow(0.3)
    text = b"x" * 16_000_000
    assert await pool.query("SELECT octet_length(%s::bytea) AS n", (text,)) == [{"n": len(text)}]
    assert pool.stats().opened == 1
