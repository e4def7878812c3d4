"""Scenarios of PgBouncer's tests, for a pool that lives in the client; some of them behind a real PgBouncer."""

from __future__ import annotations

import time
from itertools import groupby

import pytest
from tests.api.flavours import Flavour
from tests.conftest import ProxyFactory
from tests.scenarios.sessions import sessions
from tests.support.pgbouncer import PgBouncer
from tests.support.wire import statements

from thawpool import ConnectFailed, PoolTimeout
from thawpool.testing._home import free_port
from thawpool.testing.postgres import Postgres

ONE = [{"n": 1}]


async def test_pgbouncer_query_wait_timeout(flavour: Flavour, postgres: Postgres) -> None:
    """Who waits is refused at the limit, and served when it takes less."""
    pool = flavour.pool(postgres.url(), max_size=1)
    async with pool.connection():
        impatient = flavour.spawn(pool.query("SELECT 1 AS n", timeout=0.05))
        patient = flavour.spawn(pool.query("SELECT 1 AS n", timeout=10))
        with pytest.raises(PoolTimeout):
            await impatient
    assert await patient == ONE


async def test_pgbouncer_server_idle_timeout(flavour: Flavour, postgres: Postgres) -> None:
    """The server ends what lies idle, although the client does nothing; and the next query works."""
    name = f"idle-{flavour.name}"
    pool = flavour.pool(postgres.url(application_name=name), trust_window=0, server_idle_timeout=0.05)
    assert await pool.query("SELECT 1 AS n") == ONE
    await flavour.until(lambda: sessions(postgres, name) == 0)
    assert await pool.query("SELECT 1 AS n") == ONE
    assert pool.stats().retired == {"lost": 1}


async def test_pgbouncer_server_login_retry(
    flavour: Flavour, postgres: Postgres, proxy: ProxyFactory
) -> None:
    """The database is down at the first request: that one fails at once, the first after it came up is served."""
    wire = proxy()
    wire.refuse()
    pool = flavour.pool(wire.url(postgres.url()))
    since = time.monotonic()
    with pytest.raises(ConnectFailed) as caught:
        await pool.query("SELECT 1 AS n")
    assert time.monotonic() - since < 1
    assert caught.value.transient
    wire.resume()
    assert await pool.query("SELECT 1 AS n") == ONE


async def test_pgbouncer_query_timeout_when_no_active_query(flavour: Flavour, postgres: Postgres) -> None:
    """The limit of statements is none for a lease that thinks for longer than that."""
    pool = flavour.pool(postgres.url(), max_size=1, statement_timeout=0.1)
    async with pool.connection() as conn:
        assert await flavour.value(conn, "SELECT 1") == 1
        await flavour.pool(postgres.url()).query("SELECT pg_sleep(0.15)")
        assert await flavour.value(conn, "SELECT 1") == 1
    assert pool.stats().retired == {}


@pytest.mark.parametrize("size", [1, 2, 5])
async def test_pgbouncer_pool_size(flavour: Flavour, postgres: Postgres, size: int) -> None:
    """As many server connections as allowed and no more, after a resize as well."""
    name = f"size-{flavour.name}-{size}"
    pool = flavour.pool(postgres.url(application_name=name), max_size=size)
    for job in [flavour.spawn(pool.query("SELECT pg_sleep(0.03)")) for _ in range(size + 3)]:
        await job
    assert sessions(postgres, name) == size
    await pool.resize(size + 1)
    for job in [flavour.spawn(pool.query("SELECT pg_sleep(0.03)")) for _ in range(size + 3)]:
        await job
    assert sessions(postgres, name) == size + 1
    await pool.resize(1)
    await flavour.until(lambda: sessions(postgres, name) == 1)


async def test_pgbouncer_database_restart(flavour: Flavour, own_postgres: Postgres) -> None:
    """The database restarts behind the pool, in good order and not: no query fails for it."""
    pool = flavour.pool(own_postgres.url(), max_size=3)
    for mode in ("fast", "immediate"):
        await pool.warm(3)
        own_postgres.restart(mode)
        for _ in range(4):
            assert await pool.query("SELECT 1 AS n") == ONE
    await pool.warm(3)
    own_postgres.kill()
    own_postgres.start()
    assert await pool.query("SELECT 1 AS n") == ONE


async def test_pgbouncer_host_list(flavour: Flavour, postgres: Postgres) -> None:
    """Several hosts, the first of which is down."""
    url = postgres.url().replace("@127.0.0.1:", f"@127.0.0.1:{free_port()},127.0.0.1:")
    pool = flavour.pool(url)
    assert await pool.query("SELECT 1 AS n") == ONE


async def test_pgbouncer_prepared_statement(
    flavour: Flavour, postgres: Postgres, pgbouncer: PgBouncer
) -> None:
    """One text, many times, on changing servers behind a pooler: found out by itself, and no setting needed."""
    pool = flavour.pool(pgbouncer.url(), max_size=4)

    async def ask() -> None:
        for n in range(12):
            assert await pool.query("SELECT %s::int AS n", (n,)) == [{"n": n}]

    for job in [flavour.spawn(ask()) for _ in range(6)]:
        await job
    async with pool.transaction() as tx:
        assert await tx.query("SELECT 1 AS n") == ONE
    assert pool.stats().retired == {}


async def test_behind_a_pooler_only_what_the_user_said(
    flavour: Flavour, postgres: Postgres, proxy: ProxyFactory
) -> None:
    """T8: named as a pooler that pins sessions, the pool sends nothing of its own."""
    wire = proxy(record=True)
    pool = flavour.pool(wire.url(postgres.url()), max_size=1, pooler="rds_proxy")
    assert await pool.query("SELECT 1 AS n") == ONE
    await pool.execute("SET work_mem = '7MB'")
    async with pool.connection() as conn:
        await flavour.run_on(conn, "BEGIN")
    # asyncpg parses a text again as it executes it, where it must not keep it prepared.
    sent = [text for text, _ in groupby(statements(wire.conversations[0]))]
    assert sent == ["SELECT 1 AS n", "SET work_mem = '7MB'", "BEGIN", "ROLLBACK"]
