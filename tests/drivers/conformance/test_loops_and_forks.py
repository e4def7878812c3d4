"""A new event loop and a forked child leave nothing of the old one's behind, and disturb nobody."""

from __future__ import annotations

import asyncio
import os
import traceback
import warnings
from collections.abc import Callable

import pytest
from tests.drivers.conformance.case import ASYNCIO, THREADS, Case, over
from tests.support.children import Child
from tests.support.stale_proxy import StaleProxy
from tests.support.waiting import eventually

from thawpool import AsyncPool, Pool

ONE = [{"one": 1}]

FOUR_RUNS = """
    import asyncio
    from tests.drivers.conformance.case import Case
    case = Case(sys.argv[1])
    pool = case.pool(sys.argv[2], max_size=3)      # before any loop
    sessions = set()

    async def request():
        async def one():
            async with pool.connection() as conn:
                sessions.add(await case.value(conn, case.dialect.session))
        await asyncio.gather(*[one() for n in range(10)])
        async with pool.transaction() as tx:
            await tx.execute("SELECT 1")

    def run(main):
        if case.loop:
            import uvloop
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                return runner.run(main)
        return asyncio.run(main)

    for _ in range(4):
        sessions.clear()
        run(request())
        say(" ".join(map(str, sessions)))
    hear()
    run(pool.close())
"""


@over(kind="asyncio", loops=True)
def test_four_loops_in_a_row_without_a_warning(case: Case) -> None:
    with Child(FOUR_RUNS, case.name, case.server.url()) as child:
        runs = [list(map(int, child.hear().split())) for _ in range(4)]
        former = [session for sessions in runs[:-1] for session in sessions]
        assert set(former).isdisjoint(runs[-1])
        outside = case.outside
        eventually(lambda: not outside.alive(*former), "the end of old sessions", within=1.0)
        child.say()
        # In development mode asyncio remarks on the time that importing the driver takes.
        remarks = [line for line in child.finish().splitlines() if not line.startswith("Executing <")]
        assert remarks == []


@ASYNCIO
def test_leases_that_a_dead_loop_left_out_are_closed_too(case: Case) -> None:
    pool = AsyncPool(case.url(case.server.url()), max_size=2)
    held: list[object] = []
    sessions: list[int] = []

    async def keep() -> None:
        conn = await pool.getconn()
        lease = pool.connection()
        other = await lease.__aenter__()
        held.extend((conn, lease, other))
        sessions.extend([int(await case.value(one, case.dialect.session)) for one in (conn, other)])

    async def query() -> None:
        assert await pool.query("SELECT 1 AS one", timeout=1.0) == ONE
        assert (pool.stats().total, pool.stats().used) == (1, 0)

    asyncio.run(keep())
    with asyncio.Runner() as runner:
        runner.run(query())
        eventually(lambda: not case.outside.alive(*sessions), "the end of old sessions", within=1.0)
        runner.run(pool.close())


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


@THREADS
def test_a_child_drops_what_it_inherited_and_sends_nothing_on_it(case: Case, link: StaleProxy) -> None:
    pool = Pool(case.url(link.url(case.server.url())), max_size=3)
    pool.warm(3)
    with pool.connection() as conn:
        execute(conn, case.dialect.leave)
        idle = list(link.conversations)
        before = [bytes(sent) for sent in idle]

        def child() -> None:
            assert (pool.stats().total, pool.stats().retired["forked"]) == (0, 3)
            with pytest.raises(
                Exception, match=r"(?i)closed|returned|lost|not connected|connection|server|0"
            ):
                execute(conn, "SELECT 1")
            assert pool.query("SELECT 1 AS one") == ONE
            pool.close()

        in_child(child)
        assert [bytes(sent) for sent in idle] == before
        execute(conn, "SELECT 1")
    for _ in range(3):
        assert pool.query("SELECT 1 AS one") == ONE
    assert pool.stats().opened == 3  # no connection of the parent was lost
    pool.close()


@THREADS
def test_a_child_that_leaves_the_block_it_was_forked_in_sends_nothing(case: Case, link: StaleProxy) -> None:
    pool = Pool(case.url(link.url(case.server.url())), max_size=1)
    lease = pool.transaction()
    tx = lease.__enter__()
    execute(tx.connection, case.dialect.leave)
    before = link.sent

    def child() -> None:
        try:
            lease.__exit__(None, None, None)
        except Exception:
            pass  # it may complain; the parent shall not notice

    in_child(child)
    assert link.sent == before
    execute(tx.connection, "SELECT 1")
    lease.__exit__(None, None, None)
    assert pool.stats().total == 1
    pool.close()


def execute(conn: object, sql: str) -> None:
    cursor = conn.cursor()  # type: ignore[attr-defined]
    cursor.execute(sql)
    if cursor.description:
        cursor.fetchall()
    cursor.close()


@ASYNCIO
def test_an_async_pool_in_a_child_with_a_loop_of_its_own(case: Case, link: StaleProxy) -> None:
    pool = AsyncPool(case.url(link.url(case.server.url())), max_size=2)

    async def query() -> None:
        assert await pool.query("SELECT 1 AS one") == ONE

    def child() -> None:
        asyncio.run(query())
        asyncio.run(pool.close())

    async def parent() -> None:
        await pool.warm(2)
        async with pool.connection() as conn:
            in_child(child)
            assert await case.value(conn, "SELECT 1") == 1
            await query()
        assert pool.stats().opened == 2
        await pool.close()

    asyncio.run(parent())
