"""What is under way when the last invocation ends on a platform that freezes: dials and leases of work left behind."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from tests.api.flavours import ASYNC, Flavour, done
from tests.conftest import ProxyFactory
from tests.support.waiting import eventually

from thawpool import AsyncPool, Pool
from thawpool.drivers._watchdog import watchdog
from thawpool.platforms import Platform
from thawpool.testing.postgres import Postgres

FROZEN = Platform("test", freezes=True, longest_request=900.0)


class Waits(Platform):
    """A platform that does work after the response."""

    __slots__ = ()
    works: list[Callable[[], Coroutine[Any, Any, None]]] = []  # noqa: RUF012 - a test empties it

    def after_response(self, work: Callable[[], Coroutine[Any, Any, None]]) -> bool:
        self.works.append(work)
        return True


WAITS = Waits("test", freezes=True, longest_request=900.0)


@pytest.fixture(autouse=True)
def no_works() -> None:
    Waits.works.clear()


@ASYNC
async def test_a_lease_left_behind_is_waited_for(
    flavour: Flavour, postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    pool = flavour.pool(postgres.url(), platform=FROZEN, keep=0)
    async with pool.invocation():
        job = flavour.spawn(pool.query("SELECT pg_sleep(0.1)"))
        await flavour.until(lambda: pool.stats().used == 1)
    assert job.done()
    assert pool.stats().total == 0, "what it gave back does not sleep"
    assert not caplog.messages
    await job


@ASYNC
async def test_a_dial_left_behind_is_waited_for(
    flavour: Flavour, postgres: Postgres, proxy: ProxyFactory
) -> None:
    gate = proxy()
    gate.slow(0.1)
    pool = flavour.pool(gate.url(postgres.url()), platform=FROZEN)
    async with pool.invocation():
        job = flavour.spawn(pool.warm(1))
        await flavour.until(lambda: pool.stats().opening == 1)
    assert (pool.stats().opening, pool.stats().idle) == (0, 1)
    await job


@ASYNC
async def test_patience_ends_with_timeout_and_the_rest_is_reported(
    flavour: Flavour, postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    pool = flavour.pool(postgres.url(), platform=FROZEN, timeout=0.2)
    since = time.monotonic()
    async with pool.invocation():
        conn = await pool.getconn()
    assert 0.2 <= time.monotonic() - since < 1.0
    assert "1 connection(s) still out on lease" in caplog.text
    await pool.putconn(conn)


async def test_a_leak_is_waited_for_and_reported_once(
    flavour: Flavour, postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    """Else each request of an instance that leaks would keep it awake for ``timeout`` seconds."""
    pool = flavour.pool(postgres.url(), platform=WAITS, timeout=60)
    await pool.warm(2)
    with pool.invocation():
        leaked = await pool.getconn()
    assert len(Waits.works) == 1
    # As when the platform has waited in vain.
    await done(pool._lie_down())  # type: ignore[func-returns-value]
    assert caplog.text.count("still out on lease") == 1
    with pool.invocation():
        await pool.query("SELECT 1")
    assert len(Waits.works) == 1
    assert caplog.text.count("still out on lease") == 1
    with pool.invocation():
        another = await pool.getconn()
    assert len(Waits.works) == 2, "another lease is another matter"
    await done(pool._lie_down())  # type: ignore[func-returns-value]
    assert caplog.text.count("with 1 connection(s) still out on lease") == 2
    await pool.putconn(leaked)
    await pool.putconn(another)
    with pool.invocation():
        again = await pool.getconn()
    assert len(Waits.works) == 3, "and so is another lease of the same connection"
    await pool.putconn(again)


@ASYNC
async def test_patience_ends_with_the_invocation(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), platform=FROZEN)
    since = time.monotonic()
    async with pool.invocation(remaining=0.3):
        conn = await pool.getconn()
    assert time.monotonic() - since < 1.0
    await pool.putconn(conn)


@ASYNC
async def test_the_next_invocation_ends_the_waiting(
    flavour: Flavour, postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    pool = flavour.pool(postgres.url(), platform=FROZEN, keep=0)

    async def first() -> Any:
        async with pool.invocation():
            return await pool.getconn()

    job = flavour.spawn(first())
    await flavour.until(lambda: pool.stats().used == 1 and not pool._invocations)
    with pool.invocation():
        conn = await job
        assert not caplog.messages, "that is for the end of this one to say"
        await pool.putconn(conn)
    assert not caplog.messages


@ASYNC
async def test_a_cancelled_end_still_lies_down(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), platform=FROZEN, keep=0)
    await pool.warm(2)

    async def left_behind() -> Any:
        async with pool.invocation():
            return await pool.getconn()

    conn_of = flavour.spawn(left_behind())
    await flavour.until(lambda: pool.stats().used == 1 and not pool._invocations)
    conn_of.cancel()
    with pytest.raises(asyncio.CancelledError):
        await conn_of
    assert pool.stats().idle == 0


async def test_elsewhere_nobody_waits(
    flavour: Flavour, postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    pool = flavour.pool(postgres.url(), timeout=60)
    await pool.warm(1)
    since = time.monotonic()
    async with pool.invocation():
        conn = await pool.getconn()
    assert time.monotonic() - since < 1.0
    assert "still out on lease" in caplog.text
    await pool.putconn(conn)


@pytest.mark.parametrize("block", ["with", "async with"])
async def test_where_the_platform_waits_the_response_does_not(
    flavour: Flavour, postgres: Postgres, caplog: pytest.LogCaptureFixture, block: str
) -> None:
    pool = flavour.pool(postgres.url(), platform=WAITS, keep=0, timeout=60)
    since = time.monotonic()
    if block == "with":
        with pool.invocation():
            conn = await pool.getconn()
    else:
        async with pool.invocation():
            conn = await pool.getconn()
    assert time.monotonic() - since < 1.0
    assert (pool.stats().used, len(Waits.works)) == (1, 1)
    assert not caplog.messages
    work = Waits.works[0]()
    if flavour.is_async:
        after = asyncio.ensure_future(work)
        await asyncio.sleep(0.02)
        assert not after.done()
        await pool.putconn(conn)
        await after
    else:
        thread = threading.Thread(target=asyncio.run, args=(work,))
        thread.start()
        await pool.putconn(conn)
        thread.join(15)
        assert not thread.is_alive()
    assert pool.stats().total == 0
    assert not caplog.messages


async def test_what_owes_nothing_bothers_no_platform(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), platform=WAITS, keep=0)
    with pool.invocation():
        await pool.query("SELECT 1")
    assert (pool.stats().total, Waits.works) == (0, [])


def test_threads_wait_for_dials_where_nobody_else_does(postgres: Postgres, proxy: ProxyFactory) -> None:
    gate = proxy()
    gate.slow(0.1)
    with Pool(gate.url(postgres.url()), platform=FROZEN) as pool:
        with pool.invocation():
            thread = threading.Thread(target=pool.warm, args=(1,))
            thread.start()
            eventually(lambda: pool.stats().opening == 1)
        assert (pool.stats().opening, pool.stats().idle) == (0, 1)
        thread.join()


def test_threads_hold_up_no_response_for_a_lease(
    postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    with Pool(postgres.url(), platform=FROZEN, timeout=60) as pool:
        since = time.monotonic()
        with pool.invocation():
            conn = pool.getconn()
        assert time.monotonic() - since < 1.0
        assert "still out on lease" in caplog.text
        pool.putconn(conn)


def test_another_loop_does_not_touch_the_connections(postgres: Postgres) -> None:
    """As Vercel's runtime, which runs what comes after the response of a ``handler`` in a loop of its own."""
    pool = AsyncPool(postgres.url(), platform=WAITS)

    async def request() -> None:
        with pool.invocation():
            pool.left = await pool.getconn()  # type: ignore[attr-defined]

    asyncio.run(request())
    asyncio.run(Waits.works[0]())
    assert pool.stats().used == 1

    async def close() -> None:
        await pool.close(timeout=0.1)

    asyncio.run(close())


