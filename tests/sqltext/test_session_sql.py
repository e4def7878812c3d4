"""Limits at connect and the reset, on real servers: what is set, what is left alone, what is cleared."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row
from tests.sqltext.conftest import ROLE, Open
from tests.sqltext.sessions import simple_query, snapshot
from tests.sqltext.statements import lines
from tests.support.pgbouncer import PgBouncer

from thawpool.drivers._postgresql import limits_sql, literal, reset_sql, stateful
from thawpool.testing.postgres import Postgres

SETTINGS = {
    "idle_session_timeout": "15000ms",
    "idle_in_transaction_session_timeout": "30000ms",
    "statement_timeout": "60000ms",
    "client_connection_check_interval": "2000ms",
}
IN_WORDS = {
    "idle_session_timeout": "15s",
    "idle_in_transaction_session_timeout": "30s",
    "statement_timeout": "1min",
    "client_connection_check_interval": "2s",
}
#: Ways to leave state behind that an ordinary role has, one after the other in one session.
DIRT = """
    SET timezone = 'Pacific/Auckland'
    SET search_path = pg_catalog, nowhere
    SET statement_timeout = '5s'
    SET idle_session_timeout = 0
    SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE
    SELECT set_config('application_name', 'somebody', false)
    CREATE TEMP TABLE leftover (a int)
    CREATE TABLE pg_temp.leftover2 (a serial)
    SELECT 1 AS a INTO TEMP leftover3
    CREATE TEMP VIEW leftover_view AS SELECT 1
    CREATE TEMP SEQUENCE leftover_sequence
    INSERT INTO leftover2 DEFAULT VALUES; SELECT nextval('leftover_sequence')
    LISTEN channel
    PREPARE leftover AS SELECT 1
    DECLARE leftover CURSOR WITH HOLD FOR SELECT * FROM generate_series(1, 3)
    SELECT pg_advisory_lock(1), pg_advisory_lock_shared(2), pg_try_advisory_lock(3, 4)
    DO $$ BEGIN PERFORM set_config('work_mem', '1MB', false); END $$
    SET ROLE sqltext_app_reader
    SET default_transaction_read_only = on
"""
#: What takes a superuser, before all that.
SUPERUSER_DIRT = """
    SET session_replication_role = replica
    SET SESSION AUTHORIZATION sqltext_app
