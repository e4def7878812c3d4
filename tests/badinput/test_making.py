"""Mistakes in making a pool: found when it is made, else at its first use."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest
from tests.api.flavours import Flavour
from tests.badinput.table import CANARY, assert_sound, refused

from thawpool import AsyncPool, Pool
from thawpool.testing.postgres import Postgres

#: Nothing listens there, and nothing is to be asked there.
NOWHERE = f"postgresql://user:{CANARY}@127.0.0.1:1/db"


async def test_no_url(flavour: Flavour, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "POSTGRES_URL", "MYSQL_URL"):
        monkeypatch.delenv(name, raising=False)
    pool = flavour.pool()
    with refused("no URL anywhere"):
        await pool.query("SELECT 1")
    assert_sound(pool)


async def test_a_url_that_comes_later(
    flavour: Flavour, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some platforms load the environment after the code."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    pool = flavour.pool()
    with refused("no URL anywhere"):
        await pool.query("SELECT 1")
    monkeypatch.setenv("DATABASE_URL", flavour.url(postgres.url()))
    assert await pool.query("SELECT 1 AS n") == [{"n": 1}]


async def test_urls_that_cannot_work(flavour: Flavour) -> None:
    for what, url in (
        ("a scheme that is none", NOWHERE.replace("postgresql", "oracle")),
        ("a parameter in the URL that nobody knows", NOWHERE + "?sslmod=require"),
        ("a placeholder as password", "postgresql://user:[YOUR-PASSWORD]@127.0.0.1:1/db"),
    ):
        pool: Any = AsyncPool(url) if flavour.is_async else Pool(url)
        with refused(what):
            await pool.query("SELECT 1") if flavour.is_async else pool.query("SELECT 1")
        assert_sound(pool)


async def test_drivers_that_cannot_work(flavour: Flavour) -> None:
    mysql = "asyncmy" if flavour.is_async else "pymysql"
    for what, url in (
        ("a driver that there is not", NOWHERE.replace("postgresql", "postgresql+psycop")),
        ("a driver for the other server", NOWHERE.replace("postgresql", f"postgresql+{mysql}")),
        ("a character set that there is not", NOWHERE.replace("postgresql", "mysql") + "?charset=utf8mb5"),
    ):
        pool: Any = AsyncPool(url) if flavour.is_async else Pool(url)
        with refused(what):
            await pool.query("SELECT 1") if flavour.is_async else pool.query("SELECT 1")
        assert_sound(pool)


def test_an_asyncio_driver_in_a_pool_for_threads() -> None:
    with Pool(NOWHERE.replace("postgresql", "postgresql+asyncpg")) as pool:
        with refused("a driver for asyncio in a `Pool`"):
            pool.query("SELECT 1")


def test_a_driver_for_threads_in_an_async_pool() -> None:
    pool = AsyncPool(NOWHERE.replace("postgresql", "mysql+pymysql"))
    with refused("a driver for threads in an `AsyncPool`"):
        asyncio.run(pool.query("SELECT 1"))


async def test_a_driver_that_is_not_installed(flavour: Flavour, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = flavour.pool(NOWHERE)
    monkeypatch.setitem(sys.modules, flavour.driver, None)
    with refused("a driver that is not installed"):
        await pool.query("SELECT 1")
    assert_sound(pool)


OPTIONS: list[tuple[str, dict[str, Any]]] = [
    ("an option that there is not", {"max_sise": 3}),
    ("an option in the words of another pool", {"pool_size": 3}),
    ("an option in the words of node's mysql2", {"connectionLimit": 3}),
    ("an option out of its range", {"max_size": 0}),
    ("an option of another type", {"timeout": "5"}),
    ("an option that would wait for ever", {"timeout": None}),
    ("a URL and a host", {"host": "127.0.0.1", "driver": "psycopg"}),
]


@pytest.mark.parametrize("cls", [Pool, AsyncPool])
def test_options_that_cannot_work(cls: type[Any]) -> None:
    for what, options in OPTIONS:
        with refused(what):
            cls(NOWHERE, password=CANARY, **options)


@pytest.mark.parametrize("cls", [Pool, AsyncPool])
def test_parts_that_cannot_work(cls: type[Any]) -> None:
    with refused("a host without a driver"):
        cls(host="127.0.0.1", user="user", password=CANARY)
    with refused("a host that holds a URL"):
        cls(driver="psycopg", host=NOWHERE)


def test_an_async_hook_in_a_pool_for_threads() -> None:
    async def check(conn: object) -> bool:
        return True

    with refused("an async hook in a `Pool`"):
        Pool(NOWHERE, check=check)


@pytest.mark.parametrize("verb", ["query", "connection", "transaction", "getconn", "warm", "close"])
def test_an_async_pool_where_no_asyncio_runs(verb: str) -> None:
    """As trio does it: the coroutine is driven by hand, and asyncio knows nothing of a loop."""
    pool = AsyncPool(NOWHERE)

    async def use() -> None:
        if verb in ("connection", "transaction"):
            async with getattr(pool, verb)():
                pass
        else:
            await getattr(pool, verb)(*["SELECT 1"][: verb == "query"])

    with refused("an `AsyncPool` where no asyncio runs, as under trio"):
        use().send(None)
    assert_sound(pool)


def test_one_async_pool_on_two_living_loops(postgres: Postgres) -> None:
    pool = AsyncPool(postgres.url(password=CANARY))
    first, second = asyncio.new_event_loop(), asyncio.new_event_loop()
    try:
        first.run_until_complete(pool.query("SELECT 1"))
        with refused("one `AsyncPool` on two loops that are both alive"):
            second.run_until_complete(pool.query("SELECT 1"))
        assert first.run_until_complete(pool.query("SELECT 1 AS n")) == [{"n": 1}]
        assert_sound(pool)
        first.run_until_complete(pool.close())
    finally:
        first.close()
        second.close()
