"""A server that is full, and one that no longer takes writes: what the pool makes of either."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
from tests.drivers.conformance.case import MYSQL, POSTGRESQL, Case, over
from tests.drivers.conformance.errors import code
from tests.drivers.conformance.outside import Outside, Server
from tests.support.losses import at_rest

from thawpool import Overloaded
from thawpool.testing.mariadb import MariaDB
from thawpool.testing.postgres import Postgres, find_postgres

ONE = [{"one": 1}]
USER = "conformance_user"
#: How many connections the small servers take; MariaDB one more than 10, its least, for an administrator.
SLOTS = {"postgresql": 4, "mysql": 11}


@pytest.fixture(scope="module")
def small_servers() -> Iterator[dict[str, Any]]:
    """Servers with so few slots that one test can take them all, started when first asked for."""
    with ExitStack() as stack:

        def postgresql() -> Server:
            settings = {"max_connections": "4", "superuser_reserved_connections": "0", "max_wal_senders": "0"}
            return stack.enter_context(Postgres(find_postgres("embedded"), settings=settings))

        def mysql() -> Server:
            return stack.enter_context(MariaDB(settings={"max_connections": "10"}))

        yield {"postgresql": postgresql, "mysql": mysql}


@pytest.fixture
def small(case: Case, small_servers: dict[str, Any]) -> Server:
    """A small server of the case's system."""
    if callable(small_servers[case.system]):
        small_servers[case.system] = small_servers[case.system]()
    server: Server = small_servers[case.system]
    return server


@pytest.fixture
def user(case: Case) -> Iterator[str]:
    """A user without special rights, and without a password."""
    case.outside.run(*(statement.format(USER) for statement in case.dialect.grant))
    yield USER
    case.outside.run(*(statement.format(USER) for statement in case.dialect.revoke))


@over()
async def test_a_server_without_a_slot(case: Case, small: Server) -> None:
    outside = Outside(small)
    with ExitStack() as stack:
        for _ in range(SLOTS[case.system]):
            stack.enter_context(closing(outside.connect()))
        pool = case.pool(small.url())
        with pytest.raises(Overloaded, match="no connection slot left"):
            await pool.query("SELECT 1")
        at_rest(pool)
    await case.until(lambda: free(small))
    assert await pool.query("SELECT 1 AS one") == ONE


def free(server: Server) -> bool:
    try:
        Outside(server).run("SELECT 1")
    except Exception:
        return False
    return True


@over()
async def test_a_user_without_a_slot(case: Case, user: str) -> None:
    limit = (
        f"ALTER ROLE {user} CONNECTION LIMIT 2"
        if case.system == "postgresql"
        else f"ALTER USER {user}@'127.0.0.1' WITH MAX_USER_CONNECTIONS 2"
    )
    case.outside.run(limit)
    others = case.pool(case.server.url(user=user), max_size=2)
    await others.warm(2)
    pool = case.pool(case.server.url(user=user))
    with pytest.raises(Overloaded):
        await pool.query("SELECT 1")
    at_rest(pool)
    await others.close()
    await case.until(lambda: case.outside.value(SESSIONS[case.system].format(user)) == 0)
    assert await pool.query("SELECT 1 AS one") == ONE
    await pool.close()
    await case.until(lambda: case.outside.value(SESSIONS[case.system].format(user)) == 0)


SESSIONS = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE usename = '{}'",
    "mysql": "SELECT count(*) FROM information_schema.processlist WHERE user = '{}'",
}


@MYSQL
async def test_a_server_that_has_become_read_only(case: Case, own: Server) -> None:
    """After a failover, a connection that still leads to the old primary: every write fails, so all are replaced."""
    outside = Outside(own)
    outside.run(*(statement.format(USER) for statement in case.dialect.grant), "CREATE TABLE t (i int)")
    pool = case.pool(own.url(user=USER), max_size=3)
    await pool.warm(3)
    outside.run("SET GLOBAL read_only = 1")
    with pytest.raises(Exception, match="read-only") as caught:
        await pool.execute("INSERT INTO t VALUES (1)")
    assert code(caught.value) == 1290
    outside.run("SET GLOBAL read_only = 0")
    assert await pool.execute("INSERT INTO t VALUES (1)") == 1
    assert (pool.stats().opened, pool.stats().total) == (4, 1)


@MYSQL
async def test_an_option_of_the_server_that_forbids_something_else_condemns_nothing(case: Case) -> None:
    pool = case.pool(max_size=1)
    with pytest.raises(Exception) as caught:  # noqa: PT011  the driver's own
        await pool.execute("SELECT 1 INTO OUTFILE '/nowhere/x'")
    assert code(caught.value) in (1, 13, 1290)
    assert await pool.query("SELECT 1 AS one") == ONE
    assert pool.stats().opened == 1


@POSTGRESQL
async def test_a_database_that_has_become_read_only(case: Case, own: Server) -> None:
    outside = Outside(own)
    outside.run("CREATE TABLE t (i int)", "ALTER DATABASE postgres SET default_transaction_read_only = on")
    pool = case.pool(own.url(), max_size=3)
    await pool.warm(3)
    with pytest.raises(Exception, match="read-only") as caught:
        await pool.execute("INSERT INTO t VALUES (1)")
    assert code(caught.value) == "25006"
    outside.run("BEGIN READ WRITE; ALTER DATABASE postgres RESET default_transaction_read_only; COMMIT")
    assert await pool.execute("INSERT INTO t VALUES (1)") == 1
    assert (pool.stats().opened, pool.stats().total) == (4, 1)


@over()
async def test_a_borrowers_own_read_only_transaction_condemns_nothing(case: Case, table: str) -> None:
    begin = "BEGIN READ ONLY" if case.system == "postgresql" else "START TRANSACTION READ ONLY"
    pool = case.pool(max_size=3)
    await pool.warm(3)
    with pytest.raises(Exception) as caught:  # noqa: PT011  the driver's own
        async with pool.connection() as conn:
            await case.run_on(conn, begin, f"INSERT INTO {table} (i) VALUES (1)")
    assert code(caught.value) in ("25006", 1792)
    with pytest.raises(Exception):  # noqa: B017, PT011  the driver's own
        async with pool.transaction(readonly=True) as tx:
            await tx.execute(f"INSERT INTO {table} (i) VALUES (1)")
    assert await pool.execute(f"INSERT INTO {table} (i) VALUES (1)") == 1
    assert (pool.stats().opened, pool.stats().retired) == (3, {})
