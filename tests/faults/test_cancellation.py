"""A task may be cancelled wherever it waits: it ends cancelled, and nothing is lost or handed to the wrong one."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from tests.api.flavours import ASYNC, Flavour
from tests.support.cancelling import Cancelling, Moment
from tests.support.loops import ASYNC_LOOPS
from tests.support.losses import at_rest, nothing_lost
from tests.support.stale_proxy import StaleProxy

from thawpool import AsyncPool
from thawpool.testing.postgres import Postgres

Work = Callable[[AsyncPool, Flavour], Coroutine[Any, Any, None]]
#: Nothing here takes this long unless somebody was forgotten.
FORGOTTEN = 5.0


async def query(pool: AsyncPool, flavour: Flavour) -> None:
    assert await pool.query("SELECT 'mine' AS whose, pg_sleep(0.002)::text AS nap") == [
        {"whose": "mine", "nap": ""}
    ]


async def lease_and_dirty(pool: AsyncPool, flavour: Flavour) -> None:
    async with pool.connection() as conn:
        await flavour.run_on(conn, "SET application_name = 'dirty'")


async def transaction(pool: AsyncPool, flavour: Flavour) -> None:
    async with pool.transaction() as tx:
        assert await tx.query("SELECT 'mine' AS whose") == [{"whose": "mine"}]


async def failing_transaction(pool: AsyncPool, flavour: Flavour) -> None:
    with pytest.raises(ZeroDivisionError):
        async with pool.transaction() as tx:
            await tx.execute("SELECT 1")
            raise ZeroDivisionError


async def left_open(pool: AsyncPool, flavour: Flavour) -> None:
    async with pool.connection() as conn:
        await flavour.run_on(conn, "BEGIN")


async def warm(pool: AsyncPool, flavour: Flavour) -> None:
    await pool.warm(1)


async def cold(pool: AsyncPool, link: StaleProxy) -> None:
    await pool.expire()


async def idle(pool: AsyncPool, link: StaleProxy) -> None:
    await pool.warm(1)


async def suspect(pool: AsyncPool, link: StaleProxy) -> None:
    await pool.warm(1)
    await pool.thaw()


async def dead(pool: AsyncPool, link: StaleProxy) -> None:
    await pool.warm(1)
    link.cut()
    await pool.thaw()


CASES = [
    (cold, query),
    (idle, query),
    (suspect, query),
    (dead, query),
    (idle, lease_and_dirty),
    (idle, transaction),
    (idle, failing_transaction),
    (idle, left_open),
    (cold, warm),
]


@ASYNC
@pytest.mark.parametrize("moment", ["asleep", "woken"])
@pytest.mark.parametrize("before, work", CASES, ids=[f"{b.__name__}-{w.__name__}" for b, w in CASES])
async def test_cancelled_at_every_await(
    flavour: Flavour, postgres: Postgres, link: StaleProxy, before: Any, work: Work, moment: Moment
) -> None:
    pool = flavour.pool(link.url(postgres.url()), max_size=1)
    for suspension in itertools.count(1):
        await asyncio.wait_for(before(pool, link), FORGOTTEN)
        with nothing_lost(link.port, sockets=1):
            cancelling = Cancelling(work(pool, flavour), suspension, moment)
            task = asyncio.ensure_future(cancelling)
            await asyncio.sleep(0)
            behind = asyncio.ensure_future(pool.query("SELECT 'behind' AS whose"))
            await asyncio.wait([task], timeout=FORGOTTEN)
            assert await asyncio.wait_for(behind, FORGOTTEN) == [{"whose": "behind"}]
            at_rest(pool)
            assert await pool.query("SELECT %s::int AS number", (suspension,)) == [{"number": suspension}]
        assert task.cancelled() is cancelling.struck
        if not cancelling.struck:
            await task  # it suspends less often than this: every suspension was tried
            break


@ASYNC_LOOPS
@pytest.mark.parametrize("moment", ["asleep", "woken"])
async def test_cancelled_while_waiting_for_a_lease(
    flavour: Flavour, postgres: Postgres, link: StaleProxy, moment: Moment
) -> None:
    """``woken`` is the race that others lost connections by: granted, and cancelled before it could know."""
    pool = flavour.pool(link.url(postgres.url()), max_size=1)
    async with pool.connection():
        task = asyncio.ensure_future(Cancelling(query(pool, flavour), 1, moment))
        behind = asyncio.ensure_future(pool.query("SELECT 'behind' AS whose"))
        await flavour.until(lambda: task.done() or pool.stats().waiting == 2)
    assert await asyncio.wait_for(behind, FORGOTTEN) == [{"whose": "behind"}]
    assert task.cancelled()
    at_rest(pool)
    assert pool.stats().opened == 1


@ASYNC_LOOPS
async def test_a_cancelled_close_leaves_a_closed_pool(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=2)
    await pool.warm(2)
    async with pool.connection():
        task = asyncio.ensure_future(Cancelling(pool.close(), 1, "asleep"))
        await asyncio.wait([task], timeout=FORGOTTEN)
        assert task.cancelled()
        assert pool.stats().total == 1
    assert pool.stats().total == 0


@ASYNC_LOOPS
async def test_many_tasks_cancelled_at_random_share_a_few_connections(
    flavour: Flavour, postgres: Postgres, link: StaleProxy
) -> None:
    pool = flavour.pool(link.url(postgres.url()), max_size=3)

    async def one(number: int) -> None:
        async with asyncio.timeout(0.001 * (number % 17) if number % 3 else None):
            assert await pool.query("SELECT %s::int AS n", (number,)) == [{"n": number}]

    results = await asyncio.gather(*[one(number) for number in range(300)], return_exceptions=True)
    failures = [error for error in results if error is not None and not isinstance(error, TimeoutError)]
    assert failures == []
    at_rest(pool)
    assert pool.stats().total <= 3
    assert sum(error is None for error in results) >= 100
