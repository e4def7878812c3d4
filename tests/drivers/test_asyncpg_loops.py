"""What becomes of asyncpg's connections when their event loop or their process is another: both drivers, both loops."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import warnings
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
import uvloop
from tests.support.losses import sockets_to
from tests.support.waiting import eventually

from thawpool import AsyncPool, PoolError
from thawpool.testing.postgres import Postgres

Run = Callable[[Coroutine[Any, Any, Any]], Any]
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
DRIVERS = pytest.mark.parametrize("scheme", ["postgresql", "postgresql+asyncpg"])
NEW_LOOP = pytest.mark.parametrize("new_loop", LOOPS.values(), ids=LOOPS)


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """An application name of the test's own, to count its sessions by."""
    return f"loops-{abs(hash(request.node.nodeid)) % 10**9}"


@pytest.fixture
def url(postgres: Postgres, scheme: str, name: str) -> str:
    return f"{scheme}{postgres.url(application_name=name).removeprefix('postgresql')}"


@pytest.fixture
def sessions(postgres: Postgres, name: str) -> Iterator[Callable[[], int]]:
    """How many sessions of the test the server has."""
    with psycopg.connect(postgres.url(), autocommit=True) as conn:
        counting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
        yield lambda: conn.execute(counting, (name,)).fetchone()[0]  # type: ignore[index]


@contextmanager
def no_complaint() -> Iterator[None]:
    """Nothing that is collected in the block or after it complains about having been left open."""
    gc.collect()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
        gc.collect()


@DRIVERS
@NEW_LOOP
def test_four_runs_in_a_row(scheme: str, url: str, new_loop: Any, sessions: Callable[[], int]) -> None:
    pool = AsyncPool(url)

    async def ask() -> None:
        rows = await asyncio.gather(*(pool.query("SELECT %s::int AS n", (n,)) for n in range(3)))
        assert rows == [[{"n": 0}], [{"n": 1}], [{"n": 2}]]

    with no_complaint():
        for _ in range(4):
            with asyncio.Runner(loop_factory=new_loop) as runner:
                runner.run(ask())
            if scheme == "postgresql+asyncpg":
                eventually(lambda: sessions() == 0, "the end of the sessions", within=1.0)
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(ask())
            runner.run(pool.close())
    eventually(lambda: sessions() == 0, "the end of the sessions", within=1.0)


@DRIVERS
def test_a_loop_that_was_closed_without_a_shutdown(
    postgres: Postgres, url: str, sessions: Callable[[], int]
) -> None:
    pool = AsyncPool(url)
    before = sockets_to(postgres.port)
    with no_complaint():
        loop = asyncio.new_event_loop()
        loop.run_until_complete(pool.warm(3))
        loop.close()
        assert sessions() == 3
        with asyncio.Runner() as runner:
            assert runner.run(pool.query("SELECT 1 AS one")) == [{"one": 1}]
            eventually(lambda: sessions() == 1, "the end of the old sessions", within=1.0)
            assert sockets_to(postgres.port) == before + 1
            runner.run(pool.close())


@pytest.mark.parametrize("more", [{}, {"sslnegotiation": "direct"}])
@NEW_LOOP
def test_a_loop_with_tls(postgres_tls: Postgres, new_loop: Any, more: dict[str, str]) -> None:
    """Closed with a shutdown and without: both layers of a transport go in peace."""
    url = f"postgresql+asyncpg{postgres_tls.url(sslmode='require', **more).removeprefix('postgresql')}"
    pool = AsyncPool(url)
    with no_complaint():
        for _ in range(2):
            with asyncio.Runner(loop_factory=new_loop) as runner:
                runner.run(pool.warm(2))
        if new_loop is asyncio.new_event_loop:
            loop = new_loop()
            loop.run_until_complete(pool.warm(2))
            loop.close()
        with asyncio.Runner(loop_factory=new_loop) as runner:
            assert runner.run(pool.query("SELECT 1 AS one")) == [{"one": 1}]
            runner.run(pool.close())
    assert sockets_to(postgres_tls.port) == 0


@DRIVERS
def test_a_statement_that_its_loop_left_behind(postgres: Postgres, url: str, name: str) -> None:
    pool = AsyncPool(url)

    def running() -> bool:
        with psycopg.connect(postgres.url(), autocommit=True) as conn:
            active = "SELECT 1 FROM pg_stat_activity WHERE application_name = %s AND wait_event = 'PgSleep'"
            return conn.execute(active, (name,)).fetchone() is not None

    loop = asyncio.new_event_loop()
    task = loop.create_task(pool.query("SELECT pg_sleep(60)"))
    loop.run_until_complete(asyncio.to_thread(eventually, running, "the statement"))
    loop.close()
    with asyncio.Runner() as runner:
        assert runner.run(pool.query("SELECT 1 AS one")) == [{"one": 1}]
        runner.run(pool.close())
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # it was destroyed, and that is what is tested


