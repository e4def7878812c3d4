"""One pool at module level, and event loops that come and go."""

from __future__ import annotations

import asyncio
import threading

import pytest
from tests.api.flavours import ASYNC, Flavour
from tests.support.children import Child
from tests.support.waiting import eventually

from thawpool import AsyncPool, Pool, PoolError
from thawpool.testing.postgres import Postgres

FOUR_RUNS = """
    import asyncio
    from thawpool import AsyncPool
    pool = AsyncPool(sys.argv[1], max_size=3)      # before any loop

    async def request():
        rows = await asyncio.gather(*[pool.query("SELECT %s::int AS n", (n,)) for n in range(10)])
        assert rows == [[{"n": n}] for n in range(10)]
        async with pool.transaction() as tx:
            await tx.execute("SELECT 1")

    def run(main):
        if sys.argv[2] == "uvloop":
            import uvloop
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                return runner.run(main)
        return asyncio.run(main)

    for _ in range(4):
        run(request())
        say(pool.stats().total)
    hear()
    run(pool.close())
"""


@ASYNC
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_four_loops_in_a_row_without_a_warning(flavour: Flavour, postgres: Postgres, loop: str) -> None:
    name = f"four runs, {flavour.name}, {loop}"
    with (
        Pool(postgres.url()) as watch,
        Child(FOUR_RUNS, flavour.url(postgres.url(application_name=name)), loop) as child,
    ):
        totals = [int(child.hear()) for _ in range(4)]
        assert max(totals) <= 3
        # No more than the last loop's connections are left: those of the former ones were closed by the pool.
        sql = "SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = %s"
        eventually(
            lambda: watch.query(sql, (name,))[0]["n"] <= totals[-1], "the end of old sessions", within=1.0
        )
        child.say()
        # In development mode asyncio remarks on the time that importing the driver takes.
        remarks = [line for line in child.finish().splitlines() if not line.startswith("Executing <")]
        assert remarks == []


@ASYNC
def test_leases_that_a_dead_loop_left_out_are_closed_too(flavour: Flavour, postgres: Postgres) -> None:
    name = f"left out, {flavour.name}"
    pool = AsyncPool(flavour.url(postgres.url(application_name=name)), max_size=2)
    held: list[object] = []

    async def keep() -> None:
        held.append(await pool.getconn())
        lease = pool.connection()
        held.append((lease, await lease.__aenter__()))

    async def query() -> None:
        assert await pool.query("SELECT 1 AS one", timeout=1.0) == [{"one": 1}]
        assert (pool.stats().total, pool.stats().used) == (1, 0)

    asyncio.run(keep())
    with asyncio.Runner() as runner, Pool(postgres.url()) as watch:
        runner.run(query())
        sql = "SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = %s"
        eventually(lambda: watch.query(sql, (name,)) == [{"n": 1}], "the end of old sessions", within=1.0)
        runner.run(pool.close())


@ASYNC
def test_two_loops_at_once_are_told_what_to_do(flavour: Flavour, postgres: Postgres) -> None:
    pool = AsyncPool(flavour.url(postgres.url()))
    here: list[BaseException] = []

    async def elsewhere() -> None:
        for act in (pool.query("SELECT 1"), pool.connection().__aenter__(), pool.warm(1)):
            with pytest.raises(PoolError, match="one AsyncPool for each loop") as caught:
                await act
            here.append(caught.value)

    async def main() -> None:
        await pool.query("SELECT 1")
        thread = threading.Thread(target=asyncio.run, args=(elsewhere(),))
        thread.start()
        await asyncio.get_running_loop().run_in_executor(None, thread.join)
        assert await pool.query("SELECT 1 AS one") == [{"one": 1}]  # this loop goes on undisturbed
        await pool.close()

    asyncio.run(main())
    assert len(here) == 3
