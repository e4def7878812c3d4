"""A real PgBouncer before a real server."""

from __future__ import annotations

import psycopg
import pytest
from tests.support.pgbouncer import PgBouncer

from thawpool.testing.postgres import Postgres


def test_it_pools_transactions(pgbouncer: PgBouncer, postgres: Postgres) -> None:
    with (
        psycopg.connect(pgbouncer.url(), autocommit=True, prepare_threshold=None) as first,
        psycopg.connect(pgbouncer.url(), autocommit=True, prepare_threshold=None) as second,
    ):
        pids = {conn.execute("SELECT pg_backend_pid()").fetchone() for conn in (first, second)}
        assert len(pids) == 1
        assert (first.info.backend_pid,) not in pids


def test_its_admin_console_answers(pgbouncer: PgBouncer) -> None:
    with psycopg.connect(
        pgbouncer.url("pgbouncer"), autocommit=True, cursor_factory=psycopg.ClientCursor
    ) as conn:
        row = conn.execute("SHOW VERSION").fetchone()
    assert row is not None
    assert row[0].startswith("PgBouncer")


def test_stop_ends_its_clients_and_start_comes_back(postgres: Postgres, pgbouncer: PgBouncer) -> None:
    with PgBouncer(postgres, "session", settings={"default_pool_size": "1"}) as own:
        with psycopg.connect(own.url()) as conn:
            own.stop()
            with pytest.raises(psycopg.OperationalError):
                conn.execute("SELECT 1")
        own.start()
        with psycopg.connect(own.url()) as conn:
            assert conn.execute("SELECT 1").fetchone() == (1,)
