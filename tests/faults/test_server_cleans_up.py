"""An instance that is frozen or killed holds nothing: the server ends its sessions, locks and statements."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.api.flavours import Flavour
from tests.support.children import Child
from tests.support.pgbouncer import PgBouncer
from tests.support.waiting import eventually
from tests.support.wire import messages, statements

from thawpool import Pool
from thawpool.testing.postgres import Postgres
from thawpool.testing.proxy import FaultProxy

#: The limits that the children ask for, in seconds, and what a busy machine may add.
LIMIT = 1.0
SLACK = 1.0

#: What the server alone does does not depend on the driver.
ONE_IS_ENOUGH = pytest.mark.parametrize("flavour", ["asyncpg"], indirect=True)

INSTANCE = """
    from tests.api.flavours import Flavour
    flavour = Flavour(sys.argv[1])
    limits = {"server_idle_timeout": 1, "server_transaction_timeout": 1}
    pool = flavour.pool(sys.argv[2], max_size=2, trust_window=0.5, **limits)

    async def main():
        await pool.warm(2)
        act = hear()
        if act == "dirty":
            async with pool.connection() as conn:
                await flavour.run_on(conn, "SET idle_session_timeout = 0")
        elif act == "lock":
            async with pool.connection() as conn:
                await flavour.run_on(conn, "BEGIN")
                await flavour.run_on(conn, "UPDATE locked SET n = n + 1")
                say("there")
                hear()
        elif act == "sleep":
            say("there")
            await pool.query("SELECT pg_sleep(60)")
        say("there")
        hear()
        assert await pool.query("SELECT 1 AS one") == [{"one": 1}]
        say("thawed")

    flavour.run(main())
"""


class Watch:
    """What the server itself tells about the sessions of one name."""

    def __init__(self, postgres: Postgres, name: str) -> None:
        self.pool = Pool(postgres.url())
        self.name = name

    def sessions(self, condition: str = "true") -> int:
        sql = f"SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = %s AND {condition}"
        row = self.pool.query_one(sql, (self.name,))
        assert row is not None
        return int(row["n"])


@pytest.fixture
def watch(postgres: Postgres, request: pytest.FixtureRequest) -> Iterator[Watch]:
    made = Watch(postgres, request.node.name[-60:])
    yield made
    made.pool.close()


def start(flavour: Flavour, postgres: Postgres, watch: Watch, act: str) -> Child:
    child = Child(INSTANCE, flavour.name, postgres.url(application_name=watch.name))
    child.say(act)
    assert child.hear() == "there"
    return child


@pytest.mark.parametrize("act", ["idle", "dirty"])
def test_sessions_of_a_frozen_instance_end_and_its_next_query_works(
    flavour: Flavour, postgres: Postgres, watch: Watch, act: str
) -> None:
    """``dirty``: the reset after a borrower who lifted the limit has set it again."""
    with start(flavour, postgres, watch, act) as child:
        child.freeze()
        assert watch.sessions() == 2
        eventually(lambda: watch.sessions() == 0, "the end of the sessions", within=LIMIT + SLACK)
        child.thaw()
        child.say()
        assert child.hear() == "thawed"


@ONE_IS_ENOUGH
@pytest.mark.parametrize("how", ["freeze", "kill"])
def test_locks_of_a_vanished_instance_are_free(
    flavour: Flavour, postgres: Postgres, watch: Watch, how: str
) -> None:
    watch.pool.execute("CREATE TABLE locked AS SELECT 1 AS n")
    try:
        with start(flavour, postgres, watch, "lock") as child:
            getattr(child, how)()
            started = time.monotonic()
            watch.pool.execute("UPDATE locked SET n = n + 1", timeout=15.0)
            assert time.monotonic() - started <= LIMIT + SLACK
            eventually(lambda: watch.sessions() == 0, "the end of the sessions", within=LIMIT + SLACK)
    finally:
        watch.pool.execute("DROP TABLE locked")


@ONE_IS_ENOUGH
def test_a_statement_of_a_killed_instance_is_stopped(
    flavour: Flavour, postgres: Postgres, watch: Watch
) -> None:
    """The server looks every two seconds whether its client is still there."""
    with start(flavour, postgres, watch, "sleep") as child:
        eventually(lambda: watch.sessions("query LIKE '%%pg_sleep%%' AND state = 'active'"))
        child.kill()
        eventually(lambda: watch.sessions() == 0, "the end of the statement", within=2.0 + SLACK)


async def test_limits_in_the_url_are_the_users_own(flavour: Flavour, postgres: Postgres) -> None:
    limits = {"idle_session_timeout": "70s", "statement_timeout": "80s"}
    url = postgres.url(options=" ".join(f"-c {name}={value}" for name, value in limits.items()))
    limits_of_ours = {"server_idle_timeout": 2, "server_transaction_timeout": 5, "statement_timeout": 1}
    pool = flavour.pool(url, reset="always", **limits_of_ours)
    for _ in range(2):  # as dialed, and after a reset
        async with pool.connection() as conn:
            shown = [await flavour.value(conn, f"SHOW {name}") for name in limits]
            assert shown == ["70s", "80s"]
            assert await flavour.value(conn, "SHOW idle_in_transaction_session_timeout") == "5s"
    assert pool.stats().opened == 1


@pytest.mark.parametrize("pooler", ["auto", "pgbouncer"])
async def test_behind_a_pooler_nothing_is_set_and_only_the_users_statements_are_sent(
    flavour: Flavour, pgbouncer: PgBouncer, pooler: str
) -> None:
    with FaultProxy("127.0.0.1", pgbouncer.port, record=True) as link:
        pool = flavour.pool(link.url(pgbouncer.url()), max_size=2, pooler=pooler, reset="always")
        await pool.query("SELECT 1")
        sent = said(link)[0]
        if pooler == "auto":
            assert "pg_backend_pid() <>" in sent.pop(
                0
            )  # how a pooler shows, the first time: it sets nothing here
        assert sent == ["SELECT 1"]
        async with pool.connection() as one, pool.connection() as two:
            await flavour.run_on(one, "BEGIN")
            await flavour.run_on(two, "SET LOCAL statement_timeout = 0")
            assert await flavour.value(two, "SHOW idle_session_timeout") == "0"
        assert said(link)[0][-2:] == ["BEGIN", "ROLLBACK"]
        assert said(link)[1] == ["SET LOCAL statement_timeout = 0", "SHOW idle_session_timeout"]
        startup = messages(link.conversations[1])[0].body
        assert b"timeout" not in startup


def said(link: FaultProxy) -> list[list[Any]]:
    """The different statements of each connection, in their order: asyncpg sends some twice to learn of types."""
    return [list(dict.fromkeys(statements(conversation))) for conversation in link.conversations]
