"""The first query after a sleep: answered, whatever became of the connections, and soon."""

from __future__ import annotations

import pytest
from tests.api.flavours import Flavour
from tests.support.losses import at_most, at_rest, nothing_lost
from tests.support.stale_proxy import StaleProxy

from thawpool.testing.clock import FakeClock
from thawpool.testing.postgres import Postgres

#: Longer than a connection is trusted, shorter than it may lie idle.
NAP = 5.0
ONE = [{"one": 1}]


@pytest.mark.parametrize(
    "dead, death",
    [
        (1, "cut"),
        (4, "cut"),
        (5, "cut"),
        (10, "cut"),
        (5, "reset"),
        (1, "forget"),
        (5, "forget"),
        (10, "forget"),
    ],
)
async def test_dead_connections_cost_one_dial_and_at_most_one_probe(
    flavour: Flavour, postgres: Postgres, link: StaleProxy, dead: int, death: str
) -> None:
    clock = FakeClock.running()
    pool = flavour.pool(link.url(postgres.url()), max_size=10, clock=clock)
    await pool.warm(dead)
    link.clear()
    getattr(link, death)()
    clock.freeze(NAP)

    with nothing_lost(link.port, sockets=1), at_most(1.0 if death == "forget" else 0.3):
        assert await pool.query("SELECT 1 AS one") == ONE

    stats = pool.stats()
    assert link.accepted == 1
    assert stats.checks == (1 if death == "forget" else 0)  # a hang-up shows without a round trip
    assert (stats.total, stats.opened, stats.open_failed) == (1, dead + 1, 0)


@pytest.mark.parametrize("death", ["cut", "reset"])
async def test_a_query_sees_a_hang_up_even_while_it_trusts_the_connection(
    flavour: Flavour, postgres: Postgres, link: StaleProxy, death: str
) -> None:
    pool = flavour.pool(link.url(postgres.url()), clock=FakeClock())
    await pool.warm(3)
    getattr(link, death)()
    assert await pool.query("SELECT 1 AS one") == ONE
    assert await pool.query_one("SELECT 1 AS one") == ONE[0]
    assert await pool.execute("SELECT 1") == 1
    assert pool.stats().checks == 0


async def test_what_the_server_said_while_nobody_listened_is_not_the_answer_to_a_query(
    flavour: Flavour, postgres: Postgres
) -> None:
    """A session ended by its administrator leaves a message to read: that connection is not used."""
    pool = flavour.pool(postgres.url(), clock=FakeClock())
    async with pool.connection() as conn:
        pid = await flavour.value(conn, "SELECT pg_backend_pid()")
    other = flavour.pool(postgres.url())
    assert await other.query("SELECT pg_terminate_backend(%s, 5000) AS ended", (pid,)) == [{"ended": True}]
    assert await pool.query("SELECT 1 AS one") == ONE


@pytest.mark.parametrize("seconds", [600.0, -600.0])
@pytest.mark.parametrize("death", ["", "cut", "forget"])
async def test_a_wall_clock_that_jumped_makes_every_connection_suspect(
    flavour: Flavour, postgres: Postgres, link: StaleProxy, seconds: float, death: str
) -> None:
    clock = FakeClock.running()
    pool = flavour.pool(link.url(postgres.url()), clock=clock)
    await pool.warm(5)
    link.clear()
    clock.jump_wall(seconds)
    if death:
        getattr(link, death)()
    with at_most(1.0):
        assert await pool.query("SELECT 1 AS one") == ONE
    if seconds > 0:
        assert pool.stats().retired == {"idle": 5}  # the wall alone says that it was too long
        assert (link.accepted, pool.stats().checks) == (1, 0)
    else:
        assert link.accepted == (1 if death else 0)
        assert pool.stats().checks == (0 if death == "cut" else 1)


@pytest.mark.parametrize("seconds", [600.0, -600.0])
async def test_a_jump_during_a_lease_makes_its_connection_suspect(
    flavour: Flavour, postgres: Postgres, seconds: float
) -> None:
    clock = FakeClock.running()
    pool = flavour.pool(postgres.url(), clock=clock)
    async with pool.connection():
        clock.jump_wall(seconds)
    assert (pool.stats().idle, pool.stats().suspect) == (0, 1)
    assert await pool.query("SELECT 1 AS one") == ONE
    assert (pool.stats().checks, pool.stats().opened) == (1, 1)