@DRIVERS
@NEW_LOOP
def test_two_loops_at_once(url: str, new_loop: Any) -> None:
    pool = AsyncPool(url)
    with asyncio.Runner(loop_factory=new_loop) as first, asyncio.Runner(loop_factory=new_loop) as second:
        assert first.run(pool.query("SELECT 1 AS one")) == [{"one": 1}]
        with pytest.raises(PoolError, match="another event loop that is still alive"):
            second.run(pool.query("SELECT 1"))
        assert first.run(pool.query("SELECT 1 AS one")) == [{"one": 1}]
        first.run(pool.close())


@DRIVERS
@NEW_LOOP
def test_a_fork(postgres: Postgres, url: str, new_loop: Any, sessions: Callable[[], int]) -> None:
    """The child has connections of its own; those of the parent live on, and so does its loop."""
    pool = AsyncPool(url, max_size=2)
    others = sockets_to(postgres.port)

    async def in_child() -> None:
        assert sockets_to(postgres.port) == others
        assert await pool.query("SELECT 1 AS one") == [{"one": 1}]
        gc.collect()
        assert sockets_to(postgres.port) == others + 1
        await pool.close()

    async def parent() -> None:
        await pool.warm(2)
        pids = {(await pool.query("SELECT pg_backend_pid() AS pid"))[0]["pid"] for _ in range(3)}
        child = os.fork()
        if not child:
            complaints: list[Any] = []
            sys.unraisablehook = complaints.append
            try:
                with no_complaint(), asyncio.Runner(loop_factory=new_loop) as runner:
                    runner.run(in_child())
            except BaseException as error:
                complaints.append(error)
            os._exit(len(complaints))
        _, status = await asyncio.to_thread(os.waitpid, child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert sessions() == 2
        for _ in range(3):
            assert (await pool.query("SELECT pg_backend_pid() AS pid"))[0]["pid"] in pids
        await pool.close()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(parent())
    eventually(lambda: sessions() == 0, "the end of the sessions", within=1.0)


@DRIVERS
@NEW_LOOP
def test_a_fork_with_a_connection_out_on_lease(url: str, new_loop: Any, sessions: Callable[[], int]) -> None:
    """What the child collects was the parent's, and stays so."""
    pool = AsyncPool(url)

    async def parent() -> None:
        conn = await pool.getconn()
        child = os.fork()
        if not child:
            del conn
            gc.collect()
            os._exit(0)
        await asyncio.to_thread(os.waitpid, child, 0)
        await conn.execute("SELECT 1")
        await pool.putconn(conn)
        assert sessions() == 1
        await pool.close()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(parent())


@DRIVERS
@NEW_LOOP
def test_a_lease_that_is_lost(url: str, new_loop: Any, sessions: Callable[[], int]) -> None:
    async def lose() -> None:
        pool = AsyncPool(url, max_size=1)
        conn = await pool.getconn()
        await conn.execute("SELECT 1")
        del conn
        assert await pool.query("SELECT 1 AS one") == [{"one": 1}]
        assert pool.stats().retired == {"leaked": 1}
        await asyncio.to_thread(eventually, lambda: sessions() == 1, "the end of the lost session")
        await pool.close()

    with no_complaint(), asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(lose())


@DRIVERS
@NEW_LOOP
def test_a_pool_that_is_never_closed(url: str, new_loop: Any, sessions: Callable[[], int]) -> None:
    async def forget() -> None:
        await AsyncPool(url).warm(2)

    with no_complaint(), asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(forget())
        gc.collect()
        runner.run(asyncio.sleep(0))
    eventually(lambda: sessions() == 0, "the end of the sessions", within=1.0)


@NEW_LOOP
@pytest.mark.parametrize("scheme", ["postgresql+asyncpg"])
def test_a_pool_that_was_closed_leaves_nothing_on_the_loop(url: str, new_loop: Any) -> None:
    async def use() -> None:
        pool = AsyncPool(url)
        await pool.query("SELECT 1")
        await pool.close()
        del pool
        gc.collect()
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with no_complaint(), asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(use())


@DRIVERS
@NEW_LOOP
def test_a_fork_between_two_runs(url: str, new_loop: Any, sessions: Callable[[], int]) -> None:
    """The child loses the loop of its parent to the garbage collector, and with it whatever that held."""
    pool = AsyncPool(url, max_size=2)
    runner = asyncio.Runner(loop_factory=new_loop)
    runner.run(pool.warm(2))
    child = os.fork()
    if not child:
        complaints: list[Any] = []
        sys.unraisablehook = complaints.append
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                with asyncio.Runner(loop_factory=new_loop) as own:
                    assert own.run(pool.query("SELECT 1 AS one")) == [{"one": 1}]
                    own.run(pool.close())
                del pool
                warnings.simplefilter("ignore")  # the loop itself may well complain
                del runner
                gc.collect()
        except BaseException as error:
            complaints.append(error)
        os._exit(len(complaints))
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert sessions() == 2
    with runner:
        assert runner.run(pool.query("SELECT 1 AS one")) == [{"one": 1}]
        assert sessions() == 2
        runner.run(pool.close())
