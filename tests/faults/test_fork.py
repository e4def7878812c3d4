"""A child of fork leaves its parent's connections alone and opens its own."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import threading
import traceback
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from tests.api.flavours import ASYNC, Flavour
from tests.support.stale_proxy import StaleProxy

from thawpool import AsyncPool, Pool
from thawpool.testing.postgres import Postgres

ONE = [{"one": 1}]


def in_child(work: Callable[[], None]) -> None:
    """Run ``work`` in a forked child; an AssertionError with its traceback if it failed."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # other threads run: that is the point
        pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException:
            os.write(writer, traceback.format_exc().encode()[-4000:])
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader, encoding="utf-8") as complaint:
        text = complaint.read()
    os.waitpid(pid, 0)
    assert text == ""


@pytest.fixture
def url(link: StaleProxy, postgres: Postgres) -> str:
    return link.url(postgres.url())


def test_connections_in_use_and_waited_for(url: str) -> None:
    pool = Pool(url, max_size=3)
    pool.warm(3)
    with pool.connection() as first, pool.connection() as second:
        second.execute("SET application_name = 'dirty'")
        third = pool.getconn()
        third.execute("SET application_name = 'dirty'")
        answers: list[object] = []
        waiter = threading.Thread(target=lambda: answers.append(pool.query("SELECT 1 AS one", timeout=15.0)))
        waiter.start()
        while not pool.stats().waiting:
            pass

        def child() -> None:
            stats = pool.stats()
            assert (stats.total, stats.waiting, stats.retired["forked"]) == (0, 0, 3)
            with pytest.raises(Exception, match=r"(?i)closed|returned"):
                first.execute("SELECT 1")
            with pytest.raises(Exception, match=r"(?i)closed|returned"):
                third.execute("SELECT 1")
            assert pool.query("SELECT 1 AS one") == ONE
            pool.close()

        in_child(child)
        pool.putconn(third)
        waiter.join(5.0)
        assert answers == [ONE]
        assert first.execute("SELECT 1 AS one").fetchone() == (1,)
        assert second.execute("SELECT 1 AS one").fetchone() == (1,)
    assert pool.stats().opened == 3  # no connection of the parent was lost
    assert pool.query("SELECT 1 AS one") == ONE
    pool.close()


@pytest.mark.parametrize("how", ["block", "getconn", "transaction"])
def test_a_child_that_leaves_the_block_it_was_forked_in(url: str, postgres: Postgres, how: str) -> None:
    """What the child does with a lease of its parent never reaches the server: no reset, no ROLLBACK, no goodbye."""
    with StaleProxy("127.0.0.1", postgres.port, record=True) as link:
        pool = Pool(link.url(postgres.url()), max_size=1)
        pool.query("SELECT 1")
        link.clear()

        def child() -> None:
            try:
                leave()
            except Exception:
                pass  # it may complain; the parent shall not notice
            gc.collect()

        leave: Callable[[], Any]
        if how == "getconn":
            conn = pool.getconn()
            leave = partial(pool.putconn, conn)
        else:
            lease: Any = pool.connection() if how == "block" else pool.transaction()
            entered = lease.__enter__()
            conn = entered if how == "block" else entered.connection
            leave = partial(lease.__exit__, None, None, None)
        conn.execute("SET application_name = 'dirty'")
        before = link.sent
        in_child(child)
        assert link.sent == before
        assert conn.execute("SHOW application_name").fetchone() == ("dirty",)
        leave()
        assert pool.stats().total == 1
        pool.close()


def test_children_of_multiprocessing(url: str) -> None:
    context = multiprocessing.get_context("fork")
    pool = Pool(url, max_size=2)
    pool.warm(2)
    answers = context.SimpleQueue()
    workers = [context.Process(target=lambda: answers.put(pool.query("SELECT 1 AS one"))) for _ in range(3)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        for worker in workers:
            worker.start()
    assert [answers.get() for _ in workers] == [ONE] * 3
    for worker in workers:
        worker.join()
    assert pool.query("SELECT 1 AS one") == ONE
    assert pool.stats().opened == 2
    pool.close()


@ASYNC
def test_an_async_pool_in_a_child_with_a_loop_of_its_own(flavour: Flavour, url: str) -> None:
    pool = AsyncPool(flavour.url(url), max_size=2)

    async def query() -> None:
        assert await pool.query("SELECT 1 AS one") == ONE

    def child() -> None:
        asyncio.run(query())
        asyncio.run(pool.close())

    async def parent() -> None:
        await pool.warm(2)
        async with pool.connection() as conn:
            in_child(child)
            assert await flavour.value(conn, "SELECT 1") == 1
            await query()
        assert pool.stats().opened == 2
        await pool.close()

    asyncio.run(parent())
