"""asyncpg behind a pooler that gives each transaction another session: found out, and nothing kept there."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from tests.support.loops import LoopFlavour
from tests.support.pgbouncer import PgBouncer
from tests.support.wire import messages, statements

from thawpool import PoolTimeout
from thawpool.testing.postgres import Postgres
from thawpool.testing.proxy import FaultProxy


async def test_nothing_stays_on_the_servers_of_a_pooler(
    flavour: LoopFlavour, postgres: Postgres, pgbouncer: PgBouncer
) -> None:
    with FaultProxy("127.0.0.1", pgbouncer.port, record=True) as wire:
        pool = flavour.pool(wire.url(pgbouncer.url()), max_size=3)
        await pool.execute(
            "DROP TYPE IF EXISTS pooled_mood; CREATE TYPE pooled_mood AS ENUM ('sad', 'happy')"
        )

        async def ask(n: int) -> None:
            for _ in range(5):
                assert await pool.query("SELECT %s::int AS n, %s::pooled_mood AS mood", (n, "sad")) == [
                    {"n": n, "mood": "sad"}
                ]
                async with pool.connection() as conn, conn.transaction():
                    statement = await conn.prepare("SELECT $1::int")
                    assert await statement.fetchval(n) == n

        await asyncio.gather(*(ask(n) for n in range(6)))
        first, *others = wire.conversations
        assert "pg_backend_pid() <>" in statements(first)[0]
        for conversation in (first, *others):
            sent = messages(conversation)
            assert all(body.startswith(b"\0") for kind, body in sent if kind == "P"), "all without a name"
        assert not any("set_config" in text for conversation in others for text in statements(conversation))
        await pool.execute("DROP TYPE pooled_mood")


async def test_a_statement_given_up_behind_a_pooler(
    flavour: LoopFlavour, postgres: Postgres, pgbouncer: PgBouncer
) -> None:
    pool = flavour.pool(pgbouncer.url(), max_size=1)
    await pool.query("SELECT 1")
    with pytest.raises(PoolTimeout):
        await pool.query("SELECT pg_sleep(62)", timeout=0.1)
    running = (
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(62)%' AND state = 'active'"
    )
    with psycopg.connect(postgres.url(), autocommit=True) as other:
        await flavour.until(lambda: other.execute(running).fetchone() == (0,))
    assert await pool.query("SELECT 1 AS one") == [{"one": 1}]


async def test_a_pooler_that_was_announced_is_not_asked(
    flavour: LoopFlavour, postgres: Postgres, pgbouncer: PgBouncer
) -> None:
    with FaultProxy("127.0.0.1", pgbouncer.port, record=True) as wire:
        pool = flavour.pool(wire.url(pgbouncer.url()), pooler="pgbouncer")
        assert await pool.query("SELECT 1 AS one") == [{"one": 1}]
        assert set(statements(wire.conversations[0])) == {"SELECT 1 AS one"}
