"""Whoever is cancelled or interrupted leaves nothing behind, and nobody ever gets another's rows."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.drivers.conformance.case import ASYNCIO, THREADS, Case, over
from tests.support.cancelling import Cancelling, Moment
from tests.support.losses import at_most, at_rest, nothing_lost
from tests.support.stale_proxy import StaleProxy
from tests.support.waiting import eventually

from thawpool import AsyncPool

Work = Callable[[AsyncPool, Case], Coroutine[Any, Any, None]]
#: Nothing here takes this long unless somebody was forgotten.
FORGOTTEN = 5.0
#: How soon a wait ends that is interrupted, and its statement on the server, in seconds.
SOON = 0.5
#: The same where the server notices by itself that nobody waits for it, which it looks for every two seconds.
LATE = 2.5


async def query(pool: AsyncPool, case: Case) -> None:
    rows = await pool.query(f"{case.dialect.sleep.format(0.002)} AS nap")
    assert len(rows) == 1


async def parameters(pool: AsyncPool, case: Case) -> None:
    assert await pool.query(case.dialect.length, ("mine",)) == [{"n": 4}]


async def dirty_lease(pool: AsyncPool, case: Case) -> None:
    async with pool.connection() as conn:
        await case.run_on(conn, case.dialect.leave)


async def transaction(pool: AsyncPool, case: Case) -> None:
    async with pool.transaction() as tx:
        assert await tx.query("SELECT 'mine' AS whose") == [{"whose": "mine"}]


async def left_open(pool: AsyncPool, case: Case) -> None:
    async with pool.connection() as conn:
        await case.run_on(conn, "BEGIN")


async def cold(pool: AsyncPool, link: StaleProxy) -> None:
    await pool.expire()


async def idle(pool: AsyncPool, link: StaleProxy) -> None:
    await pool.warm(1)


async def suspect(pool: AsyncPool, link: StaleProxy) -> None:
    await pool.warm(1)
    await pool.thaw()


CASES = [
    (cold, query),
    (idle, query),
    (idle, parameters),
    (suspect, query),
    (idle, dirty_lease),
    (idle, transaction),
    (idle, left_open),
]


@ASYNCIO
@pytest.mark.parametrize("moment", ["asleep", "woken"])
@pytest.mark.parametrize("before, work", CASES, ids=[f"{b.__name__}-{w.__name__}" for b, w in CASES])
async def test_cancelled_at_every_await(
    case: Case, link: StaleProxy, before: Any, work: Work, moment: Moment
) -> None:
    pool = case.pool(link.url(case.server.url()), max_size=1)
    for suspension in itertools.count(1):
        await asyncio.wait_for(before(pool, link), FORGOTTEN)
        with nothing_lost(link.port, sockets=1):
            cancelling = Cancelling(work(pool, case), suspension, moment)
            task = asyncio.ensure_future(cancelling)
            await asyncio.sleep(0)
            behind = asyncio.ensure_future(pool.query("SELECT 'behind' AS whose"))
            await asyncio.wait([task], timeout=FORGOTTEN)
            assert await asyncio.wait_for(behind, FORGOTTEN) == [{"whose": "behind"}]
            at_rest(pool)
            assert await pool.query(f"SELECT {suspension} AS number") == [{"number": suspension}]
        assert task.cancelled() is cancelling.struck
        if not cancelling.struck:
            await task  # it suspends less often than this: every suspension was tried
            break


@over(kind="asyncio", loops=True)
async def test_many_tasks_cancelled_at_random_share_a_few_connections(case: Case, link: StaleProxy) -> None:
    pool = case.pool(link.url(case.server.url()), max_size=3)

    async def one(number: int) -> None:
        async with asyncio.timeout(0.001 * (number % 17) if number % 3 else None):
            assert await pool.query(f"SELECT {number} AS n") == [{"n": number}]

    results = await asyncio.gather(*[one(number) for number in range(300)], return_exceptions=True)
    failures = [error for error in results if error is not None and not isinstance(error, TimeoutError)]
    assert failures == []
    at_rest(pool)
    assert pool.stats().total <= 3
    assert sum(error is None for error in results) >= 100


@ASYNCIO
async def test_a_borrower_cancelled_in_the_middle_of_a_reply_leaves_none_of_it(
    case: Case, link: StaleProxy
) -> None:
    """The reply arrives late, when the connection might be another's already."""
    pool = case.pool(link.url(case.server.url()), max_size=1)

    async def borrow() -> None:
        async with pool.connection() as conn:
            await case.rows(conn, "SELECT 'the first one''s' AS whose")

    for _ in range(2):
        await pool.query("SELECT 1")
        link.slow(0.02)
        sent = link.chunks_up
        task = asyncio.ensure_future(borrow())
        await case.until(lambda sent=sent: link.chunks_up > sent)  # type: ignore[misc]
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        assert await pool.query("SELECT 'mine' AS whose") == [{"whose": "mine"}]
        async with pool.connection() as conn:
            assert await case.rows(conn, "SELECT 'mine' AS whose") == [("mine",)]
        link.resume()
    at_rest(pool)


