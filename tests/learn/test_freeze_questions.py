"""The last five questions: what they say of freezes, deadlines and poolers, seen on real servers."""

from __future__ import annotations

import select
import time

import psycopg
import pytest
from tests.support.children import Child
from tests.support.full_backlog import FullBacklog
from tests.support.pgbouncer import PgBouncer
from tests.support.waiting import eventually

from thawpool import Pool, PoolTimeout
from thawpool.testing import Postgres

# -- 6: what thaws broken ------------------------------------------------------------------------------


def test_6_a_dead_connection_looks_alive_and_is_not_lent(postgres: Postgres) -> None:
    with (
        Pool(postgres.url()) as pool,
        psycopg.connect(postgres.url(), autocommit=True) as admin,
    ):
        (first,) = pool.query("SELECT pg_backend_pid() AS pid")
        admin.execute("SELECT pg_terminate_backend(%s, 10000)", [first["pid"]])
        assert pool.stats().idle == 1, "nobody has looked yet"
        (second,) = pool.query("SELECT pg_backend_pid() AS pid")
        assert first != second
        assert pool.stats().opened == 2, "one dial"


def test_6_a_live_connection_is_kept_over_a_thaw(postgres: Postgres) -> None:
    with Pool(postgres.url()) as pool:
        first = pool.query("SELECT pg_backend_pid() AS pid")
        pool.thaw(frozen_for=1)
        assert pool.query("SELECT pg_backend_pid() AS pid") == first
        stats = pool.stats()
        assert (stats.opened, stats.checks) == (1, 1), "one probe, no dial"


def test_6_one_probe_and_one_dial_however_many_had_died(postgres: Postgres) -> None:
    url = postgres.url(application_name="mortal")
    with Pool(url) as pool, psycopg.connect(postgres.url(), autocommit=True) as admin:
        pool.warm(5)
        admin.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'mortal'"
        )
        pool.thaw()
        pool.query("SELECT 1 AS one")
        stats = pool.stats()
        assert stats.checks <= 1
        assert stats.opened == 5 + 1


# -- 7: why timers do not help -------------------------------------------------------------------------


def test_7_a_timer_does_not_run_while_the_process_is_stopped() -> None:
    code = """
        import threading, time
        hear()
        threading.Timer(0.3, lambda: say("fired")).start()
        say("set")
    """
    with Child(code) as child:
        child.say()
        assert child.hear() == "set"
        child.freeze()
        due = time.monotonic() + 0.4
        eventually(lambda: time.monotonic() > due, "the time at which it is due")
        assert child.process.stdout is not None
        assert select.select([child.process.stdout], [], [], 0)[0] == [], "it has not fired"
        child.thaw()
        assert child.hear() == "fired"


# -- 8: what the server can clean up --------------------------------------------------------------------


def test_8_the_server_ends_the_sessions_of_a_frozen_instance_and_frees_its_locks(postgres: Postgres) -> None:
    code = """
        from thawpool import Pool
        pool = Pool(sys.argv[1], trust_window=0.5, server_idle_timeout=1, server_transaction_timeout=1)
        with pool.transaction() as tx:
            tx.query("SELECT pg_advisory_xact_lock(8)")
            pool.query("SELECT 1 AS one")
            say("in a transaction")
            hear()
    """
    sessions = "SELECT count(*) AS n FROM pg_stat_activity WHERE application_name = 'frozen'"
    with Child(code, postgres.url(application_name="frozen")) as child, Pool(postgres.url()) as pool:
        assert child.hear() == "in a transaction"
        child.freeze()
        assert pool.query_one(sessions) == {"n": 2}
        eventually(lambda: pool.query_one(sessions) == {"n": 0}, "the end of both sessions")
        assert pool.query_one("SELECT pg_try_advisory_lock(8) AS free") == {"free": True}
        pool.expire()  # the lock of this test goes with its session


def test_8_each_session_carries_its_limit(postgres: Postgres) -> None:
    with Pool(postgres.url(), server_idle_timeout=42) as pool:
        assert pool.query("SHOW idle_session_timeout") == [{"idle_session_timeout": "42s"}]
        assert pool.query("SHOW idle_in_transaction_session_timeout") == [
            {"idle_in_transaction_session_timeout": "30s"}
        ]