"""


def give_limits(conn: psycopg.Connection[Any], settings: dict[str, str] = SETTINGS) -> dict[str, Any]:
    row = conn.cursor(row_factory=dict_row).execute(limits_sql(settings, conn.info.backend_pid)).fetchone()
    assert row is not None
    return row


def in_force(conn: psycopg.Connection[Any], name: str) -> str:
    row = conn.execute("SELECT current_setting(%s)", (name,)).fetchone()
    assert row is not None
    return str(row[0])


def test_limits_are_set_on_a_direct_session(opened: Open) -> None:
    conn = opened()
    row = give_limits(conn)
    assert row["pooled"] is False
    assert row["cleans_up"] is True
    assert {name: row[name] for name in SETTINGS} == IN_WORDS
    assert {name: in_force(conn, name) for name in SETTINGS} == IN_WORDS


def test_the_row_tells_about_the_server(opened: Open, server: Postgres) -> None:
    row = give_limits(opened(ROLE))
    assert row["version"] // 10_000 == server.version
    assert row["in_recovery"] is False
    assert (row["max_connections"], row["usable"]) == (100, 97)
    assert 1 <= row["used"] <= 97
    assert row["load"] == pytest.approx(row["used"] / 97)
    assert give_limits(opened())["usable"] == 100, "a superuser may use the reserved ones"


def test_load_is_that_of_the_fuller_limit(opened: Open, server: Postgres) -> None:
    admin = opened()
    admin.execute("CREATE DATABASE sqltext_small CONNECTION LIMIT 2")
    try:
        with psycopg.connect(server.url(ROLE, "sqltext_small"), autocommit=True) as conn:
            assert give_limits(conn)["load"] >= 0.5
    finally:
        admin.execute("DROP DATABASE sqltext_small")


def test_without_settings_nothing_is_set_and_no_setting_is_named(opened: Open) -> None:
    conn = opened()
    before = snapshot(conn)
    assert "set_config" not in limits_sql({}, 1)
    assert give_limits(conn, {})["pooled"] is False
    assert snapshot(conn) == before


def test_a_limit_is_never_loosened(opened: Open) -> None:
    conn = opened(ROLE, options="-c statement_timeout=1s -c idle_session_timeout=1h")
    row = give_limits(conn)
    assert row["statement_timeout"] is None
    assert in_force(conn, "statement_timeout") == "1s"
    assert row["idle_session_timeout"] == in_force(conn, "idle_session_timeout") == "15s"


def test_a_setting_that_the_server_does_not_know_is_left_out(opened: Open) -> None:
    row = give_limits(opened(), {"no_such_timeout": "1000ms", "statement_timeout": "1000ms"})
    assert (row["no_such_timeout"], row["statement_timeout"]) == (None, "1s")


def test_nothing_is_set_behind_a_pooler(pgbouncer: PgBouncer) -> None:
    with psycopg.connect(pgbouncer.url(), autocommit=True, prepare_threshold=None) as conn:
        row = give_limits(conn)
        assert row["pooled"] is True
        assert [row[name] for name in SETTINGS] == [None] * len(SETTINGS)
        assert {in_force(conn, name) for name in SETTINGS} == {"0"}


@pytest.mark.parametrize("user", ["postgres", ROLE])
def test_a_reset_session_is_like_a_fresh_one(opened: Open, user: str) -> None:
    conn, fresh = opened(user), opened(user)
    give_limits(conn)
    give_limits(fresh)
    expected = snapshot(fresh)
    assert snapshot(conn) == expected
    for statement in lines(SUPERUSER_DIRT) * (user == "postgres") + lines(DIRT):
        conn.execute(statement)
        assert stateful(statement)
    dirty = snapshot(conn)
    assert {key for key in expected if dirty[key] == expected[key]} == set(), "the dirt is real"
    simple_query(conn, reset_sql(SETTINGS, rollback=False))
    assert snapshot(conn) == expected
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        conn.execute("SELECT lastval()")


def test_a_role_that_is_set_by_default_stays(opened: Open) -> None:
    conn = opened(ROLE, options=f"-c role={ROLE}_reader -c search_path=elsewhere")
    expected = snapshot(conn)
    assert expected["users"] == [f"{ROLE}_reader", ROLE, f"{ROLE}_reader"]
    conn.execute("SET ROLE NONE; SET search_path = here")
    simple_query(conn, reset_sql({}, rollback=False))
    assert snapshot(conn) == expected


@pytest.mark.parametrize("failed", [False, True])
def test_an_open_transaction_is_rolled_back_first(opened: Open, failed: bool) -> None:
    conn = opened(ROLE)
    expected = snapshot(conn)
    conn.execute("BEGIN; SET timezone = 'Pacific/Auckland'; CREATE TEMP TABLE t (a int); SAVEPOINT s")
    if failed:
        with pytest.raises(psycopg.errors.DivisionByZero):
            conn.execute("SELECT 1 / 0")
    simple_query(conn, reset_sql({}, rollback=True))
    assert conn.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    assert snapshot(conn) == expected


@pytest.mark.parametrize("in_transaction", [False, True])
def test_a_borrowers_statement_timeout_does_not_reach_the_reset(opened: Open, in_transaction: bool) -> None:
    conn = opened(ROLE)
    conn.execute("BEGIN; SET statement_timeout = 50" if in_transaction else "SET statement_timeout = 50")
    simple_query(conn, reset_sql(SETTINGS, rollback=in_transaction) + "; SELECT pg_sleep(0.1)")
    assert in_force(conn, "statement_timeout") == "1min"


def test_locks_and_temporary_tables_are_free_for_others(opened: Open) -> None:
    conn, other = opened(ROLE), opened(ROLE)
    conn.execute("SELECT pg_advisory_lock(77); CREATE TEMP TABLE t (a int)")
    taken = "SELECT pg_try_advisory_xact_lock(77)"
    assert other.execute(taken).fetchone() == (False,)
    simple_query(conn, reset_sql({}, rollback=False))
    assert other.execute(taken).fetchone() == (True,)


def test_a_reset_leaves_nothing_to_reset(opened: Open) -> None:
    conn = opened(ROLE)
    notices: list[str | None] = []
    conn.add_notice_handler(lambda diagnostic: notices.append(diagnostic.message_primary))
    give_limits(conn)
    expected = snapshot(conn)
    for _ in range(3):
        simple_query(conn, reset_sql(SETTINGS, rollback=False))
        assert snapshot(conn) == expected
    assert notices == []


@pytest.mark.parametrize("text", ["", "it's", "back\\slash", "both\\'", "'; DROP TABLE t; --", "é$$"])
@pytest.mark.parametrize("standard", ["on", "off"])
def test_a_literal_is_its_text(postgres: Postgres, text: str, standard: str) -> None:
    with psycopg.connect(postgres.url(), autocommit=True) as conn:
        conn.execute(f"SET standard_conforming_strings = {standard}; SET escape_string_warning = off")
        assert conn.execute(f"SELECT {literal(text)}").fetchone() == (text,)