@over()
async def test_a_statement_that_is_given_up_ends_on_the_server_too(case: Case) -> None:
    pool = case.pool(max_size=1)
    late = "cancel" in case.declared.differs
    sleep = case.dialect.sleep.format("20.125")
    with pytest.raises(TimeoutError):
        await pool.query(sleep, timeout=0.2)
    eventually(
        lambda: not case.outside.running(sleep), "the end of the statement", within=LATE if late else SOON
    )


@contextmanager
def interrupted_once(there: Callable[[], object]) -> Iterator[None]:
    """Send this process SIGINT, as Ctrl-C does, as soon as ``there`` says that it waits where the test wants it to."""

    def strike() -> None:
        eventually(there, "the wait")
        os.kill(os.getpid(), signal.SIGINT)

    striker = threading.Thread(target=strike)
    striker.start()
    try:
        yield
        striker.join()
        pytest.fail("the wait ended before it was interrupted")
    except KeyboardInterrupt:
        striker.join()


@over(kind="threads", without="interrupt")
@pytest.mark.parametrize("how", ["query", "lease", "transaction"])
async def test_ctrl_c_during_a_statement(case: Case, link: StaleProxy, how: str) -> None:
    pool = case.pool(link.url(case.server.url()), max_size=1)
    await pool.warm(1)
    sleep = case.dialect.sleep.format("20.25")
    outside = case.outside
    with nothing_lost(link.port):
        with at_most(3.0), interrupted_once(lambda: outside.running(sleep)):
            if how == "query":
                await pool.query(sleep)
            elif how == "lease":
                async with pool.connection() as conn:
                    await case.run_on(conn, sleep)
            else:
                async with pool.transaction() as tx:
                    await tx.query(sleep)
    at_rest(pool)
    assert await pool.query("SELECT 'mine' AS whose") == [{"whose": "mine"}]
    if "cancel" not in case.declared.differs:
        eventually(lambda: not outside.running(sleep), "the end of the statement on the server", within=SOON)


@THREADS
async def test_ctrl_c_takes_effect_by_the_deadline_at_the_latest(case: Case) -> None:
    pool = case.pool(max_size=1)
    await pool.warm(1)
    sleep = case.dialect.sleep.format("20.375")
    outside = case.outside
    with at_most(1.2), interrupted_once(lambda: outside.running(sleep)):
        await pool.query(sleep, timeout=1.0)
    at_rest(pool)
    assert await pool.query("SELECT 'mine' AS whose") == [{"whose": "mine"}]


@THREADS
async def test_ctrl_c_while_dialing(case: Case, link: StaleProxy) -> None:
    pool = case.pool(link.url(case.server.url()), max_size=1)
    await pool.query("SELECT 1")
    await pool.expire()
    link.accept_silently()
    link.clear()
    with nothing_lost(link.port, sockets=int("dial" in case.declared.differs)), at_most(SOON):
        with interrupted_once(lambda: link.accepted):
            await pool.query("SELECT 1", timeout=15.0)
    at_rest(pool)
    link.resume()
    assert await pool.query("SELECT 1 AS one") == [{"one": 1}]


@over()
@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, SystemExit])
async def test_an_exception_in_the_middle_of_a_result(
    case: Case, error: type[BaseException], table: str
) -> None:
    """A borrower who reads half of it leaves the rest to nobody."""
    pool = case.pool(max_size=1)
    await pool.execute(f"INSERT INTO {table} (i) VALUES (1), (2), (3)")
    with pytest.raises(error):
        async with pool.connection() as conn:
            await case.begin_reading(conn, f"SELECT i FROM {table}")
            raise error
    assert await pool.query("SELECT 'mine' AS whose") == [{"whose": "mine"}]
    async with pool.connection() as conn:
        assert await case.rows(conn, "SELECT 'mine' AS whose") == [("mine",)]
    at_rest(pool)