async def test_one_probe_condemns_all_older_ones_even_when_the_clock_went_back_between_their_returns(
    flavour: Flavour, postgres: Postgres, link: StaleProxy
) -> None:
    clock = FakeClock.running()
    pool = flavour.pool(link.url(postgres.url()), clock=clock)
    leases = [pool.connection() for _ in range(4)]
    for lease in leases:
        await lease.__aenter__()
    for lease in leases:
        clock.jump_wall(-60.0)
        await lease.__aexit__(None, None, None)
    link.forget()
    with at_most(1.0):
        assert await pool.query("SELECT 1 AS one") == ONE
    assert pool.stats().checks == 1


async def test_the_youngest_is_probed_first_even_if_an_older_one_was_still_trusted(
    flavour: Flavour, postgres: Postgres, link: StaleProxy
) -> None:
    clock = FakeClock.running()
    pool = flavour.pool(link.url(postgres.url()), clock=clock)
    async with pool.connection():
        async with pool.connection():
            pass
        clock.freeze(NAP)
    link.forget()
    assert (pool.stats().idle, pool.stats().suspect) == (1, 1)
    with at_most(1.0):
        assert await pool.query("SELECT 1 AS one") == ONE
    assert pool.stats().checks == 1


async def test_thaw_takes_trust_away_and_one_probe_gives_it_back(
    flavour: Flavour, postgres: Postgres
) -> None:
    pool = flavour.pool(postgres.url())
    await pool.warm(3)
    await pool.thaw()
    assert (pool.stats().idle, pool.stats().suspect, pool.stats().thaws) == (0, 3, 1)
    assert await pool.query("SELECT 1 AS one") == ONE
    assert (pool.stats().checks, pool.stats().opened, pool.stats().idle) == (1, 3, 1)


async def test_thaw_during_a_lease_makes_its_connection_suspect(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url())
    async with pool.connection():
        await pool.thaw()
    assert pool.stats().suspect == 1


async def test_a_sleep_that_the_platform_reports_counts_where_no_clock_saw_it(
    flavour: Flavour, postgres: Postgres, link: StaleProxy
) -> None:
    pool = flavour.pool(link.url(postgres.url()), idle_timeout=10.0)
    await pool.warm(3)
    await pool.thaw(frozen_for=60.0)
    link.clear()
    assert await pool.query("SELECT 1 AS one") == ONE
    assert (pool.stats().checks, pool.stats().retired) == (0, {"idle": 3})
    assert link.accepted == 1


async def test_expire_replaces_what_is_idle_now_and_what_is_leased_on_its_return(
    flavour: Flavour, postgres: Postgres, link: StaleProxy
) -> None:
    pool = flavour.pool(link.url(postgres.url()))
    await pool.warm(3)
    async with pool.connection() as conn:
        assert await pool.expire() == 3
        assert pool.stats().total == 1
        await flavour.run_on(conn, "SELECT 1")  # the lease goes on undisturbed
    assert pool.stats().total == 0
    assert await pool.query("SELECT 1 AS one") == ONE
    assert link.accepted == 4
    at_rest(pool)


@pytest.mark.parametrize("option, reason", [("idle_timeout", "idle"), ("max_lifetime", "lifetime")])
async def test_limits_of_age_are_kept_by_the_wall_clock_at_the_next_lease(
    flavour: Flavour, postgres: Postgres, option: str, reason: str
) -> None:
    clock = FakeClock.running()
    limits = {"idle_timeout": 500.0, "max_lifetime": 500.0, option: 60.0}
    pool = flavour.pool(postgres.url(), clock=clock, **limits)
    await pool.warm(2)
    clock.freeze(50.0)
    await pool.query("SELECT 1")
    clock.freeze(61.0)
    await pool.query("SELECT 1")
    assert pool.stats().retired == {reason: 2}
    assert (pool.stats().opened, pool.stats().checks) == (3, 1)


async def test_a_connection_beyond_its_life_is_closed_when_it_comes_back(
    flavour: Flavour, postgres: Postgres
) -> None:
    clock = FakeClock.running()
    pool = flavour.pool(postgres.url(), clock=clock, max_lifetime=60.0)
    async with pool.connection():
        clock.freeze(61.0)
    assert (pool.stats().total, pool.stats().retired) == (0, {"lifetime": 1})
