"""A connection is had by a URL or by its parts, commits each statement, and is one of the driver's own."""

from __future__ import annotations

import pytest
from tests.drivers.conformance.case import EVERY_SERVER, Case, over

from thawpool import LeaseError
from thawpool.drivers import ADAPTERS

ONE = [{"one": 1}]


@over(every_server=True, loops=True)
async def test_by_url(case: Case) -> None:
    pool = case.pool()
    assert await pool.query("SELECT 1 AS one") == ONE
    assert pool.stats().opened == 1


@EVERY_SERVER
async def test_by_its_parts(case: Case) -> None:
    user, database = ("postgres", "postgres") if case.system == "postgresql" else ("root", "test")
    pool = case.pool(
        driver=case.driver, host="127.0.0.1", port=case.server.port, user=user, database=database
    )
    assert await pool.query("SELECT 1 AS one") == ONE


@over()
async def test_by_a_unix_socket(case: Case) -> None:
    folder = case.server.folder
    url = (
        case.server.url(host="", port=case.server.port).replace(f"@:{case.server.port}", "@")
        + f"&host={folder}"
    )
    if case.system == "mysql":
        url = f"mysql://root@/test?unix_socket={folder}/socket"
    pool = case.pool(url, connect_timeout=1)
    assert await pool.query("SELECT 1 AS one") == ONE


@over()
async def test_a_name_is_looked_up(case: Case) -> None:
    pool = case.pool(case.server.url(host="localhost"))
    assert await pool.query("SELECT 1 AS one") == ONE


@over()
async def test_the_connection_is_one_of_the_drivers(case: Case) -> None:
    library = ADAPTERS[case.driver, case.is_async][2].partition(".")[0]
    async with case.pool().connection() as conn:
        own = [
            base for base in type(conn).__mro__ if base.__module__.partition(".")[0].lstrip("_") == library
        ]
        assert own, type(conn).__mro__


@EVERY_SERVER
async def test_each_statement_commits_by_itself(case: Case, table: str) -> None:
    pool = case.pool(max_size=1)
    await pool.execute(f"INSERT INTO {table} (i) VALUES (1)")
    assert case.outside.value(f"SELECT count(*) FROM {table}") == 1
    async with pool.connection() as conn:
        await case.run_on(conn, f"INSERT INTO {table} (i) VALUES (2)")
        assert case.outside.value(f"SELECT count(*) FROM {table}") == 2
    assert pool.stats().opened == 1


@over()
async def test_a_lease_sets_the_connection_up_as_configure_says(case: Case) -> None:
    async def configure_async(conn: object) -> None:
        await case.run_on(conn, case.dialect.leave)

    def configure(conn: object) -> None:
        with pytest.raises(StopIteration):
            configure_async(conn).send(None)

    pool = case.pool(configure=configure_async if case.is_async else configure, max_size=1)
    for _ in range(2):
        async with pool.connection() as conn:
            assert await case.value(conn, case.dialect.left)
            await case.run_on(
                conn, case.dialect.leave.replace("7", "8")
            )  # the reset is followed by configure
    assert pool.stats().opened == 1


@over()
async def test_getconn_and_putconn(case: Case) -> None:
    pool = case.pool(max_size=1)
    conn = await pool.getconn()
    assert await case.value(conn, "SELECT 1") == 1
    await pool.putconn(conn)
    with pytest.raises(LeaseError):
        await pool.putconn(conn)
    assert await pool.query("SELECT 1 AS one") == ONE
    assert pool.stats().opened == 1


@over()
async def test_whoever_uses_a_connection_after_its_return_is_told(case: Case) -> None:
    pool = case.pool(max_size=1)
    async with pool.connection() as conn:
        await case.run_on(conn, "SELECT 1")
    with pytest.raises(LeaseError, match="returned"):
        await case.run_on(conn, "SELECT 1")
    assert await pool.query("SELECT 1 AS one") == ONE
    assert pool.stats().opened == 1


@over()
async def test_a_closed_connection_is_replaced(case: Case) -> None:
    pool = case.pool(max_size=1)
    async with pool.connection() as conn:
        if case.declared.words == "fetchval":
            conn.terminate()
        elif case.is_async and case.declared.words == "execute":
            await conn.close()
        else:
            conn.close()
    assert await pool.query("SELECT 1 AS one") == ONE
    assert pool.stats().opened == 2
