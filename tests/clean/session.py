"""Everything that a borrower could leave in a PostgreSQL session, read as the next borrower would find it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from tests.api.flavours import Flavour

from thawpool import AsyncPool
from thawpool.testing.postgres import Postgres

__all__ = ["furniture", "snapshot"]

#: Names that drivers give by themselves begin with an underscore: _pg3_1, __asyncpg_stmt_2__. Settings
#: with a dot belong to extensions and applications: once seen they stay known, reset to nothing.
SNAPSHOT = r"""
SELECT jsonb_build_object(
    'pid', pg_backend_pid(),
    'users', ARRAY[current_user, session_user],
    'settings', (SELECT jsonb_object_agg(name, setting) FROM pg_settings WHERE name NOT LIKE '%.%'),
    'listening', (SELECT array_agg(channel) FROM pg_listening_channels() AS channel),
    'locks', (SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'),
    'prepared', (SELECT array_agg(name) FROM pg_prepared_statements WHERE name NOT LIKE '\_%'),
    'cursors', (SELECT array_agg(name) FROM pg_cursors WHERE is_holdable),
    'temporary', (SELECT array_agg(relname) FROM pg_class WHERE relnamespace = pg_my_temp_schema()),
    'own_setting', coalesce(current_setting('my.own', true), '')
)::text"""

#: Objects in the database that the tests' borrowers use.
FURNITURE = """
CREATE ROLE clean_other;
CREATE SEQUENCE clean_sequence;
CREATE TABLE clean_rows (n int);
CREATE FUNCTION clean_sets() RETURNS int LANGUAGE plpgsql AS
    $$ BEGIN PERFORM set_config('my.own', 'function', false); RETURN 1; END $$;
CREATE PROCEDURE clean_sets_too() LANGUAGE plpgsql AS
    $$ BEGIN PERFORM set_config('my.own', 'procedure', false); END $$;
CREATE VIEW clean_view AS SELECT set_config('my.own', 'view', false) AS value;
"""
REMOVAL = """
DROP VIEW clean_view;
DROP PROCEDURE clean_sets_too;
DROP FUNCTION clean_sets;
DROP TABLE clean_rows;
DROP SEQUENCE clean_sequence;
DROP ROLE clean_other;
"""


@pytest.fixture(scope="package")
def furniture(postgres: Postgres) -> Iterator[str]:
    """The URL of the shared server, with the objects that these tests need."""
    with psycopg.connect(postgres.url(), autocommit=True) as conn:
        conn.execute(FURNITURE)
        yield postgres.url()
        conn.execute(REMOVAL)


async def snapshot(flavour: Flavour, pool: AsyncPool) -> Any:
    """The state of the session that the pool leases next."""
    async with pool.connection() as conn:
        found = json.loads(await flavour.value(conn, SNAPSHOT))
        # currval and lastval say nothing but an error where no sequence was used.
        try:
            found["lastval"] = await flavour.value(conn, "SELECT lastval()")
        except flavour.error_class as error:
            found["lastval"] = getattr(error, "sqlstate", None)
        return found