@ASYNC
async def test_no_timer_of_ours_is_left_running(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), platform=FROZEN)
    with pool.invocation():
        await pool.query("SELECT 1")
        assert _timers(pool) == [True, False], "the one that asks a silent server"
    assert _timers(pool) == [False, False]


def _timers(pool: AsyncPool) -> list[bool]:
    return [pool._watch._timer is not None, pool._alarms._timer is not None]


def test_no_thread_of_ours_is_left_running(postgres: Postgres) -> None:
    with Pool(postgres.url().replace("postgresql", "postgresql+psycopg2"), platform=FROZEN) as pool:
        with pool.invocation(remaining=30):
            pool.query("SELECT 1")
            assert watchdog._alive
        since = time.monotonic()
        eventually(lambda: not watchdog._alive, "the end of the watchdog")
        assert time.monotonic() - since < 0.5, "it does not linger"


@ASYNC
async def test_an_error_is_not_held_up(flavour: Flavour, postgres: Postgres) -> None:
    """Somebody outside answers it."""
    pool = flavour.pool(postgres.url(), platform=FROZEN, timeout=60, keep=0)
    await pool.warm(2)
    left: list[Any] = []
    since = time.monotonic()
    with pytest.raises(ZeroDivisionError):
        async with pool.invocation():
            left.append(await pool.getconn())
            raise ZeroDivisionError
    assert time.monotonic() - since < 5
    assert pool.stats().idle == 0
    await pool.putconn(left[0])


def test_threads_that_end_requests_of_a_loop_leave_its_connections_to_it(postgres: Postgres) -> None:
    """As in an app of WSGI that runs a loop in a thread of its own: each of its requests ends elsewhere."""
    pool = AsyncPool(postgres.url(), keep=0)
    seen: list[int] = []
    lay_down = pool._lay_down
    pool._lay_down = lambda keep: (seen.append(threading.get_ident()), lay_down(keep))  # type: ignore[method-assign, assignment, func-returns-value]
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        with pool.invocation():
            asyncio.run_coroutine_threadsafe(pool.warm(2), loop).result(15)
        eventually(lambda: pool.stats().total == 0, "the end of what should not sleep")
        assert seen == [thread.ident]
        asyncio.run_coroutine_threadsafe(pool.close(), loop).result(15)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def test_what_was_reported_is_forgotten_with_its_lease(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=1)
    for _ in range(3):
        with pool.invocation():
            conn = await pool.getconn()
        await pool.putconn(conn)
        await pool.expire()
    assert len(pool._reported) == 1