# -- 9: what a deadline bounds --------------------------------------------------------------------------


def test_9_the_statement_ends_by_it(postgres: Postgres) -> None:
    with Pool(postgres.url()) as pool:
        began = time.monotonic()
        with pool.invocation(remaining=0.5), pytest.raises(PoolTimeout) as error:
            pool.query("SELECT pg_sleep(5)")
        assert error.value.phase == "budget"
        assert time.monotonic() - began < 2


def test_9_the_wait_ends_by_it(postgres: Postgres) -> None:
    with Pool(postgres.url(), max_size=1) as pool, pool.connection():
        with pool.invocation(remaining=0.5), pytest.raises(PoolTimeout) as error:
            pool.query("SELECT 1 AS one")
        assert error.value.phase == "waiting"


def test_9_the_dial_ends_by_it(packets_dropped: FullBacklog) -> None:
    with Pool(packets_dropped.url()) as pool:
        with pool.invocation(remaining=0.5), pytest.raises(PoolTimeout) as error:
            pool.query("SELECT 1 AS one")
        assert error.value.phase == "connecting"


def test_9_one_deadline_for_all_of_it(postgres: Postgres) -> None:
    """What one statement took, the next does not have."""
    with Pool(postgres.url()) as pool:
        pool.query("SELECT 1 AS one")
        began = time.monotonic()
        with pool.invocation(remaining=1), pytest.raises(PoolTimeout):
            pool.query("SELECT pg_sleep(0.6)")
            pool.query("SELECT pg_sleep(0.6)")
        assert 0.6 < time.monotonic() - began < 1.15


def test_9_what_is_not_the_pools_goes_on(postgres: Postgres) -> None:
    with Pool(postgres.url()) as pool:
        began = time.monotonic()
        with pool.invocation(remaining=0.3):
            pool.query("SELECT 1 AS one")
            eventually(lambda: time.monotonic() > began + 0.35, "a time after its end")
            ended = time.monotonic()
        assert ended > began + 0.35, "nothing cut the wait short"


# -- 10: what a pooler changes ---------------------------------------------------------------------------


def test_10_a_session_behind_a_pooler_is_left_as_it_is(postgres: Postgres, pgbouncer: PgBouncer) -> None:
    show = "SHOW idle_session_timeout"
    with Pool(postgres.url(), server_idle_timeout=42) as direct:
        assert direct.query(show) == [{"idle_session_timeout": "42s"}]
    with Pool(pgbouncer.url(), server_idle_timeout=42) as pooled:
        assert pooled.query(show) == [{"idle_session_timeout": "0"}]


def test_10_instances_share_the_servers_connections(pgbouncer: PgBouncer) -> None:
    """20 connections of four instances; the pooler of this test has 4 at the server."""
    pools = [Pool(pgbouncer.url()) for _ in range(4)]
    try:
        assert [pool.warm(5) for pool in pools] == [5] * 4
        backends = {row["pid"] for pool in pools for row in pool.query("SELECT pg_backend_pid() AS pid")}
        assert len(backends) <= 4
    finally:
        for pool in pools:
            pool.close()


def test_10_what_belongs_to_a_session_does_not_hold(pgbouncer: PgBouncer) -> None:
    """A second client moves the first one to another session, in which its SET was never made."""
    with Pool(pgbouncer.url(), max_size=1) as mine, Pool(pgbouncer.url(), max_size=1) as others:
        mine.execute("SET work_mem = '7MB'")
        (before,) = mine.query("SELECT pg_backend_pid() AS pid")
        with others.transaction() as tx:  # takes the session that was used last
            assert tx.query("SELECT pg_backend_pid() AS pid") == [before]
            (row,) = mine.query("SELECT pg_backend_pid() AS pid, current_setting('work_mem') AS work_mem")
            assert row["pid"] != before["pid"]
            assert row["work_mem"] != "7MB"
            tx.execute("RESET ALL")  # leave nothing in the pooler
