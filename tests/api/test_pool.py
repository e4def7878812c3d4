"""The pool as a whole: warm, thaw, expire, resize, stats, close, and several of them in one process."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from tests.api.flavours import Flavour

from thawpool import ConfigError, ConnectionLost, PoolClosed, PoolStats
from thawpool.testing.postgres import Postgres


async def test_constructing_does_nothing(flavour: Flavour) -> None:
    """No server is there, none is looked for."""
    pool = flavour.pool("postgresql://nobody@192.0.2.1:1/none")
    assert pool.stats().total == 0


async def test_warm_opens_that_many(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=4, min_size=1)
    assert await pool.warm() == 1
    assert await pool.warm() == 0
    assert await pool.warm(3) == 2
    assert (pool.stats().idle, pool.stats().opened) == (3, 3)
    assert await pool.warm(9) == 1, "never beyond max_size"
    assert pool.stats().total == 4


async def test_warm_opens_nothing_unasked(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url())
    assert await pool.warm() == 0
    assert pool.stats().opened == 0


async def test_thaw_withdraws_trust(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=2)
    await pool.warm(2)
    await pool.thaw()
    stats = pool.stats()
    assert (stats.idle, stats.suspect, stats.thaws) == (0, 2, 1)
    assert await pool.query("SELECT 1 AS n") == [{"n": 1}]
    stats = pool.stats()
    assert (stats.checks, stats.opened, stats.retired) == (1, 2, {})


async def test_a_thaw_that_knows_how_long_it_was(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=2, idle_timeout=10)
    await pool.warm(2)
    await pool.thaw(600)
    assert await pool.query("SELECT 1 AS n") == [{"n": 1}]
    assert pool.stats().retired == {"idle": 2}
    assert pool.stats().opened == 3


async def test_expire_replaces_every_connection(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=3)
    await pool.warm(2)
    async with pool.connection():
        assert await pool.expire() == 2
        assert (pool.stats().idle, pool.stats().used) == (0, 1)
    assert pool.stats().total == 0
    assert pool.stats().retired == {"expired": 2}
    assert await pool.query("SELECT 1 AS n") == [{"n": 1}]
    assert pool.stats().opened == 3


async def test_resize(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=3)
    await pool.warm(3)
    await pool.resize(1)
    assert (pool.stats().max_size, pool.stats().total) == (1, 1)
    assert pool.stats().retired == {"surplus": 2}
    async with pool.connection():
        job = flavour.spawn(pool.query("SELECT 1 AS n"))
        await flavour.until(lambda: pool.stats().waiting == 1)
        await pool.resize(2)
        assert await job == [{"n": 1}], "the one who waited gets the new seat at once"


async def test_resize_closes_what_is_out_when_it_comes_back(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=2)
    async with pool.connection(), pool.connection():
        await pool.resize(1)
        assert pool.stats().total == 2
    assert (pool.stats().total, pool.stats().retired) == (1, {"surplus": 1})


@pytest.mark.parametrize("size", [0, -1, 1.5, True, "3"])
async def test_resize_refuses_what_is_no_size(flavour: Flavour, size: object) -> None:
    pool = flavour.pool("postgresql://nobody@192.0.2.1:1/none")
    with pytest.raises(ConfigError, match=rf"max_size={re.escape(repr(size))}.*whole number of at least 1"):
        await pool.resize(size)  # type: ignore[arg-type]
    assert pool.stats().max_size == 5


async def test_stats_are_a_snapshot(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=3)
    await pool.warm(2)
    before = pool.stats()
    async with pool.connection():
        assert pool.stats().used == 1
    assert isinstance(before, PoolStats)
    assert isinstance(before.retired, Mapping)
    assert before._fields == (
        "max_size", "total", "idle", "used", "opening", "suspect", "waiting", "opened", "open_failed", "retired",
        "thaws", "checks", "timeouts", "waits", "wait_seconds",
    )  # fmt: skip
    assert (before.max_size, before.total, before.idle, before.used) == (3, 2, 2, 0)
    with pytest.raises(AttributeError):
        before.used = 9  # type: ignore[misc]
    await pool.expire()
    assert before.retired == {}, "what was told stays as it was told"


async def test_waits_are_counted_off_the_fast_path_only(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=1)
    await pool.query("SELECT 1")
    first = pool.stats()
    assert first.waits == 1
    assert first.wait_seconds > 0
    for _ in range(5):
        await pool.query("SELECT 1")
    assert pool.stats().waits == 1


async def test_the_repr_shows_numbers_and_no_secret(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(password="canary-1"), name="reports", max_size=2)
    async with pool.connection():
        text = repr(pool)
    kind = "AsyncPool" if flavour.is_async else "Pool"
    assert text == f"<{kind} 'reports' max_size=2 idle=0 used=1 opening=0 waiting=0>"


async def test_close_ends_what_is_idle_and_refuses_what_comes(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url())
    await pool.warm(2)
    await pool.close()
    assert (pool.stats().total, pool.stats().retired) == (0, {"closed": 2})
    for verb in (pool.query, pool.query_one, pool.execute):
        with pytest.raises(PoolClosed, match="the pool is closed; create a new one"):
            await verb("SELECT 1")
    with pytest.raises(PoolClosed):
        await pool.warm(1)
    for block in (pool.connection, pool.transaction):
        with pytest.raises(PoolClosed):
            async with block():
                pass
    await pool.close()


async def test_close_waits_for_leases_to_come_back(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url())
    took, let_go = flavour.event(), flavour.event()

    async def borrow() -> int:
        async with pool.connection() as conn:
            took.set()
            await let_go.wait()
            return int(await flavour.value(conn, "SELECT 7"))

    borrower = flavour.spawn(borrow())
    await took.wait()
    closing = flavour.spawn(pool.close(timeout=10))
    with pytest.raises(PoolClosed):
        await flavour.until(lambda: closing.done() or pool.stats().idle == 0)
        while True:  # as soon as closing has begun
            await pool.query("SELECT 1", timeout=5)
    assert not closing.done()
    let_go.set()
    assert await borrower == 7, "whoever has a connection may finish"
    await closing
    assert pool.stats().total == 0


async def test_close_cuts_off_who_does_not_come_back(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url())
    pids = flavour.pool(postgres.url(), name="observer")
    # The statement is named for this run: that of another may still be ending on the same server.
    sleep = f"SELECT pg_sleep(30) AS this_{id(pool)}"
    running = f"SELECT 1 FROM pg_stat_activity WHERE query = '{sleep}' AND state = 'active'"

    async def borrow() -> None:
        await pool.query(sleep)

    borrower = flavour.spawn(borrow())
    rows: list[object] = []
    while not rows:
        rows = list(await pids.query(running))
    await pool.close(timeout=0.02)
    with pytest.raises(ConnectionLost):
        await borrower
    assert pool.stats().total == 0


async def test_close_tells_those_who_wait(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=1)
    async with pool.connection():
        job = flavour.spawn(pool.query("SELECT 1"))
        await flavour.until(lambda: pool.stats().waiting == 1)
        await pool.close(timeout=0)
        with pytest.raises(PoolClosed):
            await job
    assert pool.stats().total == 0


async def test_a_pool_is_a_context_manager(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url())
    async with pool as same:
        assert same is pool
        assert await pool.query("SELECT 1 AS n") == [{"n": 1}]
    with pytest.raises(PoolClosed):
        await pool.query("SELECT 1 AS n")


async def test_several_pools_are_independent(flavour: Flavour, postgres: Postgres) -> None:
    one = flavour.pool(postgres.url(), name="one", max_size=1)
    two = flavour.pool(postgres.url(application_name="two"), name="two", max_size=2, idle_timeout=3)
    async with one.connection(), two.connection() as conn:
        assert await flavour.value(conn, "SELECT current_setting('application_name')") == "two"
        assert (one.stats().max_size, two.stats().max_size) == (1, 2)
        await one.thaw()
        assert (one.stats().thaws, two.stats().thaws) == (1, 0)
    await one.close()
    assert await two.query("SELECT 1 AS n") == [{"n": 1}]


async def test_configure_check_and_password_may_be_functions(flavour: Flavour, postgres: Postgres) -> None:
    calls: list[str] = []

    def password() -> str:
        calls.append("password")
        return "x"

    def check(conn: object) -> bool:
        calls.append("check")
        return True

    def configure(conn: object) -> None:
        calls.append("configure")

    pool = flavour.pool(postgres.url(), password=password, check=check, configure=configure)
    await pool.warm(2)
    assert calls == ["password", "configure"] * 2
    calls.clear()
    await pool.thaw()
    await pool.query("SELECT 1")
    assert calls == ["check"]


async def test_a_check_that_says_no_replaces_the_connection(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), check=lambda conn: False)
    await pool.warm(1)
    await pool.thaw()
    assert await pool.query("SELECT 1 AS n") == [{"n": 1}]
    assert (pool.stats().retired, pool.stats().opened) == ({"check": 1}, 2)
