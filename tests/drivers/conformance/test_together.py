"""Two tasks that use one connection at a time may both fail, but leave nothing of their replies to the next borrower."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from tests.drivers.conformance.case import ASYNCIO, Case
from tests.support.losses import at_rest

from thawpool import AsyncPool

Ask = Callable[[str], Coroutine[Any, Any, Any]]
#: Nobody here has to wait this long, in seconds, but for a reply that another one has read.
HUNG = 0.25
FAILS = "SELECT there_is_no_such_column"
WORKS = "SELECT 42 AS n"
SLOW = "(slow)"
LONG = "SELECT repeat('x', 200000) AS t"
PAIRS = [(FAILS, SLOW), (FAILS, WORKS), (WORKS, FAILS), (SLOW, WORKS), (LONG, WORKS), (FAILS, LONG)]


async def both(ask: Ask, pair: tuple[str, str], how: str, asked: list[asyncio.Task[Any]]) -> None:
    """Ask both at a time, and go on as ``how`` says; what was asked may still be going on then."""
    asked += [asyncio.ensure_future(ask(sql)) for sql in pair]
    if how == "the first that fails":
        await asyncio.gather(*asked)
    elif how == "the first that ends":
        await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
    else:
        await asyncio.sleep(0)
        asked[1].cancel()
        await asyncio.wait(asked)


async def assert_nothing_left(pool: AsyncPool) -> None:
    """Nothing of theirs is in the replies that others get."""
    for number in range(3):
        assert await pool.query(f"SELECT {number} AS mine", timeout=5.0) == [{"mine": number}]
    at_rest(pool)


@ASYNCIO
@pytest.mark.parametrize("how", ["the first that fails", "the first that ends", "one is cancelled"])
@pytest.mark.parametrize("where", ["lease", "transaction"])
async def test_two_tasks_on_one_connection(case: Case, where: str, how: str) -> None:
    pool = case.pool(max_size=1)
    asked: list[asyncio.Task[Any]] = []
    for pair in PAIRS:
        first, second = (case.dialect.sleep.format(0.05) if sql == SLOW else sql for sql in pair)
        try:
            async with asyncio.timeout(HUNG):
                if where == "lease":
                    async with pool.connection() as conn:
                        await both(lambda sql: case.rows(conn, sql), (first, second), how, asked)
                else:
                    async with pool.transaction() as tx:
                        await both(tx.query, (first, second), how, asked)
        except Exception:
            pass  # each library has its own idea of it; what counts is who comes next
        if (
            case.driver != "psycopg"
        ):  # its task would wait on a descriptor that is another connection's by now
            await assert_nothing_left(pool)
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        asked.clear()
        await assert_nothing_left(pool)
