"""A clean return costs no round trip, a dirty one exactly one: counted on the wire."""

from __future__ import annotations

from typing import Any

import pytest
from tests.api.flavours import PSYCOPG, Flavour, done, entered
from tests.conftest import ProxyFactory
from tests.support.wire import statements

RESET = "RESET ALL"

#: What leaves nothing behind.
CLEAN = [
    "SELECT 1",
    "SELECT count(*) FROM clean_rows WHERE n > 3",
    "INSERT INTO clean_rows VALUES (1)",
    "UPDATE clean_rows SET n = n + 1 WHERE n = 12345",
    "DELETE FROM clean_rows",
    "WITH gone AS (DELETE FROM clean_rows RETURNING n) SELECT n FROM gone",
    "SELECT now(), lower('A'), coalesce(NULL, 1), jsonb_build_object('a', 1)",
    "SHOW work_mem",
    "EXPLAIN SELECT 1",
    "SELECT pg_advisory_xact_lock(1)",
]
#: What leaves something behind, or may.
DIRTY = [
    "SET work_mem = '7MB'",
    "LISTEN news",
    "SELECT pg_advisory_lock(7)",
    "CREATE TEMP TABLE mine (n int)",
    "SELECT clean_sets()",
    "SELECT set_config('my.own', 'x', false)",
    "DO $$ BEGIN END $$",
    "CALL clean_sets_too()",
]


async def cost(flavour: Flavour, pool: Any, proxy: Any, work: Any) -> tuple[int, list[str]]:
    """How often ``work`` on a lease sent something, its return included, and the statements sent at the return."""
    async with pool.connection() as conn:
        await work(conn)
    async with pool.connection() as conn:
        proxy.clear()
        await work(conn)
        own = proxy.chunks_up
        proxy.clear()
    return proxy.chunks_up, [text for text in statements(proxy.sent) if own or text]


@pytest.mark.parametrize("statement", CLEAN)
async def test_a_clean_return_sends_nothing(
    flavour: Flavour, furniture: str, proxy: ProxyFactory, statement: str
) -> None:
    wire = proxy(record=True)
    pool = flavour.pool(wire.url(furniture), max_size=1)
    sent, _ = await cost(flavour, pool, wire, lambda conn: flavour.run_on(conn, statement))
    assert sent == 0
    assert wire.sent == b""


@pytest.mark.parametrize("statement", DIRTY)
async def test_a_dirty_return_is_one_round_trip(
    flavour: Flavour, furniture: str, proxy: ProxyFactory, statement: str
) -> None:
    wire = proxy(record=True)
    pool = flavour.pool(wire.url(furniture), max_size=1)
    sent, texts = await cost(flavour, pool, wire, lambda conn: flavour.run_on(conn, statement))
    assert sent == 1
    assert [text.split(";")[0] for text in texts] == [RESET]


async def test_a_verb_is_one_round_trip_and_a_transaction_three(
    flavour: Flavour, furniture: str, proxy: ProxyFactory
) -> None:
    wire = proxy(record=True)
    pool = flavour.pool(wire.url(furniture), max_size=1)
    for _ in range(2):  # the first time a driver may prepare
        wire.clear()
        assert await pool.query("SELECT %s::int AS n", (1,)) == [{"n": 1}]
    assert wire.chunks_up == 1
    for _ in range(2):
        wire.clear()
        async with pool.transaction() as tx:
            await tx.query("SELECT %s::int AS n", (1,))
    assert wire.chunks_up == 3


async def test_a_lease_that_does_nothing_sends_nothing(
    flavour: Flavour, furniture: str, proxy: ProxyFactory
) -> None:
    wire = proxy(record=True)
    pool = flavour.pool(wire.url(furniture), max_size=1)
    await pool.warm(1)
    wire.clear()
    for _ in range(3):
        async with pool.connection():
            pass
        await pool.putconn(await pool.getconn())
    assert wire.sent == b""


async def test_an_open_transaction_is_rolled_back_in_the_same_round_trip(
    flavour: Flavour, furniture: str, proxy: ProxyFactory
) -> None:
    wire = proxy(record=True)
    pool = flavour.pool(wire.url(furniture), max_size=1)

    async def clean(conn: Any) -> None:
        await flavour.run_on(conn, "BEGIN")
        await flavour.run_on(conn, "SELECT 1")

    async def dirty(conn: Any) -> None:
        await flavour.run_on(conn, "BEGIN")
        await flavour.run_on(conn, "SET work_mem = '7MB'")

    async def prepared(conn: Any) -> None:
        await flavour.run_on(conn, "BEGIN")
        for _ in range(8):
            await flavour.run_on(conn, "SELECT 1")

    assert await cost(flavour, pool, wire, clean) == (1, ["ROLLBACK"])
    sent, texts = await cost(flavour, pool, wire, dirty)
    assert (sent, texts[0].split("; ")[:2]) == (1, ["ROLLBACK", RESET])
    assert len(texts) == 1
    sent, texts = await cost(flavour, pool, wire, prepared)
    assert (sent, texts[0][:8], len(texts)) == (1, "ROLLBACK", 1)


