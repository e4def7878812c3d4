"""The lists of words, held against the server's own."""

from __future__ import annotations

import pymysql
import pytest
from tests.sqltext.mysql.sessions import ask, opened

from thawpool.drivers._mysql.words import CLEAN, DROPPED, HARMLESS, NAMING
from thawpool.testing.mariadb import MariaDB

#: What MySQL has, or a newer MariaDB, or what is a part of the grammar where these have no keyword.
ELSEWHERE = set(
    """
    any_value bin_to_uuid format_bytes format_pico_time geometry grouping gtid_subset gtid_subtract is_uuid
    json_schema_valid json_schema_validation_report json_storage_free json_storage_size kdf lateral member
    point ps_current_thread_id ps_thread_id regexp_like st_geohash st_isvalid st_latfromgeohash st_latitude
    st_longfromgeohash st_longitude st_makeenvelope st_pointfromgeohash st_simplify st_transform st_validate
    statement_digest statement_digest_text uuid_to_bin vector
    """.split()  # noqa: SIM905 - words, not a list
)
#: Functions of MariaDB's that touch the session, wait for another server, or are there for the server's own use.
TOUCHING = set(
    """
    binlog_gtid_pos concat_operator_oracle decode_histogram decode_oracle des_decrypt des_encrypt get_lock
    last_insert_id lpad_oracle ltrim_oracle master_gtid_wait master_pos_wait release_all_locks release_lock
    replace_oracle rpad_oracle rtrim_oracle schemas substr_oracle trim_oracle wsrep_last_seen_gtid
    wsrep_last_written_gtid wsrep_sync_wait_upto_gtid
    """.split()  # noqa: SIM905
)
NO_SUCH_FUNCTION = 1305


def listed(server: MariaDB, *tables: str) -> set[str]:
    with opened(server) as conn:
        return {
            word.lower()
            for table in tables
            for (word,) in ask(conn, f"SELECT * FROM information_schema.{table}")
        }


def unknown(server: MariaDB, words: set[str]) -> set[str]:
    """Those that the server takes for functions of a user's own."""
    strange = set()
    with opened(server) as conn:
        for word in words:
            with pytest.raises(pymysql.MySQLError) as caught:
                ask(conn, f"SELECT {word}(1, 2, 3, 4, 5, 6, 7, 8, 9)")
            if caught.value.args[0] == NO_SUCH_FUNCTION:
                strange.add(word)
    return strange


def test_every_harmless_word_is_a_servers_own(mariadb: MariaDB) -> None:
    words = listed(mariadb, "keywords", "sql_functions")
    assert unknown(mariadb, set(HARMLESS - words)) <= ELSEWHERE
    assert words >= CLEAN
    assert words >= NAMING
    assert words >= DROPPED


def test_every_function_that_is_not_harmless_was_looked_at(mariadb: MariaDB) -> None:
    assert listed(mariadb, "sql_functions") - HARMLESS <= TOUCHING


def test_no_function_that_touches_the_session_is_harmless() -> None:
    sequences = {"nextval", "setval"}
    waiting = {"source_pos_wait", "wait_for_executed_gtid_set", "service_get_write_locks"}
    assert not HARMLESS & (TOUCHING | sequences | waiting)


def test_no_command_that_touches_the_session_is_clean() -> None:
    touching = (
        "set use prepare execute deallocate lock unlock flush handler do call load xa reset backup signal get"
    )
    assert not CLEAN & set(touching.split())
