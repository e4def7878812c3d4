"""What a borrower may leave in a session, and everything in it that the next one could find, by system."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from tests.clean.session import SNAPSHOT
from tests.drivers.conformance.case import Case
from tests.drivers.conformance.declared import System
from tests.drivers.conformance.errors import code

from thawpool import AsyncPool

__all__ = ["LEFTOVERS", "leave", "snapshot"]

#: By a name for it, what a borrower does.
LEFTOVERS: dict[System, dict[str, list[str]]] = {
    "postgresql": {
        "an open transaction": ["BEGIN", "INSERT INTO conformance_rows (i) VALUES (1)"],
        "a failed transaction": ["BEGIN", "SELECT 1/0"],
        "a setting": ["SET work_mem = '7MB'"],
        "a setting in a transaction": ["BEGIN", "SET work_mem = '7MB'", "COMMIT"],
        "a setting by function": ["SELECT set_config('work_mem', '7MB', false)"],
        "a search path": ["SET search_path = pg_catalog"],
        "a time zone": ["SET TIME ZONE 'Asia/Tokyo'"],
        "an encoding": ["SET client_encoding = 'LATIN1'"],
        "a limit of the pool's": ["SET idle_session_timeout = 0", "SET statement_timeout = '90s'"],
        "read only by default": ["SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"],
        "a role": ["SET ROLE conformance_other"],
        "a session authorization": ["SET SESSION AUTHORIZATION conformance_other"],
        "a temporary table": ["CREATE TEMP TABLE mine (n int)"],
        "a channel": ["LISTEN news"],
        "an advisory lock": ["SELECT pg_advisory_lock(7)"],
        "a prepared statement": ["PREPARE mine AS SELECT 1"],
        "a held cursor": ["BEGIN", "DECLARE mine CURSOR WITH HOLD FOR SELECT 1", "COMMIT"],
        "a cursor in an open transaction": ["BEGIN", "DECLARE mine CURSOR FOR SELECT 1"],
        "a setting in a DO block": ["DO $$ BEGIN PERFORM set_config('work_mem', '7MB', false); END $$"],
        "a setting behind a comment": ["/* SELECT 1; */ SET -- work_mem\n work_mem = '7MB'"],
        "many things": ["LISTEN a", "SET ROLE conformance_other", "CREATE TEMP TABLE a (n int)", "BEGIN", "SELECT 1/0"],
    },
    "mysql": {
        "an open transaction": ["BEGIN", "INSERT INTO conformance_rows (i) VALUES (1)"],
        "a started transaction": ["START TRANSACTION READ ONLY", "SELECT i FROM conformance_rows"],
        "a failed statement in a transaction": ["BEGIN", "SELECT i FROM there_is_no_such_table"],
        "a lock by name": ["SELECT GET_LOCK('mine', 0)"],
        "a user variable": ["SET @mine = 7"],
        "a user variable by select": ["SELECT @mine := 7"],
        "a user variable by into": ["SELECT 7 INTO @mine"],
        "a temporary table": ["CREATE TEMPORARY TABLE mine (n int)"],
        "a setting": ["SET SESSION sort_buffer_size = 65536"],
        "a setting without a word": ["SET sort_buffer_size = 65536"],
        "a setting by its sign": ["SET @@session.sort_buffer_size = 65536"],
        "a mode of sql": ["SET sql_mode = 'ANSI_QUOTES'"],
        "a time zone": ["SET time_zone = '+09:00'"],
        "names": ["SET NAMES latin1"],
        "a character set": ["SET CHARACTER SET latin1"],
        "a collation": ["SET collation_connection = utf8mb4_bin"],
        "an isolation level": ["SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE"],
        "an isolation level for the next": ["SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"],
        "read only by default": ["SET SESSION TRANSACTION READ ONLY"],
        "no autocommit": ["SET autocommit = 0"],
        "no autocommit and a statement": ["SET autocommit = 0", "INSERT INTO conformance_rows (i) VALUES (1)"],
        "a limit of the pool's": ["SET SESSION wait_timeout = 12345"],
        "a database": ["USE mysql"],
        "a locked table": ["LOCK TABLES conformance_rows WRITE"],
        "a prepared statement": ["PREPARE mine FROM 'SELECT 1'"],
        "an open handler": ["HANDLER conformance_rows OPEN"],
        "the last number": ["SELECT LAST_INSERT_ID(77)"],
        "no foreign keys": ["SET foreign_key_checks = 0"],
        "a setting behind a comment": ["/* SELECT 1; */ SET # @other\n @mine = 7"],
        "a setting in a comment that is run": ["SELECT 1 /*! INTO @mine */"],
        "many things": ["SET @mine = 7", "USE mysql", "SET NAMES latin1", "SET autocommit = 0", "SELECT GET_LOCK('mine', 0)"],
    },
}  # fmt: skip

#: What MySQL does not list, and what errors say where there is nothing.
UNLISTED = {
    "session": "SELECT connection_id()",
    "user": "SELECT current_user()",
    "database": "SELECT database()",
    "a user variable": "SELECT @mine",
    "a lock by name": "SELECT is_used_lock('mine')",
    "the last number": "SELECT last_insert_id()",
    "a transaction": "SELECT count(*) FROM information_schema.innodb_trx WHERE trx_mysql_thread_id = connection_id()",
    "a temporary table": "SELECT n FROM mine",
    "a prepared statement": "EXECUTE mine",
    "a handler": "HANDLER conformance_rows READ FIRST",
    "another table": "SELECT count(*) FROM conformance_others",
}
#: Settings that change with every statement.
MOVING = {
    "timestamp", "rand_seed1", "rand_seed2", "error_count", "warning_count", "last_insert_id", "identity", "in_transaction",
    "pseudo_thread_id", "last_gtid", "gtid_seq_no", "statement_id",
}  # fmt: skip


async def snapshot(case: Case, pool: AsyncPool) -> dict[str, Any]:
    """The state of the session that the pool leases next, as its borrower finds it."""
    async with pool.connection() as conn:
        if case.system == "postgresql":
            return {"state": await case.value(conn, SNAPSHOT)}
        found = dict(await case.rows(conn, "SHOW SESSION VARIABLES"))
        found = {name: value for name, value in found.items() if name not in MOVING}
        for name, sql in UNLISTED.items():
            try:
                found[f"({name})"] = await case.value(conn, sql)
            except Exception as error:
                found[f"({name})"] = code(error)
        text = "SELECT 'grüße 🐘' AS t, length('🐘') AS n"
        found["(emoji)"] = await case.rows(conn, text)
        return found


async def leave(case: Case, conn: Any, left: str) -> None:
    """Do what the borrower does; some of it is meant to fail."""
    for statement in LEFTOVERS[case.system][left]:
        with suppress(Exception):
            await case.run_on(conn, statement)
