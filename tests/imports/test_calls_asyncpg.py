"""What a statement through the pool on asyncpg costs beyond asyncpg, measured in calls instead of time.

A call of a coroutine counts each time that it goes on. So each one between the borrower and asyncpg's protocol
object counts twice, since the statement waits once.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Any

import asyncpg
import pytest

from thawpool import AsyncPool
from thawpool._base import PoolBase
from thawpool.testing.postgres import Postgres

SQL = "SELECT 1 AS one"
#: Calls in Python code of the pool and of asyncpg, and calls of C from there, that each form may take.
AT_MOST = {"held": (9, 3), "pooled": (18, 8), "query": (31, 24)}


class Calls:
    """Counts the calls made in the code of these packages, while it is the profiler."""

    def __init__(self) -> None:
        self.python: Counter[str] = Counter()
        self.c: Counter[str] = Counter()

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        if frame.f_globals["__name__"].partition(".")[0] not in ("thawpool", "asyncpg"):
            return
        if event == "call" and frame.f_code.co_name != "<listcomp>":  # no call any more since Python 3.12
            self.python[frame.f_code.co_qualname] += 1
        elif event == "c_call":
            self.c[argument.__qualname__] += 1


async def counted(statement: Callable[[], Awaitable[object]]) -> Calls:
    for _ in range(3):
        await statement()
    calls = Calls()
    sys.setprofile(calls)
    try:
        await statement()
    finally:
        sys.setprofile(None)
    return calls


async def every_form(url: str) -> dict[str, Calls]:
    raw = await asyncpg.connect(url)
    pool = AsyncPool(url.replace("postgresql:", "postgresql+asyncpg:"), max_size=1)

    async def pooled() -> None:
        async with pool.connection() as conn:
            await conn.fetch(SQL)

    calls = {
        "raw": await counted(lambda: raw.fetch(SQL)),
        "pooled": await counted(pooled),
        "query": await counted(lambda: pool.query(SQL)),
    }
    async with pool.connection() as conn:
        calls["held"] = await counted(lambda: conn.fetch(SQL))
    await pool.close()
    await raw.close()
    return calls


@pytest.fixture(scope="module")
def calls(postgres: Postgres) -> dict[str, Calls]:
    PoolBase._marks = False  # no invocation of another test's
    return asyncio.run(every_form(postgres.url()))


@pytest.mark.parametrize("form", AT_MOST)
def test_a_statement_takes_so_many_calls(calls: dict[str, Calls], form: str) -> None:
    found = calls[form]
    counts = found.python.total(), found.c.total()
    told = f"Python: {dict(found.python)}; C: {dict(found.c)}"
    assert all(count <= most for count, most in zip(counts, AT_MOST[form], strict=True)), told


def test_a_statement_on_a_lease_takes_fewer_calls_than_asyncpg_alone(calls: dict[str, Calls]) -> None:
    """What is saved there pays for the lease."""
    assert calls["held"].python.total() < calls["raw"].python.total() - 5
