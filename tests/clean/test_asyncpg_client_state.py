"""What a borrower changes on asyncpg's connection object is put back, or the connection is retired."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.api.flavours import Flavour
from tests.conftest import ProxyFactory

from thawpool import LeaseError

ASYNCPG = pytest.mark.parametrize("flavour", ["asyncpg"], indirect=True)


def heard(*args: Any) -> None:
    """A listener."""


def face(conn: Any) -> dict[str, Any]:
    """The client's side of a connection."""
    return {
        "listeners": {channel: len(callbacks) for channel, callbacks in conn._listeners.items()},
        "log": len(conn._log_listeners),
        "termination": len(conn._termination_listeners),
        "query": len(conn._query_loggers),
        "transaction": conn._top_xact,
    }


async def listen(conn: Any) -> None:
    await conn.add_listener("news", heard)


async def log(conn: Any) -> None:
    conn.add_log_listener(heard)


async def termination(conn: Any) -> None:
    conn.add_termination_listener(heard)


async def query_logger(conn: Any) -> None:
    conn.add_query_logger(heard)


async def transaction(conn: Any) -> None:
    await conn.transaction().start()


@ASYNCPG
@pytest.mark.parametrize("change", [listen, log, termination, query_logger, transaction])
async def test_a_change_is_put_back(
    flavour: Flavour, furniture: str, change: Callable[[Any], Awaitable[None]]
) -> None:
    pool = flavour.pool(furniture, max_size=1)
    async with pool.connection() as conn:
        before = face(conn)
        await change(conn)
        assert face(conn) != before
    async with pool.connection() as conn:
        assert face(conn) == before
        assert not conn.is_in_transaction()
        assert await conn.fetchval("SELECT count(*) FROM pg_listening_channels()") == 0
    assert pool.stats().opened == 1


@ASYNCPG
async def test_a_listener_of_configure_cannot_be_taken_from_the_next(
    flavour: Flavour, furniture: str
) -> None:
    def configure(conn: Any) -> None:
        conn.add_log_listener(heard)
        conn.add_query_logger(heard)

    pool = flavour.pool(furniture, max_size=1, configure=configure)
    async with pool.connection() as conn:
        conn.remove_log_listener(heard)
        conn.remove_query_logger(heard)
    async with pool.connection() as conn:
        assert (face(conn)["log"], face(conn)["query"]) == (1, 1)


@ASYNCPG
async def test_a_codec_retires_the_connection(flavour: Flavour, furniture: str) -> None:
    pool = flavour.pool(furniture, max_size=1)
    async with pool.connection() as conn:
        await conn.set_type_codec("int4", encoder=str, decoder=str, schema="pg_catalog")
        assert await conn.fetchval("SELECT 1") == "1"
    assert (pool.stats().total, pool.stats().retired) == (0, {"dirty": 1})
    async with pool.connection() as conn:
        assert await conn.fetchval("SELECT 1") == 1


@ASYNCPG
async def test_a_codec_of_configure_is_what_every_borrower_finds(flavour: Flavour, furniture: str) -> None:
    async def configure(conn: Any) -> None:
        await conn.set_type_codec("int4", encoder=str, decoder=str, schema="pg_catalog")

    pool = flavour.pool(furniture, max_size=1, configure=configure)
    for statement in ("SELECT 1", "SET work_mem = '7MB'", "SELECT 1"):
        async with pool.connection() as conn:
            assert await conn.fetchval("SELECT 1") == "1"
            await conn.execute(statement)
    assert pool.stats().opened == 1


@ASYNCPG
async def test_blocks_and_statements_cost_no_reset(
    flavour: Flavour, furniture: str, proxy: ProxyFactory
) -> None:
    wire = proxy(record=True)
    pool = flavour.pool(wire.url(furniture), max_size=1)
    async with pool.connection() as conn:
        async with conn.transaction():
            async with conn.transaction():
                await conn.fetch("SELECT 1")
        await conn.executemany("INSERT INTO clean_rows VALUES ($1)", [(1,), (2,)])
        statement = await conn.prepare("SELECT $1::int")
        assert await statement.fetchval(5) == 5
        async with conn.transaction(), conn.transaction():
            assert [record["n"] async for record in conn.cursor("SELECT 1 AS n")] == [1]
        wire.clear()
    assert b"RESET" not in wire.sent
    async with pool.connection() as conn:
        assert await conn.fetchval("SELECT 2") == 2
    assert pool.stats().opened == 1


@ASYNCPG
async def test_what_was_derived_from_one_lease_is_of_no_use_in_the_next(
    flavour: Flavour, furniture: str
) -> None:
    """The connection is on lease again, to somebody else: the old objects still refuse."""
    pool = flavour.pool(furniture, max_size=1)
    async with pool.connection() as conn:
        statement = await conn.prepare("SELECT 1")
        block = conn.transaction()
        await block.start()
    async with pool.connection() as conn:
        with pytest.raises(LeaseError):
            await statement.fetch()
        with pytest.raises(LeaseError):
            await block.rollback()
        assert await conn.fetchval("SELECT 1") == 1
    assert pool.stats().opened == 1


@ASYNCPG
async def test_a_copy_that_broke_off_retires_the_connection(flavour: Flavour, furniture: str) -> None:
    pool = flavour.pool(furniture, max_size=1)

    async def rows() -> Any:
        yield b"1\n"
        raise ZeroDivisionError

    async with pool.connection() as conn:
        with pytest.raises(ZeroDivisionError):
            await conn.copy_to_table("clean_rows", source=rows())
    assert (pool.stats().total, pool.stats().retired) == (0, {"busy": 1})
    assert await pool.query("SELECT 1 AS n") == [{"n": 1}]
