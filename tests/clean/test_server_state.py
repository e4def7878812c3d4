"""What one borrower leaves on the server, the next never finds; and it is the same connection that both had."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from tests.api.flavours import Flavour
from tests.clean.session import snapshot

#: What a borrower does, under a name for it.
LEFTOVERS = {
    "an open transaction": ["BEGIN", "INSERT INTO clean_rows VALUES (1)"],
    "a failed transaction": ["BEGIN", "SELECT 1/0"],
    "a setting": ["SET work_mem = '7MB'"],
    "a setting in a transaction": ["BEGIN", "SET work_mem = '7MB'", "COMMIT"],
    "a setting of one's own": ["SET my.own = 'x'"],
    "a setting by function": ["SELECT set_config('work_mem', '7MB', false)"],
    "a search path": ["SET search_path = pg_catalog"],
    "a time zone": ["SET TIME ZONE 'Asia/Tokyo'"],
    "an encoding": ["SET client_encoding = 'LATIN1'"],
    "a limit of the pool's": [
        "SET idle_session_timeout = 0",
        "SET idle_in_transaction_session_timeout = 1000",
    ],
    "a limit that bites at once": ["SET statement_timeout = '1ms'"],
    "read only by default": ["SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"],
    "a role": ["SET ROLE clean_other"],
    "a session authorization": ["SET SESSION AUTHORIZATION clean_other"],
    "both": ["SET SESSION AUTHORIZATION clean_other", "SET ROLE clean_other"],
    "a temporary table": ["CREATE TEMP TABLE mine (n int)"],
    "a temporary table by select": ["SELECT 1 AS n INTO TEMP mine"],
    "a temporary table in its schema": ["CREATE TABLE pg_temp.mine (n int)"],
    "a temporary view": ["CREATE TEMP VIEW mine AS SELECT 1 AS n"],
    "a channel": ["LISTEN news"],
    "an advisory lock": ["SELECT pg_advisory_lock(7)", "SELECT pg_try_advisory_lock(8, 9)"],
    "a prepared statement": ["PREPARE mine AS SELECT 1"],
    "a held cursor": ["BEGIN", "DECLARE mine CURSOR WITH HOLD FOR SELECT 1", "COMMIT"],
    "a sequence's value": ["SELECT nextval('clean_sequence')"],
    "a setting in a DO block": ["DO $$ BEGIN PERFORM set_config('my.own', 'block', false); END $$"],
    "a setting in a function": ["SELECT clean_sets()"],
    "a setting in a procedure": ["CALL clean_sets_too()"],
    "a setting by EXPLAIN": ["EXPLAIN ANALYZE SELECT clean_sets()"],
    "a setting by a WITH query": ["WITH sets AS (SELECT clean_sets() AS n) SELECT n FROM sets"],
    "a setting behind a comment": ["/* SELECT 1; */ SET -- work_mem\n work_mem = '7MB'"],
    "a setting behind another statement": ["SELECT 1; SET work_mem = '7MB'"],
    "many things": ["LISTEN a", "SET ROLE clean_other", "CREATE TEMP TABLE a (n int)", "BEGIN", "SELECT 1/0"],
}


@pytest.mark.parametrize("left", LEFTOVERS)
async def test_the_next_borrower_finds_nothing(flavour: Flavour, furniture: str, left: str) -> None:
    pool = flavour.pool(furniture, max_size=1)
    before = await snapshot(flavour, pool)
    async with pool.connection() as conn:
        for statement in LEFTOVERS[left]:
            with suppress(flavour.error_class):
                await flavour.run_on(conn, statement)
    assert await snapshot(flavour, pool) == before
    assert (pool.stats().opened, pool.stats().retired) == (1, {})


@pytest.mark.parametrize(
    "left", [left for left, statements in LEFTOVERS.items() if "BEGIN" not in statements]
)
async def test_nor_after_the_pools_own_verbs(flavour: Flavour, furniture: str, left: str) -> None:
    pool = flavour.pool(furniture, max_size=1)
    before = await snapshot(flavour, pool)
    for statement in LEFTOVERS[left]:
        if not re.match(r"SELECT 1;|LISTEN a", statement):  # one statement each
            await pool.execute(statement)
            assert await snapshot(flavour, pool) == before
    assert (pool.stats().opened, pool.stats().retired) == (1, {})


@pytest.mark.parametrize(
    "left", ["a setting", "a role", "a temporary table", "a channel", "an advisory lock"]
)
async def test_nor_after_a_transaction(flavour: Flavour, furniture: str, left: str) -> None:
    pool = flavour.pool(furniture, max_size=1)
    before = await snapshot(flavour, pool)
    async with pool.transaction() as tx:
        for statement in LEFTOVERS[left]:
            await tx.execute(statement)
    assert await snapshot(flavour, pool) == before
    assert (pool.stats().opened, pool.stats().retired) == (1, {})


async def test_a_waiter_gets_the_connection_after_its_reset(flavour: Flavour, furniture: str) -> None:
    """The hand-over to somebody who waits already goes no shorter way."""
    pool = flavour.pool(furniture, max_size=1)
    async with pool.connection() as conn:
        job = flavour.spawn(pool.query_one("SHOW work_mem"))
        await flavour.until(lambda: pool.stats().waiting == 1)
        await flavour.run_on(conn, "SET work_mem = '7MB'")
    assert await job != {"work_mem": "7MB"}
    assert pool.stats().opened == 1


async def test_settings_that_end_with_their_transaction_owe_nothing(flavour: Flavour, furniture: str) -> None:
    pool = flavour.pool(furniture, max_size=1)
    before = await snapshot(flavour, pool)
    async with pool.transaction() as tx:
        await tx.execute("SET LOCAL work_mem = '7MB'")
        await tx.execute("SELECT pg_advisory_xact_lock(7)")
        await tx.execute("CREATE TEMP TABLE mine (n int) ON COMMIT DROP")
    assert await snapshot(flavour, pool) == before


@pytest.mark.parametrize("debug", [True, False])
async def test_an_open_transaction_is_reported_with_its_place(
    flavour: Flavour, furniture: str, debug: bool, caplog: pytest.LogCaptureFixture
) -> None:
    pool = flavour.pool(furniture, max_size=1, debug=debug)
    async with pool.connection() as conn:
        await flavour.run_on(conn, "BEGIN")
    assert "came back with a transaction open; it is rolled back" in caplog.text
    where = (
        r"taken at \S+\.py:\d+ in "
        if debug
        else r"taken \(debug=True records where, and so does an invocation\)"
    )
    assert re.search(where, caplog.text)


async def test_a_transaction_that_was_left_open_is_undone(flavour: Flavour, furniture: str) -> None:
    pool = flavour.pool(furniture, max_size=1)
    async with pool.connection() as conn:
        await flavour.run_on(conn, "BEGIN")
        await flavour.run_on(conn, "INSERT INTO clean_rows VALUES (77)")
    assert await pool.query("SELECT n FROM clean_rows WHERE n = 77") == []


async def test_a_view_that_changes_the_session_is_the_boundary(flavour: Flavour, furniture: str) -> None:
    """What a view does inside cannot be seen in the statement's text: reset="always" is for that."""
    seen = flavour.pool(furniture, max_size=1)
    await seen.query("SELECT value FROM clean_view")
    assert await seen.query("SELECT current_setting('my.own', true) AS own") == [{"own": "view"}]
    always = flavour.pool(furniture, max_size=1, reset="always")
    await always.query("SELECT value FROM clean_view")
    assert await always.query("SELECT current_setting('my.own', true) AS own") != [{"own": "view"}]


async def test_the_limits_of_the_pool_survive_the_reset(flavour: Flavour, furniture: str) -> None:
    limits = {"server_idle_timeout": 33, "server_transaction_timeout": 22, "statement_timeout": 11}
    pool = flavour.pool(furniture, max_size=1, **limits)
    shown = (
        "SELECT current_setting('idle_session_timeout') AS idle,"
        " current_setting('idle_in_transaction_session_timeout') AS tx, current_setting('statement_timeout') AS stmt"
    )
    expected = [{"idle": "33s", "tx": "22s", "stmt": "11s"}]
    assert await pool.query(shown) == expected
    await pool.execute("RESET ALL")
    assert await pool.query(shown) == expected
    await pool.execute("SET idle_session_timeout = 0")
    assert await pool.query(shown) == expected
    assert pool.stats().opened == 1
