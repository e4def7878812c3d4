"""Ten thousand leases and two hundred dials leave no descriptor, no object and no memory behind."""

from __future__ import annotations

import gc
import os
import tracemalloc
import warnings

from tests.drivers.conformance.case import Case, over
from tests.support.losses import at_rest, nothing_lost

#: What caches and the interpreter itself may grow by: far less than one object for each turn.
OBJECTS = 150
BYTES = 100_000


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def objects() -> int:
    gc.collect()
    return len(gc.get_objects())


@over(loops=True)
async def test_leases(case: Case) -> None:
    pool = case.pool(max_size=1)

    async def cycles(count: int) -> None:
        for _ in range(count):
            async with pool.connection():
                pass

    await cycles(100)
    before, files = objects(), descriptors()
    await cycles(10_000)
    assert objects() - before < OBJECTS
    assert descriptors() == files
    assert pool.stats().opened == 1


@over()
async def test_statements(case: Case) -> None:
    pool = case.pool(max_size=1)

    async def cycles(count: int) -> None:
        for number in range(count):
            await pool.query(case.dialect.length, ("x" * (number % 10),))
            await pool.execute("SELECT 1")

    await cycles(50)
    before, files = objects(), descriptors()
    tracemalloc.start()
    try:
        await cycles(10)
        size, _ = tracemalloc.get_traced_memory()
        await cycles(500)
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] - size < BYTES
    finally:
        tracemalloc.stop()
    assert objects() - before < OBJECTS
    assert descriptors() == files


@over(loops=True)
async def test_dials(case: Case) -> None:
    pool = case.pool(max_size=1)

    async def cycles(count: int) -> None:
        for number in range(count):
            await pool.query("SELECT 1")
            async with pool.connection() as conn:
                await case.run_on(conn, case.dialect.leave if number % 2 else "SELECT 1")
            await pool.expire()

    await cycles(10)
    before, files = objects(), descriptors()
    with nothing_lost(case.server.port):
        await cycles(200)
        if case.is_async:
            await case.until(lambda: descriptors() <= files)
    assert objects() - before < OBJECTS
    assert descriptors() <= files
    assert pool.stats().opened == 210


@over()
async def test_a_lease_that_is_lost_frees_its_seat_and_its_connection_is_never_lent_again(case: Case) -> None:
    pool = case.pool(max_size=1)

    async def lose() -> int:
        conn = await pool.getconn()
        return int(await case.value(conn, case.dialect.session))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        lost = await lose()
        gc.collect()
        assert await case.session(pool) != lost
    assert pool.stats().opened == 2
    at_rest(pool)
    outside = case.outside
    await case.until(lambda: not outside.alive(lost))
