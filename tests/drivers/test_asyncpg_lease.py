"""A lease of an asyncpg connection: what is accounted for, what its end puts back, and what it forbids afterwards."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
import pytest
from tests.conftest import ProxyFactory
from tests.support.loops import LoopFlavour
from tests.support.losses import at_most, nothing_lost
from tests.support.wire import messages

from thawpool import AsyncPool, ConfigError, LeaseError, ParamsError, PoolError, PoolTimeout
from thawpool.testing.postgres import Postgres

OVER = "returned to the pool and must not be used any more"


@pytest.fixture
def pool(flavour: LoopFlavour, postgres: Postgres) -> AsyncPool:
    return flavour.pool(postgres.url(), max_size=1)


# -- use after the end ---------------------------------------------------------------------------------


async def resources(conn: Any) -> dict[str, Callable[[], Any]]:
    """A use of each thing that a borrower can keep."""
    statement = await conn.prepare("SELECT generate_series(1, 9) AS n")
    transaction, unused = conn.transaction(), conn.transaction()
    await transaction.start()
    cursor = await conn.cursor("SELECT 1")
    rows = conn.cursor("SELECT 1")
    rows_of_statement = statement.cursor()
    await transaction.rollback()

    async def iterate(cursor: Any) -> None:
        async for _ in cursor:
            pass

    async def block() -> None:
        async with unused:
            pass

    return {
        "fetch": lambda: conn.fetch("SELECT 1"),
        "execute": lambda: conn.execute("SELECT 1"),
        "executemany": lambda: conn.executemany("SELECT $1::int", [(1,)]),
        "prepare": lambda: conn.prepare("SELECT 1"),
        "copy": lambda: conn.copy_from_query("SELECT 1", output=asyncio.sleep),
        "listener": lambda: conn.add_listener("news", print),
        "codec": lambda: conn.set_type_codec("json", encoder=str, decoder=str, schema="public"),
        "statement": lambda: statement.fetch(),
        "statement, many": lambda: statement.executemany([()]),
        "cursor": lambda: cursor.fetch(1),
        "cursor, forward": lambda: cursor.forward(1),
        "rows": lambda: iterate(rows),
        "rows of a statement": lambda: iterate(rows_of_statement),
        "transaction": lambda: unused.start(),
        "transaction block": block,
        "ended transaction": lambda: transaction.rollback(),
    }


async def test_nothing_works_once_the_connection_is_back(pool: AsyncPool, flavour: LoopFlavour) -> None:
    async with pool.connection() as conn:
        uses = await resources(conn)
    for what, use in uses.items():
        with pytest.raises(LeaseError, match=OVER):
            pytest.fail(f"{what}: {await use()}")
    assert await pool.query("SELECT 1 AS one") == [{"one": 1}]
    assert pool.stats().opened == 1


async def test_what_was_made_in_a_lease_dies_with_it(pool: AsyncPool, flavour: LoopFlavour) -> None:
    """Even while the next borrower has the connection; the connection itself cannot know who calls."""
    async with pool.connection() as conn:
        uses = await resources(conn)
    async with pool.connection() as again:
        assert again is conn
        for what in ("statement", "statement, many", "cursor", "cursor, forward", "rows", "rows of a statement",
                     "transaction", "transaction block", "ended transaction"):  # fmt: skip
            with pytest.raises(LeaseError, match=OVER):
                pytest.fail(f"{what}: {await uses[what]()}")
        assert await again.fetchval("SELECT 1") == 1


async def test_the_lease_of_a_block_that_is_left_open(pool: AsyncPool, flavour: LoopFlavour) -> None:
    async def rows(conn: Any) -> AsyncGenerator[int, None]:
        async with conn.transaction():
            yield 1

    async with pool.connection() as conn:
        left = rows(conn)
        await anext(left)
    async with pool.transaction() as tx:
        await tx.execute("CREATE TEMP TABLE mine (n int)")
        with pytest.raises(LeaseError):
            await left.aclose()
        assert await tx.query("SELECT * FROM mine") == []


# -- what is put back ----------------------------------------------------------------------------------


async def test_listeners_of_every_kind(flavour: LoopFlavour, postgres: Postgres) -> None:
    heard: list[str] = []

    async def configure(conn: Any) -> None:
        conn.add_log_listener(ours)
        await conn.add_listener("ours", ours)

    def ours(*_: Any) -> None:
        heard.append("ours")

    def theirs(*_: Any) -> None:
        heard.append("theirs")

    pool = flavour.pool(postgres.url(), max_size=1, configure=configure)
    async with pool.connection() as conn:
        conn.remove_log_listener(ours)
        conn.add_log_listener(theirs)
        conn.add_query_logger(theirs)
        conn.add_termination_listener(theirs)
        await conn.add_listener("ours", theirs)
        await conn.add_listener("theirs", theirs)
    heard.clear()
    for _ in range(3):
        async with pool.connection() as conn:
            await conn.execute("NOTIFY ours; NOTIFY theirs; DO $$ BEGIN RAISE WARNING 'heard'; END $$")
            await asyncio.sleep(0)
    assert heard == ["ours"] * 6
    await pool.close()
    await asyncio.sleep(0)
    assert heard == ["ours"] * 6
    assert pool.stats().opened == 1


async def test_a_codec_costs_the_connection(flavour: LoopFlavour, postgres: Postgres) -> None:
    async def codec(conn: Any, schema: str = "pg_catalog") -> None:
        await conn.set_type_codec("numeric", schema=schema, encoder=str, decoder=lambda text: f"<{text}>")

    pool = flavour.pool(postgres.url(), max_size=1)
    async with pool.connection() as conn:
        await codec(conn)
        assert await conn.fetchval("SELECT 1.5") == "<1.5>"
    assert pool.stats().retired == {"dirty": 1}
    assert await pool.query("SELECT 1.5::text AS n") == [{"n": "1.5"}]
    pool = flavour.pool(postgres.url(), max_size=1, configure=codec)
    for _ in range(3):
        assert await pool.query("SELECT 1.5 AS n") == [{"n": "<1.5>"}]
        await pool.execute("SET work_mem = '7MB'")
    assert (pool.stats().opened, pool.stats().retired) == (1, {})


async def test_names_of_ones_own(pool: AsyncPool, flavour: LoopFlavour) -> None:
    for n in range(3):
        async with pool.connection() as conn:
            statement = await conn.prepare(f"SELECT {n}", name="mine")
            assert await statement.fetchval() == n
    assert pool.stats().opened == 1


async def test_the_server_forgets_and_so_does_the_client(pool: AsyncPool, flavour: LoopFlavour) -> None:
    for n in range(3):
        async with pool.connection() as conn:
            assert await conn.fetchval("SELECT 1 + $1::int", n) == 1 + n
            kept = await conn.prepare("SELECT 2")
            await conn.execute("SET work_mem = '7MB'")
            assert await kept.fetchval() == 2
        named = "SELECT count(*) AS n FROM pg_prepared_statements WHERE statement NOT LIKE '%prepared_statements%'"
        assert await pool.query(named) == [{"n": 0}]
    assert pool.stats().opened == 1


async def test_types_that_asyncpg_must_ask_for_leave_nothing(
    flavour: LoopFlavour, postgres: Postgres, proxy: ProxyFactory
) -> None:
    wire = proxy()
    pool = flavour.pool(wire.url(postgres.url()), max_size=1)
    await pool.execute("DROP TYPE IF EXISTS mood; CREATE TYPE mood AS ENUM ('sad', 'happy')")
    async with pool.connection() as conn:
        assert await conn.fetchval("SELECT $1::mood", "sad") == "sad"
        wire.clear()
    assert wire.chunks_up == 0
    await pool.execute("DROP TYPE mood")


async def test_a_transaction_of_asyncpgs_that_is_left_open(pool: AsyncPool, flavour: LoopFlavour) -> None:
    async with pool.connection() as conn:
        await conn.transaction().start()
    async with pool.connection() as conn:
        assert not conn.is_in_transaction()
        async with conn.transaction(isolation="serializable"):
            assert await conn.fetchval("SHOW transaction_isolation") == "serializable"
        # One that was ended behind asyncpg's back, too.
        await conn.transaction().start()
        await conn.execute("ROLLBACK")
    async with pool.connection() as conn, conn.transaction(isolation="serializable"):
        assert await conn.fetchval("SHOW transaction_isolation") == "serializable"
    assert pool.stats().opened == 1


async def test_an_exchange_that_asyncpg_left_open(
    flavour: LoopFlavour, postgres: Postgres, proxy: ProxyFactory
) -> None:
    """asyncpg prepares without a Sync: until the next statement the server keeps its locks on what was named."""
    wire = proxy(record=True)
    pool = flavour.pool(wire.url(postgres.url()), max_size=1)
    await pool.execute("CREATE TABLE IF NOT EXISTS locked (n int)")
    locks = "SELECT count(*) FROM pg_locks WHERE relation = 'locked'::regclass"

    async def prepare() -> None:
        async with pool.connection() as conn:
            await conn.prepare("SELECT n FROM locked")

    async def misfit() -> None:
        with pytest.raises(asyncpg.DataError):
            await pool.query("SELECT n FROM locked WHERE n = %s", ("no number",))

    with psycopg.connect(postgres.url(), autocommit=True) as other:
        for work in (prepare, misfit):
            wire.clear()
            await work()
            assert other.execute(locks).fetchone() == (0,)
            assert messages(wire.sent)[-1] in (("Q", b"\0"), ("S", b""))
    assert pool.stats().opened == 1
    await pool.execute("DROP TABLE locked")


# -- statements ----------------------------------------------------------------------------------------


async def test_json_is_decoded_by_the_pool_and_not_on_its_leases(
    pool: AsyncPool, flavour: LoopFlavour
) -> None:
    value = {"a": [1, None, "x"]}
    text = json.dumps(value)
    rows = await pool.query(
        "SELECT %s::json AS a, %s::jsonb AS b, NULL::json AS c, ARRAY[%s, NULL]::jsonb[] AS d, 'null'::jsonb AS e",
        (text, text, text),
    )
    assert rows == [{"a": value, "b": value, "c": None, "d": [value, None], "e": None}]
    assert await pool.query("SELECT ARRAY[ARRAY['1'], ARRAY['[2]']]::json[] AS d") == [{"d": [[1], [[2]]]}]
    async with pool.connection() as conn:
        assert await conn.fetchval("SELECT '1'::json") == "1"


async def test_a_json_codec_of_ones_own(flavour: LoopFlavour, postgres: Postgres) -> None:
    async def configure(conn: Any) -> None:
        await conn.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)

    pool = flavour.pool(postgres.url(), configure=configure)
    assert await pool.query("SELECT %s::jsonb AS a, '\"1\"'::json AS b", ("1",)) == [{"a": "1", "b": "1"}]


async def test_columns_of_one_name(pool: AsyncPool, flavour: LoopFlavour) -> None:
    for sql in ("SELECT 1 AS a, 2 AS b, 3 AS a", "SELECT 1 AS a, 2 AS b, 3 AS a WHERE false"):
        with pytest.raises(PoolError, match="more than one result column is named 'a'"):
            await pool.query(sql)
    assert pool.stats().opened == 1


@pytest.mark.parametrize(
    "sql, params, count",
    [
        ("CREATE TEMP TABLE counted (n int)", None, -1),
        ("INSERT INTO pg_temp.counted SELECT generate_series(1, 5)", None, 5),
        ("UPDATE pg_temp.counted SET n = n WHERE n > %s", (3,), 2),
        ("SELECT n FROM pg_temp.counted", None, 5),
        ("SELECT 1; SELECT 1 FROM pg_temp.counted", None, 5),
        ("DELETE FROM pg_temp.counted WHERE n = ANY($1)", ([1, 2],), 2),
        ("SELECT n INTO TEMP another FROM pg_temp.counted", (), 3),
        ("BEGIN", None, -1),
        ("", None, -1),
        ("-- nothing", None, -1),
    ],
)
async def test_counts(
    flavour: LoopFlavour, postgres: Postgres, sql: str, params: tuple[Any, ...] | None, count: int
) -> None:
    pool = flavour.pool(postgres.url(), max_size=1, reset="never")
    await pool.execute("CREATE TEMP TABLE IF NOT EXISTS counted (n int)")
    if not sql.startswith(("CREATE", "INSERT")):
        await pool.execute("INSERT INTO pg_temp.counted SELECT generate_series(1, 5)")
    if sql.startswith("SELECT n INTO"):
        await pool.execute("DELETE FROM pg_temp.counted WHERE n > 3")
    assert (
        await pool.execute(sql if not sql.startswith("CREATE") else sql.replace("counted", "other"), params)
        == count
    )


async def test_a_wrong_number_of_parameters(pool: AsyncPool, flavour: LoopFlavour) -> None:
    with pytest.raises(ParamsError):
        await pool.query("SELECT $1::int", (1, 2))
    with pytest.raises(
        ParamsError, match="the server expects 0 arguments for this query, 1 was passed"
    ) as caught:
        await pool.query("CREATE TABLE nowhere (n int DEFAULT %s)", (1,))
    assert isinstance(caught.value.__cause__, asyncpg.InterfaceError)
    with pytest.raises(asyncpg.DataError, match="invalid input for query argument"):
        await pool.query("SELECT %s::int", ("x",))
    assert pool.stats().opened == 1


async def test_isolation_levels(pool: AsyncPool, flavour: LoopFlavour) -> None:
    async with pool.transaction(isolation="repeatable_read", readonly=True) as tx:
        assert await tx.query("SHOW transaction_isolation") == [{"transaction_isolation": "repeatable read"}]
        assert isinstance(tx.connection, asyncpg.Connection)
    with pytest.raises(ConfigError):
        async with pool.transaction(isolation="chaos"):
            pass


# -- giving up -----------------------------------------------------------------------------------------


async def test_a_timeout_of_asyncpgs_closes_the_connection(
    pool: AsyncPool, flavour: LoopFlavour, postgres: Postgres
) -> None:
    """asyncpg would open a second connection in the background to save the first."""
    async with pool.connection() as conn:
        with pytest.raises(TimeoutError) as caught:
            await conn.execute("SELECT pg_sleep(60)", timeout=0.1)
        assert not isinstance(caught.value, PoolError)
        assert conn.is_closed()
        assert asyncio.all_tasks() == {asyncio.current_task()}
    assert pool.stats().retired == {"busy": 1}
    async with pool.connection() as conn:
        with pytest.raises(TimeoutError):
            await conn.fetch("SELECT 1", timeout=0)
        assert await conn.fetchval("SELECT 1", timeout=5) == 1
    assert pool.stats().opened == 2


async def test_a_statement_whose_time_is_over_is_not_sent(
    flavour: LoopFlavour, postgres: Postgres, proxy: ProxyFactory
) -> None:
    wire = proxy()
    pool = flavour.pool(wire.url(postgres.url()), max_size=1)
    async with pool.connection() as conn:
        wire.clear()
        conn.until = asyncio.get_running_loop().time()
        with at_most(0.05), pytest.raises(PoolTimeout, match="before its deadline"):
            await conn.fetch("SELECT 1")
        assert conn.is_closed()
    assert (wire.bytes_up, wire.accepted) == (0, 0)


async def test_the_server_hears_that_a_statement_was_given_up(
    pool: AsyncPool, flavour: LoopFlavour, postgres: Postgres
) -> None:
    running = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(61)%'"

    async def cancelled() -> None:
        task = asyncio.ensure_future(pool.query("SELECT pg_sleep(61)"))
        await flavour.until(lambda: other.execute(running).fetchone() == (1,))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async def overrun() -> None:
        with pytest.raises(PoolTimeout):
            await pool.query("SELECT pg_sleep(61)", timeout=0.1)

    with psycopg.connect(postgres.url(), autocommit=True) as other:
        for give_up in (cancelled, overrun):
            await give_up()
            await flavour.until(lambda: other.execute(running).fetchone() == (0,))


async def test_streams_end_at_their_deadline(
    flavour: LoopFlavour, postgres: Postgres, proxy: ProxyFactory, caplog: pytest.LogCaptureFixture
) -> None:
    """Also where it is the borrower's own code that waits, and where the network takes no more."""
    wire = proxy()
    pool = flavour.pool(wire.url(postgres.url()), max_size=1)
    await pool.execute("CREATE TABLE IF NOT EXISTS streamed (t text)")

    async def stuck_source() -> AsyncIterator[bytes]:
        yield b"a\n"
        await asyncio.sleep(60)

    async def endless_source() -> AsyncIterator[bytes]:
        wire.blackhole()
        while True:
            yield b"a" * 99_999 + b"\n"

    def endless_records() -> Any:
        wire.blackhole()
        while True:
            yield ("a" * 99_999,)

    async def stuck_sink(data: bytes) -> None:
        await asyncio.sleep(60)

    streams: list[Callable[[Any], Any]] = [
        lambda conn: conn.copy_to_table("streamed", source=stuck_source()),
        lambda conn: conn.copy_from_query("SELECT generate_series(1, 99999)", output=stuck_sink),
        lambda conn: conn.copy_to_table("streamed", source=endless_source()),
        lambda conn: conn.copy_records_to_table("streamed", records=endless_records()),
    ]
    if flavour.loop:  # asyncio's transports took any amount before Python 3.13.2
        streams.append(lambda conn: conn.executemany("INSERT INTO streamed VALUES ($1)", endless_records()))
    for stream in streams:
        async with pool.connection() as conn:
            conn.until = asyncio.get_running_loop().time() + 0.2
            with (
                nothing_lost(wire.port),
                at_most(0.5),
                pytest.raises(PoolTimeout, match="before its deadline"),
            ):
                await stream(conn)
        wire.resume()
    await pool.execute("DROP TABLE streamed")
    gc.collect()
    assert not [record for record in caplog.records if record.name == "asyncio"]