async def test_reset_always(flavour: Flavour, furniture: str, proxy: ProxyFactory) -> None:
    wire = proxy(record=True)
    pool = flavour.pool(wire.url(furniture), max_size=1, reset="always")
    for statement in ("SELECT 1", "SET work_mem = '7MB'"):
        sent, texts = await cost(flavour, pool, wire, lambda conn, text=statement: flavour.run_on(conn, text))
        assert sent == 1
        assert texts[0].startswith(RESET)


async def test_reset_never(flavour: Flavour, furniture: str, proxy: ProxyFactory) -> None:
    """Whoever says so takes the state over; an open transaction never goes to the next, though."""
    wire = proxy(record=True)
    pool = flavour.pool(wire.url(furniture), max_size=1, reset="never")
    sent, _ = await cost(flavour, pool, wire, lambda conn: flavour.run_on(conn, "SET work_mem = '7MB'"))
    assert sent == 0
    assert await pool.query("SHOW work_mem") == [{"work_mem": "7MB"}]
    assert await cost(flavour, pool, wire, lambda conn: flavour.run_on(conn, "BEGIN")) == (1, ["ROLLBACK"])


async def test_reset_by_a_function_of_ones_own(flavour: Flavour, furniture: str, proxy: ProxyFactory) -> None:
    wire, calls = proxy(record=True), []

    def reset(conn: Any) -> Any:
        calls.append(conn)
        return conn.execute("RESET work_mem")

    pool = flavour.pool(wire.url(furniture), max_size=1, reset=reset)
    sent, texts = await cost(flavour, pool, wire, lambda conn: flavour.run_on(conn, "SET work_mem = '7MB'"))
    assert (sent, texts, len(calls)) == (1, ["RESET work_mem"], 2)
    assert await pool.query("SHOW work_mem") != [{"work_mem": "7MB"}]
    assert isinstance(calls[0], flavour.connection_class)


async def test_a_reset_function_that_fails_costs_the_connection(flavour: Flavour, furniture: str) -> None:
    def reset(conn: Any) -> None:
        raise ZeroDivisionError

    pool = flavour.pool(furniture, max_size=1, reset=reset)
    for _ in range(2):
        assert await pool.query("SELECT 1 AS n") == [{"n": 1}]
    assert pool.stats().retired == {"dirty": 2}


async def test_a_reset_function_that_opens_a_transaction_costs_the_connection(
    flavour: Flavour, furniture: str
) -> None:
    pool = flavour.pool(furniture, max_size=1, reset=lambda conn: conn.execute("BEGIN"))
    assert await pool.query("SELECT 1 AS n") == [{"n": 1}]
    assert (pool.stats().total, pool.stats().retired) == (0, {"dirty": 1})


async def test_configure_runs_again_after_a_reset_that_undid_it(flavour: Flavour, furniture: str) -> None:
    calls: list[Any] = []

    def configure(conn: Any) -> Any:
        calls.append(conn)
        return conn.execute("SET my.own = 'configured'")

    pool = flavour.pool(furniture, max_size=1, configure=configure)
    own = "SELECT current_setting('my.own') AS own"
    for _ in range(3):
        assert await pool.query(own) == [{"own": "configured"}]
    assert len(calls) == 1
    await pool.execute("SET work_mem = '7MB'")
    assert len(calls) == 2
    assert await pool.query(own) == [{"own": "configured"}]
    async with pool.connection() as conn:
        await flavour.run_on(conn, "BEGIN")
    assert len(calls) == 2, "a ROLLBACK undoes nothing of it"
    assert await pool.query(own) == [{"own": "configured"}]
    assert pool.stats().opened == 1


async def test_a_dirty_return_after_prepared_statements(
    flavour: Flavour, furniture: str, proxy: ProxyFactory
) -> None:
    wire = proxy(record=True)
    pool = flavour.pool(wire.url(furniture), max_size=1)
    for _ in range(2):
        async with pool.transaction() as tx:
            for n in range(8):
                assert await tx.query("SELECT %s::int AS n", (n,)) == [{"n": n}]
            await tx.execute("SET work_mem = '7MB'")
            wire.clear()
        assert wire.chunks_up == 2, "COMMIT and reset"


