"""``debug=True``: where leases were taken, and a stand-in that ends with its lease."""

from __future__ import annotations

import gc
import re

import pytest
from tests.api.flavours import PSYCOPG, Flavour, done, entered

from thawpool import LeaseError
from thawpool.testing.postgres import Postgres


async def test_a_stand_in_is_as_good_as_the_connection(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), debug=True, max_size=1)
    async with pool.connection() as conn:
        assert isinstance(conn, flavour.connection_class)
        assert await flavour.value(conn, "SELECT 7") == 7
        assert "leased" in repr(conn)
    conn = await pool.getconn()
    assert isinstance(conn, flavour.connection_class)
    assert await flavour.value(conn, "SELECT 8") == 8
    await pool.putconn(conn)
    async with pool.transaction() as tx:
        assert isinstance(tx.connection, flavour.connection_class)
        assert await tx.query("SELECT 9 AS n") == [{"n": 9}]
    assert (pool.stats().opened, pool.stats().idle) == (1, 1)


@pytest.mark.parametrize("by", ["block", "getconn"])
async def test_use_after_return_is_caught_while_another_has_the_connection(
    flavour: Flavour, postgres: Postgres, by: str
) -> None:
    pool = flavour.pool(postgres.url(), debug=True, max_size=1)
    if by == "block":
        async with pool.connection() as stale:
            pass
    else:
        stale = await pool.getconn()
        await pool.putconn(stale)
    async with pool.connection() as conn:
        with pytest.raises(LeaseError, match=r"its lease was taken at \S+\.py:\d+ in "):
            await flavour.run_on(stale, "SELECT 1")
        with pytest.raises(LeaseError):
            stale.execute  # noqa: B018  reading it is the test
        assert await flavour.value(conn, "SELECT 1") == 1
    with pytest.raises(LeaseError):
        await pool.putconn(stale)
    assert pool.stats().used == 0


@PSYCOPG
async def test_psycopgs_own_blocks_work_on_a_stand_in(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), debug=True, max_size=1)
    async with pool.connection() as conn:
        async with entered(conn.transaction()):
            async with entered(conn.cursor()) as cursor:
                await done(cursor.execute("SELECT %s::int", (5,)))
                assert await done(cursor.fetchone()) == (5,)
        conn.row_factory = lambda cursor: list
        assert await done((await done(conn.execute("SELECT 1, 2"))).fetchone()) == [1, 2]
    async with pool.connection() as conn:
        assert await done((await done(conn.execute("SELECT 1, 2"))).fetchone()) == (1, 2)


async def test_a_lost_stand_in_frees_its_seat_and_tells_where(
    flavour: Flavour, postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    pool = flavour.pool(postgres.url(), debug=True, max_size=1)
    conn = await pool.getconn()
    assert await flavour.value(conn, "SELECT 1") == 1
    del conn
    gc.collect()
    assert await pool.query("SELECT 1 AS n") == [{"n": 1}]
    assert re.search(r"a lease taken at \S+\.py:\d+ in .* was never returned", caplog.text)
    assert pool.stats().retired == {"leaked": 1}
