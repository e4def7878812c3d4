"""``transaction()``: BEGIN ... COMMIT, ROLLBACK on an exception, and never a commit that did not happen."""

from __future__ import annotations

import pytest
from tests.api.flavours import Flavour, done

from thawpool import ConfigError, LeaseError, PoolError, PoolTimeout
from thawpool.testing.postgres import Postgres


class Mistake(Exception):
    """What goes wrong in the user's code."""


async def count(pool: object, table: str) -> int:
    row = await pool.query_one(f"SELECT count(*)::int AS n FROM {table}")  # type: ignore[attr-defined]
    assert row is not None
    return int(row["n"])


@pytest.fixture
def table(flavour: Flavour, postgres: Postgres) -> str:
    """A table of this test's own, without rows."""
    import psycopg

    with psycopg.connect(postgres.url(), autocommit=True) as conn:
        conn.execute(f"CREATE TABLE IF NOT EXISTS {flavour.name}_rows (n int UNIQUE)")
        conn.execute(f"TRUNCATE {flavour.name}_rows")
    return f"{flavour.name}_rows"


async def test_the_end_of_the_block_commits(flavour: Flavour, postgres: Postgres, table: str) -> None:
    pool = flavour.pool(postgres.url())
    async with pool.transaction() as tx:
        row = await tx.query_one(f"INSERT INTO {table} VALUES (%s) RETURNING n", (1,))
        assert row == {"n": 1}
        assert await count(pool, table) == 0, "the other connection of the pool must not see it yet"
    assert await count(pool, table) == 1


async def test_an_exception_rolls_back_and_passes(flavour: Flavour, postgres: Postgres, table: str) -> None:
    pool = flavour.pool(postgres.url(), max_size=1)
    with pytest.raises(Mistake):
        async with pool.transaction() as tx:
            await tx.execute(f"INSERT INTO {table} VALUES (1)")
            raise Mistake
    assert await count(pool, table) == 0
    assert pool.stats().opened == 1


async def test_a_swallowed_error_is_not_a_commit(flavour: Flavour, postgres: Postgres, table: str) -> None:
    """The server answers COMMIT with ROLLBACK after a failed statement: nobody may think it committed."""
    pool = flavour.pool(postgres.url(), max_size=1)
    with pytest.raises(PoolError, match="rolled back, not committed"):
        async with pool.transaction() as tx:
            await tx.execute(f"INSERT INTO {table} VALUES (1)")
            with pytest.raises(flavour.error_class):
                await tx.execute("SELECT 1/0")
    assert await count(pool, table) == 0
    assert pool.stats().opened == 1


async def test_a_savepoint_of_the_drivers_own(flavour: Flavour, postgres: Postgres, table: str) -> None:
    pool = flavour.pool(postgres.url(), max_size=1)
    async with pool.transaction() as tx:
        await tx.execute(f"INSERT INTO {table} VALUES (1)")
        await tx.execute("SAVEPOINT a")
        with pytest.raises(flavour.error_class):
            await tx.execute(f"INSERT INTO {table} VALUES (1)")
        await tx.execute("ROLLBACK TO SAVEPOINT a")
        await tx.execute(f"INSERT INTO {table} VALUES (2)")
    assert await count(pool, table) == 2


