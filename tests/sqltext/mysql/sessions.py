"""Looking at sessions of MariaDB."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pymysql

from thawpool.testing.mariadb import MariaDB

__all__ = ["ask", "opened", "snapshot"]

#: Variables that change with each statement, or by chance: no borrower can rely on them.
_FLEETING = {
    "RAND_SEED1",
    "RAND_SEED2",
    "TIMESTAMP",
    "IDENTITY",
    "LAST_INSERT_ID",
    "WARNING_COUNT",
    "ERROR_COUNT",
}
#: Counts of what cannot be looked at otherwise: temporary tables, prepared statements, handlers, locked tables.
_COUNTED = "Com_create_temporary_table Com_prepare_sql Com_ha_open Com_lock_tables Com_change_db".split()  # noqa: SIM905 - words


@contextmanager
def opened(server: MariaDB, **options: Any) -> Iterator[Any]:
    """A connection in autocommit, of ``root`` to the database ``test`` unless ``options`` say otherwise."""
    where: dict[str, Any] = {"host": "127.0.0.1", "port": server.port, "user": "root", "database": "test"}
    with closing(pymysql.connect(**where | {"autocommit": True} | options)) as conn:
        yield conn


def ask(conn: Any, sql: str) -> tuple[tuple[Any, ...], ...]:
    with conn.cursor() as cursor:
        cursor.execute(sql)
        rows = tuple(cursor.fetchall())
        while cursor.nextset():
            pass
        return rows


def snapshot(conn: Any) -> dict[str, Any]:
    """Everything about a session that a borrower can change and the next one can see."""
    settings = dict(ask(conn, "SELECT * FROM information_schema.session_variables"))
    counts = dict(
        ask(conn, "SELECT * FROM information_schema.session_status WHERE variable_name LIKE 'com_%'")
    )
    return {
        "settings": {name: value for name, value in settings.items() if name not in _FLEETING},
        "counts": {name: counts[name.upper()] for name in _COUNTED},
        "variables": ask(conn, "SELECT * FROM information_schema.user_variables ORDER BY 1"),
        "place": ask(conn, "SELECT DATABASE(), CURRENT_ROLE(), CURRENT_USER()"),
        "locks": ask(conn, "SELECT RELEASE_ALL_LOCKS()"),
    }