async def test_the_hundredth_return_goes_as_the_first(flavour: Flavour, furniture: str) -> None:
    """Beyond the number of uses at which drivers begin to prepare what they are given."""
    pool = flavour.pool(furniture, max_size=1)
    for left in ("BEGIN", "SET work_mem = '7MB'"):
        for _ in range(12):
            async with pool.connection() as conn:
                await flavour.run_on(conn, left)
    for _ in range(12):
        async with pool.transaction() as tx:
            await tx.execute("SELECT 1")
    assert (pool.stats().opened, pool.stats().retired) == (1, {})


@PSYCOPG
@pytest.mark.parametrize("kind", ["bytes", "SQL", "Composed", "Identifier"])
async def test_psycopg_statements_that_are_no_strings_are_read_too(
    flavour: Flavour, furniture: str, proxy: ProxyFactory, kind: str
) -> None:
    from psycopg import sql

    wire = proxy(record=True)
    pool = flavour.pool(wire.url(furniture), max_size=1)

    def spelled(text: str) -> Any:
        if kind == "bytes":
            return text.encode()
        if kind == "SQL":
            return sql.SQL(text)
        if kind == "Composed":
            return sql.SQL("{}").format(sql.SQL(text))
        return sql.SQL(text + " -- {}").format(sql.Identifier("x"))

    sent, _ = await cost(flavour, pool, wire, lambda conn: done(conn.execute(spelled("SELECT 1"))))
    assert sent == 0
    sent, texts = await cost(
        flavour, pool, wire, lambda conn: done(conn.execute(spelled("SET work_mem = '7MB'")))
    )
    assert (sent, texts[0][:9]) == (1, RESET)


@PSYCOPG
async def test_psycopg_blocks_cost_no_reset(flavour: Flavour, furniture: str, proxy: ProxyFactory) -> None:
    wire = proxy(record=True)
    pool = flavour.pool(wire.url(furniture), max_size=1)

    async def nested(conn: Any) -> None:
        async with entered(conn.transaction()), entered(conn.transaction()):
            await done(conn.execute("SELECT 1"))

    async def committed(conn: Any) -> None:
        await done(conn.execute("BEGIN"))
        await done(conn.commit())
        await done(conn.execute("BEGIN"))
        await done(conn.rollback())

    for work in (nested, committed):
        sent, texts = await cost(flavour, pool, wire, work)
        assert (sent, texts) == (0, []), work.__name__


@PSYCOPG
@pytest.mark.parametrize(
    "way", ["client cursor", "raw cursor", "server cursor", "executemany", "copy", "pipeline", "stream"]
)
async def test_psycopg_io_of_unknown_origin_counts_as_dirty(
    flavour: Flavour, furniture: str, proxy: ProxyFactory, way: str
) -> None:
    import psycopg

    wire = proxy(record=True)
    pool = flavour.pool(wire.url(furniture), max_size=1)

    async def work(conn: Any) -> None:
        if way == "client cursor":
            kind = psycopg.AsyncClientCursor if flavour.is_async else psycopg.ClientCursor
            await done(kind(conn).execute("SELECT 1"))
        elif way == "raw cursor":
            raw = psycopg.AsyncRawCursor if flavour.is_async else psycopg.RawCursor
            await done(raw(conn).execute("SET work_mem = '7MB'"))
        elif way == "server cursor":
            async with entered(conn.cursor("named", withhold=True)) as cursor:
                await done(cursor.execute("SELECT 1"))
        elif way == "executemany":
            await done(conn.cursor().executemany("INSERT INTO clean_rows VALUES (%s)", [(1,), (2,)]))
        elif way == "copy":
            async with entered(conn.cursor().copy("COPY clean_rows FROM STDIN")) as copy:
                await done(copy.write(b"1\n"))
        elif way == "pipeline":
            async with entered(conn.pipeline()):
                await done(conn.execute("SELECT 1"))
        else:
            rows = conn.cursor().stream("SELECT 1")
            if flavour.is_async:
                assert [row async for row in rows] == [(1,)]
            else:
                assert list(rows) == [(1,)]

    sent, texts = await cost(flavour, pool, wire, work)
    assert (sent, [text[:9] for text in texts]) == (1, [RESET])
    assert pool.stats().opened == 1
