"""Ctrl-C, or any exception out of a signal handler, in the middle of a wait of the pool for threads."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from tests.support.losses import at_most, at_rest, nothing_lost
from tests.support.stale_proxy import StaleProxy
from tests.support.waiting import eventually

from thawpool import Pool
from thawpool.testing.clock import FakeClock
from thawpool.testing.postgres import Postgres

#: A wait looks for signals at least this often, in seconds; the server is told within as much.
SOON = 0.5
ONE = [{"one": 1}]


@contextmanager
def interrupted_once(there: Callable[[], object]) -> Iterator[None]:
    """Send this thread SIGINT as soon as ``there`` says that it waits where the test wants it to."""

    def strike() -> None:
        eventually(there, "the wait")
        signal.pthread_kill(main, signal.SIGINT)

    main = threading.get_ident()
    striker = threading.Thread(target=strike)
    striker.start()
    try:
        yield
        striker.join()
        pytest.fail("the wait ended before it was interrupted")
    except KeyboardInterrupt:
        striker.join()


@pytest.fixture
def pool(postgres: Postgres, link: StaleProxy) -> Iterator[Pool]:
    with Pool(link.url(postgres.url()), max_size=1) as made:
        made.query("SELECT 1")
        yield made


def asleep(thread: int) -> bool:
    """Whether a thread waits for its socket."""
    return sys._current_frames()[thread].f_code.co_name == "select"


def running(postgres: Postgres, text: str) -> Callable[[], object]:
    """Whether the server runs a statement that holds ``text``."""
    watch = Pool(postgres.url(), max_size=1)
    sql = "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query LIKE %s AND pid <> pg_backend_pid()"
    return lambda: watch.query(sql, (f"%{text}%",))


def test_while_waiting_for_a_lease(pool: Pool, link: StaleProxy) -> None:
    with nothing_lost(link.port, sockets=1), pool.connection():
        with interrupted_once(lambda: pool.stats().waiting):
            pool.query("SELECT 1", timeout=15.0)
    at_rest(pool)
    assert pool.query("SELECT 1 AS one") == ONE


def test_while_dialing(pool: Pool, link: StaleProxy) -> None:
    pool.expire()
    link.accept_silently()
    link.clear()
    me = threading.get_ident()
    with nothing_lost(link.port), at_most(SOON):
        with interrupted_once(lambda: link.accepted and asleep(me)):
            pool.query("SELECT 1", timeout=15.0)
    at_rest(pool)
    link.resume()
    assert pool.query("SELECT 1 AS one") == ONE


def test_during_a_statement(pool: Pool, postgres: Postgres, link: StaleProxy) -> None:
    there = running(postgres, "pg_sleep(31)")
    with nothing_lost(link.port):
        with interrupted_once(there):
            pool.query("SELECT pg_sleep(31)")
    at_rest(pool)
    assert pool.query("SELECT 1 AS one") == ONE
    assert eventually(lambda: not there(), "the end of the statement on the server", within=SOON)


def test_during_a_statement_in_a_transaction(pool: Pool, postgres: Postgres, link: StaleProxy) -> None:
    with nothing_lost(link.port):
        with interrupted_once(running(postgres, "pg_sleep(32)")):
            with pool.transaction() as tx:
                tx.query("SELECT pg_sleep(32)")
    at_rest(pool)
    assert pool.query("SELECT 1 AS one") == ONE


@pytest.mark.parametrize("dirty", [False, True])
def test_during_a_probe_or_a_reset(postgres: Postgres, link: StaleProxy, dirty: bool) -> None:
    clock = FakeClock.running()
    with Pool(link.url(postgres.url()), max_size=1, clock=clock) as pool:
        pool.query("SELECT 1")
        sent = sys.maxsize
        with nothing_lost(link.port), at_most(2 * SOON):
            if dirty:
                with interrupted_once(lambda: link.bytes_up > sent):
                    with pool.connection() as conn:
                        conn.execute("SET application_name = 'dirty'")
                        sent = link.bytes_up
                        link.slow(0.2)
            else:
                clock.freeze(5.0)
                link.slow(0.2)
                sent = link.bytes_up
                with interrupted_once(lambda: link.bytes_up > sent):
                    pool.query("SELECT 1")
        at_rest(pool)
        link.resume()
        assert pool.query("SELECT 1 AS one") == ONE


def test_while_closing(pool: Pool, link: StaleProxy) -> None:
    with nothing_lost(link.port, sockets=1), pool.connection():
        with interrupted_once(lambda: "closed" in repr(pool) or pool._state.closed):
            pool.close(timeout=15.0)
    assert pool.stats().total == 0


def test_the_waiter_behind_is_served(pool: Pool, postgres: Postgres) -> None:
    answers: list[object] = []
    behind = threading.Thread(target=lambda: answers.append(pool.query("SELECT 1 AS one")))

    def started() -> object:
        if running(postgres, "pg_sleep(33)")() and not behind.ident:
            behind.start()
        return pool.stats().waiting

    with interrupted_once(started):
        pool.query("SELECT pg_sleep(33)")
    behind.join(SOON)
    assert answers == [ONE]
    at_rest(pool)
