"""A statement through psycopg, measured in calls instead of time: a number that no busy machine can blur.

What is counted are the calls of Python functions of psycopg's and ours, a generator's or coroutine's every step among
them. A statement of the pool's may take no more of them, the lease included, than one on a connection of psycopg's
own.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Any

import psycopg
import pytest

from thawpool import AsyncPool, Pool
from thawpool.testing.postgres import Postgres

SQL = "SELECT n, 'name' AS name FROM generate_series(1, 50) AS n"
#: Often enough that psycopg has prepared it.
TIMES = 8
#: The lease or the look, the statement, its rows and the return. psycopg's own statement takes 45, under asyncio 51.
AT_MOST = {"a lease": {"sync": 30, "async": 39}, "a query": {"sync": 28, "async": 39}}


class Calls:
    """Records calls while it is the profiler."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "call" and frame.f_globals["__name__"].partition(".")[0] in ("psycopg", "thawpool"):
            self.seen.append(frame.f_code.co_qualname)


def counted(statement: Callable[[], Any]) -> list[str]:
    for _ in range(TIMES):
        statement()
    calls = Calls()
    sys.setprofile(calls)
    statement()
    sys.setprofile(None)
    return calls.seen


async def counted_async(statement: Callable[[], Awaitable[Any]]) -> list[str]:
    for _ in range(TIMES):
        await statement()
    calls = Calls()
    sys.setprofile(calls)
    await statement()
    sys.setprofile(None)
    return calls.seen


def sync_calls(url: str, what: str) -> list[str]:
    if what == "psycopg":
        with psycopg.connect(url, autocommit=True) as own:
            return counted(lambda: own.execute(SQL).fetchall())
    with Pool(url) as pool:

        def leased() -> None:
            with pool.connection() as conn:
                conn.execute(SQL).fetchall()

        return counted(leased if what == "a lease" else lambda: pool.query(SQL))


async def async_calls(url: str, what: str) -> list[str]:
    if what == "psycopg":
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as own:

            async def held() -> None:
                await (await own.execute(SQL)).fetchall()

            return await counted_async(held)
    async with AsyncPool(url) as pool:

        async def leased() -> None:
            async with pool.connection() as conn:
                await (await conn.execute(SQL)).fetchall()

        return await counted_async(leased if what == "a lease" else lambda: pool.query(SQL))


def calls_of(flavour: str, url: str, what: str) -> list[str]:
    return sync_calls(url, what) if flavour == "sync" else asyncio.run(async_calls(url, what))


@pytest.mark.parametrize("flavour", ["sync", "async"])
@pytest.mark.parametrize("what", AT_MOST)
def test_a_statement_takes_no_more_calls_than_psycopgs_own(
    postgres: Postgres, what: str, flavour: str
) -> None:
    calls = calls_of(flavour, postgres.url(), what)
    assert len(calls) <= AT_MOST[what][flavour], calls
    assert len(calls) <= len(calls_of(flavour, postgres.url(), "psycopg"))
