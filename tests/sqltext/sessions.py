"""Looking at sessions, and talking to them as an adapter does."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.pq import ExecStatus
from psycopg.rows import dict_row

__all__ = ["simple_query", "snapshot"]

#: Everything about a session that a borrower can change and the next one can see. Less the settings of
#: plpgsql, which appear when a session first uses it: a library, once loaded, stays.
_SNAPSHOT = """
    SELECT (SELECT json_object_agg(name, setting) FROM pg_settings WHERE name NOT LIKE 'plpgsql.%') AS settings,
           ARRAY[current_user, session_user, current_setting('role')] AS users,
           ARRAY(SELECT name FROM pg_prepared_statements ORDER BY name) AS prepared,
           ARRAY(SELECT name FROM pg_cursors ORDER BY name) AS cursors,
           ARRAY(SELECT pg_listening_channels()) AS listening,
           ARRAY(SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema()) AS temporary,
           ARRAY(SELECT objid FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory') AS advisory
"""


def snapshot(conn: psycopg.Connection[Any]) -> dict[str, Any]:
    row = conn.cursor(row_factory=dict_row).execute(_SNAPSHOT).fetchone()
    assert row is not None
    return row


def simple_query(conn: psycopg.Connection[Any], sql: str) -> None:
    """Send the text as one simple query, as an adapter does."""
    result = conn.pgconn.exec_(sql.encode())
    assert result.status in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK), result.error_message