async def test_a_cancellation_that_asyncpg_would_swallow(
    flavour: LoopFlavour, postgres: Postgres, proxy: ProxyFactory
) -> None:
    wire = proxy()
    pool = flavour.pool(wire.url(postgres.url()), max_size=1)
    await pool.execute("CREATE TABLE IF NOT EXISTS swallowed (t text)")
    transport: Any = None

    async def insert() -> None:
        nonlocal transport
        async with pool.connection() as conn:
            transport = conn._transport
            await conn.executemany("INSERT INTO swallowed VALUES ($1)", rows())

    def rows() -> Any:
        wire.blackhole()
        for _ in range(200):
            yield ("a" * 99_999,)

    task = asyncio.ensure_future(insert())
    await flavour.until(lambda: transport is not None and transport.get_write_buffer_size() > 0)
    with nothing_lost(wire.port), at_most(0.3):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    wire.resume()
    await pool.execute("DROP TABLE swallowed")


async def test_a_server_that_dies_under_a_stream(
    flavour: LoopFlavour, postgres: Postgres, proxy: ProxyFactory, caplog: pytest.LogCaptureFixture
) -> None:
    """asyncpg would wait for ever to write more."""
    wire = proxy()
    pool = flavour.pool(wire.url(postgres.url()), max_size=1)
    await pool.execute("CREATE TABLE IF NOT EXISTS orphaned (t text)")
    transport: Any = None

    async def source() -> AsyncIterator[bytes]:
        while True:
            yield b"a" * 99_999 + b"\n"

    async def copy() -> None:
        nonlocal transport
        async with pool.connection() as conn:
            transport = conn._transport
            wire.blackhole()
            await conn.copy_to_table("orphaned", source=source())

    task: Any = asyncio.ensure_future(copy())
    await flavour.until(lambda: transport is not None and transport.get_write_buffer_size() > 0)
    wire.reset()
    with at_most(1.0), pytest.raises(asyncpg.ConnectionDoesNotExistError):
        await task
    assert pool.stats().retired == {"lost": 1}
    task = transport = None
    gc.collect()
    assert not [record for record in caplog.records if record.name == "asyncio"]
    wire.resume()
    await pool.execute("DROP TABLE orphaned")


async def test_copy_through_files_and_back(pool: AsyncPool, flavour: LoopFlavour, tmp_path: Path) -> None:
    async with pool.connection() as conn:
        await conn.execute("CREATE TEMP TABLE copied (n int)")
        assert await conn.copy_records_to_table("copied", records=[(1,), (2,)]) == "COPY 2"
        assert await conn.copy_from_table("copied", output=tmp_path / "copied") == "COPY 2"
        assert await conn.copy_to_table("copied", source=tmp_path / "copied") == "COPY 2"
        assert await conn.fetchval("SELECT sum(n) FROM copied") == 6
    async with pool.connection() as conn:
        with pytest.raises(asyncpg.UndefinedTableError):
            await conn.copy_from_table("copied", output=tmp_path / "copied")
    assert pool.stats().opened == 1
