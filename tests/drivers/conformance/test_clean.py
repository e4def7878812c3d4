"""What one borrower leaves in the session, the next never finds; and it is the same connection that both had."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from tests.drivers.conformance.case import EVERY_SERVER, MYSQL, Case, over
from tests.drivers.conformance.leftovers import LEFTOVERS, leave, snapshot

pytestmark = pytest.mark.usefixtures("table", "other_table", "other_role")


@pytest.fixture
def other_role(case: Case) -> Iterator[None]:
    """Whom a borrower may become, in PostgreSQL."""
    if case.system == "postgresql":
        case.outside.run("CREATE ROLE conformance_other")
    yield
    if case.system == "postgresql":
        case.outside.run("DROP ROLE conformance_other")


async def nothing_of_it_is_found(case: Case, left: str) -> None:
    pool = case.pool(max_size=1)
    before = await snapshot(case, pool)
    async with pool.connection() as conn:
        await leave(case, conn, left)
    after = await snapshot(case, pool)
    assert {name: (before[name], value) for name, value in after.items() if before[name] != value} == {}
    assert (pool.stats().opened, pool.stats().retired) == (1, {})
    assert case.outside.value("SELECT count(*) FROM conformance_rows") == 0


@over(system="postgresql", every_server=True)
@pytest.mark.parametrize("left", LEFTOVERS["postgresql"])
async def test_the_next_borrower_finds_nothing(case: Case, left: str) -> None:
    await nothing_of_it_is_found(case, left)


@over(system="mysql", every_server=True)
@pytest.mark.parametrize("left", LEFTOVERS["mysql"])
async def test_the_next_borrower_finds_nothing_in_mysql(case: Case, left: str) -> None:
    await nothing_of_it_is_found(case, left)


@EVERY_SERVER
async def test_nor_after_the_pools_own_verbs(case: Case) -> None:
    """Each of one statement."""
    pool = case.pool(max_size=1)
    before = await snapshot(case, pool)
    for statements in LEFTOVERS[case.system].values():
        if len(statements) == 1:
            await pool.execute(statements[0])
            assert await snapshot(case, pool) == before, statements
    assert (pool.stats().opened, pool.stats().retired) == (1, {})


@EVERY_SERVER
async def test_nor_after_a_transaction(case: Case) -> None:
    pool = case.pool(max_size=1)
    before = await snapshot(case, pool)
    async with pool.transaction() as tx:
        await tx.execute(case.dialect.leave)
        await tx.execute("INSERT INTO conformance_rows (i) VALUES (1)")
    assert await snapshot(case, pool) == before
    assert (pool.stats().opened, pool.stats().retired) == (1, {})


@over()
@pytest.mark.parametrize("isolation", [None, "serializable"])
@pytest.mark.parametrize("readonly", [False, True])
async def test_nor_of_a_transactions_properties(case: Case, isolation: str | None, readonly: bool) -> None:
    pool = case.pool(max_size=1)
    before = await snapshot(case, pool)
    async with pool.transaction(isolation=isolation, readonly=readonly) as tx:
        await tx.query("SELECT i FROM conformance_rows")
    assert await snapshot(case, pool) == before
    assert pool.stats().opened == 1


@over()
@pytest.mark.parametrize(
    "left", ["an open transaction", "a failed transaction", "a failed statement in a transaction"]
)
async def test_an_open_transaction_is_rolled_back_with_a_warning(
    case: Case, left: str, caplog: pytest.LogCaptureFixture
) -> None:
    pool = case.pool(max_size=1, debug=True)
    async with pool.connection() as conn:
        for statement in LEFTOVERS[case.system].get(left, ["BEGIN"]):
            try:
                await case.run_on(conn, statement)
            except Exception:
                assert "fail" in left
    assert "came back with a transaction open; it is rolled back" in caplog.text
    assert re.search(r"taken at \S+\.py:\d+ in ", caplog.text)
    assert await pool.query("SELECT i FROM conformance_rows") == []
    assert pool.stats().opened == 1


@over()
async def test_reset_always_covers_what_no_text_tells(case: Case) -> None:
    """A text without a stateful word, and yet the reset is made: seen by what a hook of configure counts."""
    counted: list[object] = []
    pool = case.pool(max_size=1, reset="always", configure=counted.append)
    for _ in range(3):
        await pool.query("SELECT 1")
    assert len(counted) == 1 + 3
    assert pool.stats().opened == 1


@over()
async def test_reset_never_leaves_all_but_an_open_transaction(case: Case) -> None:
    pool = case.pool(max_size=1, reset="never")
    async with pool.connection() as conn:
        await case.run_on(conn, case.dialect.leave)
        await case.run_on(conn, "BEGIN", "INSERT INTO conformance_rows (i) VALUES (1)")
    async with pool.connection() as conn:
        assert await case.value(conn, case.dialect.left)
    assert await pool.query("SELECT i FROM conformance_rows") == []


@MYSQL
async def test_nor_a_property_of_the_next_transaction(case: Case) -> None:
    """Which no variable shows: the next statement's transaction would be refused its write."""
    pool = case.pool(max_size=1)
    async with pool.connection() as conn:
        await case.run_on(conn, "SET TRANSACTION READ ONLY")
    assert await pool.execute("INSERT INTO conformance_rows (i) VALUES (1)") == 1
    assert pool.stats().opened == 1


@MYSQL
@pytest.mark.parametrize("database", ["test", ""])
async def test_the_database_is_as_at_the_dial(case: Case, database: str) -> None:
    """Without one of its own most drivers' sessions cannot go back from one that was chosen, and are replaced."""
    pool = case.pool(case.server.url(database=database), max_size=1)
    async with pool.connection() as conn:
        await case.run_on(conn, "USE mysql")
    assert await pool.query("SELECT database() AS d") == [{"d": database or None}]
    assert pool.stats().opened <= (1 if database else 2)


@EVERY_SERVER
async def test_the_limits_of_the_pool_survive_the_reset(case: Case) -> None:
    pool = case.pool(max_size=1, server_idle_timeout=33, statement_timeout=11)
    shown = "SELECT current_setting('idle_session_timeout') || current_setting('statement_timeout') AS limits"
    if case.system == "mysql":
        statement = "max_statement_time" if case.server_is("mariadb") else "max_execution_time"
        shown = f"SELECT concat(@@wait_timeout, 's', round(@@{statement}), 's') AS limits"
    expected = await pool.query(shown)
    assert "33" in expected[0]["limits"]
    assert "11" in expected[0]["limits"]
    await pool.execute(case.dialect.leave)
    assert await pool.query(shown) == expected
    await pool.execute(
        "SET idle_session_timeout = 0" if case.system == "postgresql" else "SET wait_timeout = 999"
    )
    assert await pool.query(shown) == expected
    assert pool.stats().opened == 1
