"""What a borrower changes by the connection's own methods and attributes is put back, or the connection replaced."""

from __future__ import annotations

from typing import Any

import pytest
from tests.drivers.conformance.case import MYSQL, Case, over
from tests.drivers.conformance.leftovers import snapshot
from tests.support.pools import done

#: The names that drivers have for a thing, and what a borrower sets it to.
CHANGES: dict[str, dict[str, Any]] = {
    "autocommit": {"autocommit": False, "set_autocommit": False},
    "the database": {"select_db": "mysql", "cmd_init_db": "mysql", "database": "mysql"},
    "the character set": {
        "set_character_set": "latin1",
        "set_charset_collation": "latin1",
        "set_client_encoding": "LATIN1",
    },
    "the isolation level": {"isolation_level": 4, "set_isolation_level": 4},
    "read only": {"read_only": True, "set_read_only": True, "readonly": True},
    "the class of cursors": {"cursorclass": None, "cursor_factory": None, "_cursor_cls": None},
    "the converters": {"decoders": {}, "conv": {}, "encoders": {}, "converter": {}},
    "how rows are made": {"row_factory": lambda cursor: lambda values: "row"},
}


async def change(conn: Any, name: str, value: Any) -> None:
    member = getattr(conn, name)
    if callable(member) and not isinstance(member, type):
        await done(member(value))
        return
    if isinstance(member, type):
        value = type("Another", (member,), {})
    setattr(conn, name, value)


@over()
@pytest.mark.parametrize("what", CHANGES)
async def test_a_change_is_undone(case: Case, what: str, table: str) -> None:
    pool = case.pool(max_size=1)
    before = await snapshot(case, pool)
    async with pool.connection() as conn:
        was = {name: getattr(conn, name) for name in CHANGES[what] if hasattr(conn, name)}
        for name in was:
            try:
                await change(conn, name, CHANGES[what][name])
            except Exception:
                pass  # a driver may refuse it
    after = await snapshot(case, pool)
    if pool.stats().opened == 2:
        before.pop("(session)", None), after.pop("(session)", None)
        before.pop("state", None), after.pop("state", None)  # PostgreSQL's holds the session's number
    assert {name: (before[name], value) for name, value in after.items() if before[name] != value} == {}
    async with pool.connection() as conn:
        for name, value in was.items():
            if not callable(value) or isinstance(value, type):
                found = getattr(conn, name)
                assert dict(found) == dict(value) if isinstance(value, dict) else found == value, name
        await case.run_on(conn, f"INSERT INTO {table} (i) VALUES (7)")
        assert await case.rows(conn, f"SELECT i, t FROM {table}") == [(7, None)]
    assert await pool.query(f"SELECT i FROM {table}") == [{"i": 7}]


@MYSQL
@pytest.mark.filterwarnings("ignore:Truncated")
async def test_a_warning_of_the_server_costs_nothing(case: Case) -> None:
    """Some drivers ask for its text by a statement of their own, behind the cursor's back."""
    pool = case.pool(max_size=1)
    for _ in range(2):
        async with pool.connection() as conn:
            assert await case.rows(conn, "SELECT CAST('7x' AS SIGNED) AS n") == [(7,)]
        assert await pool.query("SELECT CAST('7x' AS SIGNED) AS n") == [{"n": 7}]
    assert (pool.stats().opened, pool.stats().retired) == (1, {})
