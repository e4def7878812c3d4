"""Mistakes with connections: asked for in vain, returned wrongly, used too late."""

from __future__ import annotations

from tests.api.flavours import Flavour
from tests.badinput.table import CANARY, assert_sound, refused

from thawpool.testing.postgres import Postgres


async def test_every_connection_is_in_use(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(password=CANARY), max_size=1, max_waiting=1, timeout=0.05)
    await pool.warm(1, timeout=5)
    async with pool.connection():
        with refused("every connection is in use", within=0.5):
            await pool.query("SELECT 1")
        job = flavour.spawn(pool.query("SELECT 1 AS n", timeout=10))
        await flavour.until(lambda: pool.stats().waiting == 1)
        with refused("too many wait already", within=0.5):
            await pool.query("SELECT 1")
    assert await job == [{"n": 1}]
    assert_sound(pool)


async def test_no_time_left(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(password=CANARY), max_size=1)
    async with pool.connection():
        with pool.invocation(remaining=0.15), refused("no time left in the invocation", within=0.5):
            await pool.query("SELECT 1")
    assert_sound(pool)


async def test_an_invocation_that_is_over(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(password=CANARY), max_size=1)
    await pool.query("SELECT 1")
    with pool.invocation(remaining=-1), refused("the invocation is over"):
        await pool.query("SELECT 1")
    assert_sound(pool)


async def test_a_timeout_that_is_none(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(password=CANARY))
    with refused("a timeout that is none"):
        await pool.query("SELECT 1", timeout=-1)
    with refused("a timeout that is none"):
        async with pool.connection(timeout=-1):
            pass
    with refused("a timeout that is none"):
        await pool.close(timeout=-1)
    assert_sound(pool)


async def test_a_pool_used_after_close(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(password=CANARY))
    await pool.warm(1)
    await pool.close()
    for verb in (pool.query, pool.query_one, pool.execute):
        with refused("a pool used after `close`"):
            await verb("SELECT 1")
    with refused("a pool used after `close`"):
        await pool.getconn()
    assert_sound(pool)


async def test_connections_returned_wrongly(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(password=CANARY), max_size=1)
    other = flavour.pool(postgres.url(), name="other")
    conn = await pool.getconn()
    with refused("a connection returned to another pool"):
        await other.putconn(conn)
    await pool.putconn(conn)
    with refused("a connection returned twice"):
        await pool.putconn(conn)
    async with pool.connection() as conn:
        with refused("`putconn` inside `with pool.connection()`"):
            await pool.putconn(conn)
    with refused("something returned that is no connection"):
        await pool.putconn(object())
    assert_sound(pool)
    assert_sound(other)
    assert await pool.query("SELECT 1 AS n") == [{"n": 1}]
    assert pool.stats().opened == 1


async def test_under_debug_a_block_gives_back_its_connection_itself(
    flavour: Flavour, postgres: Postgres
) -> None:
    pool = flavour.pool(postgres.url(password=CANARY), max_size=1, debug=True)
    async with pool.connection() as conn:
        with refused("`putconn` inside `with pool.connection()`"):
            await pool.putconn(conn)
    assert_sound(pool)
    assert pool.stats().opened == 1


async def test_a_connection_used_after_its_return(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(password=CANARY), max_size=1)
    async with pool.connection() as conn:
        pass
    with refused("a connection used after its return"):
        await flavour.run_on(conn, "SELECT 1")
    held = await pool.getconn()
    await pool.putconn(held)
    with refused("a connection used after its return"):
        await flavour.value(held, "SELECT 1")
    assert_sound(pool)
    assert await pool.query("SELECT 1 AS n") == [{"n": 1}]
    assert pool.stats().opened == 1, "the refusal harmed nobody"


async def test_a_lease_entered_twice(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(password=CANARY))
    lease = pool.connection()
    async with lease:
        with refused("a lease entered twice"):
            async with lease:
                pass
    assert_sound(pool)


async def test_a_transaction_used_after_its_block(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(password=CANARY))
    async with pool.transaction() as tx:
        pass
    for verb in (tx.query, tx.query_one, tx.execute):
        with refused("a transaction used after its block"):
            await verb("SELECT 1")
    assert_sound(pool)
