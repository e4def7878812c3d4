"""A migration under warm instances: what was prepared before it is outdated, and nobody should notice."""

from __future__ import annotations

import pytest
from tests.api.flavours import Flavour

from thawpool.testing.postgres import Postgres


async def test_a_new_column_fails_no_query(flavour: Flavour, own_postgres: Postgres) -> None:
    pool = flavour.pool(own_postgres.url(), max_size=1)
    migration = flavour.pool(own_postgres.url())
    await migration.execute("CREATE TABLE people (id int)")
    await migration.execute("INSERT INTO people VALUES (1)")
    for _ in range(10):
        assert await pool.query("SELECT * FROM people") == [{"id": 1}]
    await migration.execute("ALTER TABLE people ADD COLUMN name text DEFAULT 'Ada'")
    for _ in range(10):
        assert await pool.query("SELECT * FROM people") == [{"id": 1, "name": "Ada"}]
    assert pool.stats().opened == 1


async def test_in_a_transaction_it_fails_once_and_then_no_more(
    flavour: Flavour, own_postgres: Postgres
) -> None:
    pool = flavour.pool(own_postgres.url(), max_size=1)
    migration = flavour.pool(own_postgres.url())
    await migration.execute("CREATE TABLE people (id int)")
    for _ in range(10):
        await pool.query("SELECT * FROM people")
    await migration.execute("ALTER TABLE people ADD COLUMN name text")
    with pytest.raises(Exception, match="cached"):
        async with pool.transaction() as tx:
            await tx.query("SELECT * FROM people")
    async with pool.transaction() as tx:
        assert await tx.query("SELECT * FROM people") == []
