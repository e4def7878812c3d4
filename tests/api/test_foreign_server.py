"""A server that speaks PostgreSQL's protocol and lacks, or hides, what the greeting asks for."""

from __future__ import annotations

import psycopg
import pytest
from tests.api.flavours import Flavour

from thawpool.testing.postgres import Postgres


async def test_a_server_that_refuses_the_greeting_is_left_alone(
    flavour: Flavour, own_postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    with psycopg.connect(own_postgres.url(), autocommit=True) as admin:
        admin.execute("CREATE ROLE app LOGIN")
        admin.execute("REVOKE EXECUTE ON FUNCTION pg_is_in_recovery() FROM PUBLIC")
    pool = flavour.pool(own_postgres.url(user="app"), max_size=2)
    for _ in range(2):
        assert await pool.query_one("SELECT current_setting('idle_session_timeout') AS limit") == {
            "limit": "0"
        }
        await pool.expire()
    assert len([record for record in caplog.records if "left alone" in record.message]) == 1


async def test_its_connections_close_when_the_invocation_ends(
    flavour: Flavour, own_postgres: Postgres
) -> None:
    with psycopg.connect(own_postgres.url(), autocommit=True) as admin:
        admin.execute("CREATE ROLE app LOGIN")
        admin.execute("REVOKE EXECUTE ON FUNCTION pg_is_in_recovery() FROM PUBLIC")
    pool = flavour.pool(own_postgres.url(user="app"))
    with pool.invocation():
        await pool.query("SELECT 1 AS one")
        assert pool.stats().total == 1
    assert pool.stats().total == 0
