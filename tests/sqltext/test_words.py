"""The lists of words, held against the server's own."""

from __future__ import annotations

import psycopg

from thawpool.drivers._postgresql.words import CLEAN, HARMLESS, NAMING
from thawpool.testing.postgres import Postgres

#: Built-in functions that write something, or whose answer changes, and that leave the session alone.
VOLATILE = set(
    """
    array_sample array_shuffle bernoulli clock_timestamp current_query currval gen_random_uuid lastval
    pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_blocking_pids pg_cancel_backend
    pg_current_wal_flush_lsn pg_current_wal_insert_lsn pg_current_wal_lsn pg_database_size pg_indexes_size
    pg_is_in_recovery pg_is_wal_replay_paused pg_last_wal_receive_lsn pg_last_wal_replay_lsn
    pg_last_xact_replay_timestamp pg_notification_queue_usage pg_notify pg_partition_ancestors
    pg_partition_tree pg_relation_size pg_safe_snapshot_blocking_pids pg_sequence_last_value pg_sleep
    pg_sleep_for pg_sleep_until pg_table_size pg_tablespace_size pg_terminate_backend pg_total_relation_size
    pg_try_advisory_xact_lock pg_try_advisory_xact_lock_shared pg_xact_commit_timestamp pg_xact_status random
    random_normal system timeofday txid_status uuidv4 uuidv7
    """.split()  # noqa: SIM905 - words, not a list
)
NAMES = "SELECT proname FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace"


def column(server: Postgres, sql: str) -> set[str]:
    with psycopg.connect(server.url()) as conn:
        return {row[0] for row in conn.execute(sql)}


def test_every_harmless_word_is_the_servers_own(postgres: Postgres) -> None:
    functions = column(postgres, NAMES)
    types = column(postgres, "SELECT typname FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace")
    keywords = column(postgres, "SELECT word FROM pg_get_keywords()")
    assert functions | types | keywords >= HARMLESS
    assert keywords >= CLEAN
    assert keywords >= NAMING


def test_every_harmless_function_that_is_not_a_mere_reader_was_looked_at(postgres: Postgres) -> None:
    volatile = column(postgres, f"{NAMES} AND provolatile = 'v'")
    assert volatile & HARMLESS == VOLATILE


def test_no_function_that_touches_the_session_is_harmless() -> None:
    touching = "set_config setseed nextval setval pg_advisory_lock pg_try_advisory_lock pg_advisory_unlock_all lo_open"
    running_sql = "ts_stat ts_rewrite query_to_xml cursor_to_xml table_to_xml schema_to_xml database_to_xml"
    replication = "pg_replication_origin_session_setup pg_create_logical_replication_slot pg_export_snapshot"
    assert not HARMLESS & set(f"{touching} {running_sql} {replication}".split())


def test_no_command_that_touches_the_session_is_clean() -> None:
    touching = "listen unlisten prepare execute deallocate discard reset load do call import"
    assert not CLEAN & set(touching.split())
