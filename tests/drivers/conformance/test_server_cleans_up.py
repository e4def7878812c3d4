"""An instance that is frozen or killed holds nothing: the server ends its sessions, whichever driver opened them."""

from __future__ import annotations

import pytest
from tests.drivers.conformance.case import Case, over
from tests.support.children import Child
from tests.support.waiting import eventually

#: The limit that the children ask for is a second; and what a busy machine may add.
WITHIN = 2.5

INSTANCE = """
    from tests.drivers.conformance.case import Case
    case = Case(sys.argv[1])
    limits = {"server_idle_timeout": 1, "server_transaction_timeout": 1}
    pool = case.pool(sys.argv[2], max_size=3, trust_window=0.5, **limits)

    async def main():
        async with pool.connection() as locking:
            async with pool.connection() as lifting, pool.connection() as clean:
                for conn in (locking, lifting, clean):
                    say(await case.value(conn, case.dialect.session))
                await case.run_on(lifting, sys.argv[3])
            await case.run_on(locking, "BEGIN", "UPDATE conformance_rows SET i = i + 1")
            say("there")
            hear()
        assert await pool.query("SELECT 1 AS one") == [{"one": 1}]
        say("thawed")

    case.run(main())
"""


@over(every_server=True, children=True)
@pytest.mark.parametrize("how", ["freeze", "kill"])
def test_a_vanished_instance_leaves_no_session_and_no_lock(case: Case, table: str, how: str) -> None:
    """One session lies idle; of one a borrower lifted the limit, which the reset set again; one holds a lock."""
    lift = "SET idle_session_timeout = 0" if case.system == "postgresql" else "SET wait_timeout = 99999"
    case.outside.run(f"INSERT INTO {table} (i) VALUES (1)")
    with Child(INSTANCE, case.name, case.server.url(), lift) as child:
        sessions = [int(child.hear()) for _ in range(3)]
        assert child.hear() == "there"
        getattr(child, how)()
        eventually(lambda: not case.outside.alive(*sessions), "the end of the sessions", within=WITHIN)
        case.outside.run(f"UPDATE {table} SET i = i + 1")
        if how == "freeze":
            child.thaw()
            child.say()
            assert child.hear() == "thawed"
    assert case.outside.value(f"SELECT i FROM {table}") == 2
