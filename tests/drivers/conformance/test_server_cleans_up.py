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
    pool = case.pool(sys.argv[2], max_size=2, trust_window=0.5, **limits)

    async def main():
        async with pool.connection() as one:
            async with pool.connection() as two:
                for conn in (one, two):
                    say(await case.value(conn, case.dialect.session))
            if sys.argv[3] == "dirty":
                await case.run_on(one, sys.argv[4])
            else:
                await case.run_on(one, "BEGIN", f"UPDATE {sys.argv[4]} SET i = i + 1")
                say("there")
                hear()
        say("there")
        hear()
        assert await pool.query("SELECT 1 AS one") == [{"one": 1}]
        say("thawed")

    case.run(main())
"""


def start(case: Case, act: str, argument: str) -> tuple[Child, list[int]]:
    child = Child(INSTANCE, case.name, case.server.url(), act, argument)
    sessions = [int(child.hear()) for _ in range(2)]
    assert child.hear() == "there"
    return child, sessions


@over(every_server=True, children=True)
def test_sessions_of_a_frozen_instance_end_and_its_next_query_works(case: Case) -> None:
    """One of them returned by a borrower who lifted the limit: the reset has set it again."""
    lift = "SET idle_session_timeout = 0" if case.system == "postgresql" else "SET wait_timeout = 99999"
    child, sessions = start(case, "dirty", lift)
    with child:
        child.freeze()
        eventually(lambda: not case.outside.alive(*sessions), "the end of the sessions", within=WITHIN)
        child.thaw()
        child.say()
        assert child.hear() == "thawed"


@over(children=True)
@pytest.mark.parametrize("how", ["freeze", "kill"])
def test_a_vanished_instance_leaves_no_lock_and_no_session(case: Case, table: str, how: str) -> None:
    """One session in a transaction that holds a lock, and one that lies idle."""
    case.outside.run(f"INSERT INTO {table} (i) VALUES (1)")
    child, sessions = start(case, "transaction", table)
    with child:
        getattr(child, how)()
        eventually(lambda: not case.outside.alive(*sessions), "the end of the sessions", within=WITHIN)
        case.outside.run(f"UPDATE {table} SET i = i + 1")
    assert case.outside.value(f"SELECT i FROM {table}") == 2