async def test_a_commit_that_fails_says_so(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=1)
    with pytest.raises(flavour.error_class) as caught:
        async with pool.transaction() as tx:
            await tx.execute("CREATE TEMP TABLE late (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
            await tx.execute("INSERT INTO late VALUES (1), (1)")
    assert getattr(caught.value, "sqlstate", None) == "23505"
    assert await pool.query("SELECT 1 AS n") == [{"n": 1}]


ISOLATIONS = [
    ("read committed", "read committed"),
    ("repeatable read", "repeatable read"),
    ("serializable", "serializable"),
    ("REPEATABLE_READ", "repeatable read"),
    (None, "read committed"),
]


@pytest.mark.parametrize("isolation, told", ISOLATIONS)
async def test_isolation(flavour: Flavour, postgres: Postgres, isolation: str | None, told: str) -> None:
    pool = flavour.pool(postgres.url(), max_size=1)
    async with pool.transaction(isolation=isolation) as tx:
        assert await tx.query("SHOW transaction_isolation") == [{"transaction_isolation": told}]
    async with pool.transaction() as tx:
        assert await tx.query("SHOW transaction_isolation") == [{"transaction_isolation": "read committed"}]


async def test_an_unknown_isolation_level(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=1)
    with pytest.raises(ConfigError, match=r"'snapshot'.*'read committed', 'repeatable read', 'serializable'"):
        async with pool.transaction(isolation="snapshot"):
            pass
    assert pool.stats().used == 0
    assert await pool.query("SELECT 1 AS n") == [{"n": 1}]


async def test_readonly(flavour: Flavour, postgres: Postgres, table: str) -> None:
    pool = flavour.pool(postgres.url(), max_size=1)
    with pytest.raises(flavour.error_class) as caught:
        async with pool.transaction(readonly=True) as tx:
            assert await tx.query("SHOW transaction_read_only") == [{"transaction_read_only": "on"}]
            await tx.execute(f"INSERT INTO {table} VALUES (1)")
    assert getattr(caught.value, "sqlstate", None) == "25006"
    assert await pool.execute(f"INSERT INTO {table} VALUES (1)") == 1
    assert pool.stats().opened == 1, "a borrower's own read-only transaction is no failover"


async def test_deferrable(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url())
    async with pool.transaction(isolation="serializable", readonly=True, deferrable=True) as tx:
        assert await tx.query("SHOW transaction_deferrable") == [{"transaction_deferrable": "on"}]


async def test_timeout_bounds_the_wait_for_a_connection(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=1)
    async with pool.transaction():
        with pytest.raises(PoolTimeout) as caught:
            async with pool.transaction(timeout=0.02):
                pass
    assert caught.value.phase == "waiting"
    assert pool.stats().used == 0


async def test_the_connection_is_the_drivers_own(flavour: Flavour, postgres: Postgres, table: str) -> None:
    pool = flavour.pool(postgres.url())
    async with pool.transaction() as tx:
        assert isinstance(tx.connection, flavour.connection_class)
        await done(tx.connection.execute(f"INSERT INTO {table} VALUES (7)"))
        assert await tx.query(f"SELECT n FROM {table}") == [{"n": 7}]


async def test_a_transaction_lives_as_long_as_its_block(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url())
    block = pool.transaction()
    async with block as tx:
        with pytest.raises(LeaseError, match="in use already"):
            async with block:
                pass
    with pytest.raises(LeaseError, match="only inside its `with` block"):
        await tx.query("SELECT 1 AS n")
    with pytest.raises(LeaseError, match="only inside its `with` block"):
        tx.connection  # noqa: B018  reading it is the test
    async with block as tx:
        assert await tx.query("SELECT 1 AS n") == [{"n": 1}], "a block that has ended may be used again"
    assert pool.stats().used == 0


async def test_idempotent_is_no_licence_inside_a_transaction(flavour: Flavour, postgres: Postgres) -> None:
    """The connection dies in the middle: the transaction is over, whatever the statement claims."""
    from thawpool import ConnectionLost

    pool, other = flavour.pool(postgres.url(), max_size=1), flavour.pool(postgres.url(), name="other")
    with pytest.raises(ConnectionLost):
        async with pool.transaction() as tx:
            row = await tx.query_one("SELECT pg_backend_pid() AS pid")
            assert row is not None
            await other.query("SELECT pg_terminate_backend(%s::int, 5000) AS gone", (row["pid"],))
            await tx.query("SELECT 1 AS n", idempotent=True)
    assert await pool.query("SELECT 1 AS n") == [{"n": 1}]
