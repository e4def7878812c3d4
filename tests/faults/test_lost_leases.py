"""A lease that nobody returns: its holder died, forgot it, or let it fall."""

from __future__ import annotations

import gc
import logging
import random
import sys
import threading
from typing import Any

import psycopg
import pytest
from tests.api.flavours import Flavour
from tests.support.losses import at_most, at_rest, sockets_to
from tests.support.stale_proxy import StaleProxy
from tests.support.waiting import eventually

from thawpool import LeaseError, Pool, PoolError
from thawpool.testing.postgres import Postgres


@pytest.mark.parametrize("how", ["block", "getconn"])
@pytest.mark.parametrize("debug", [False, True])
async def test_a_lease_that_is_dropped_wakes_the_waiter_and_closes_its_connection(
    flavour: Flavour,
    postgres: Postgres,
    link: StaleProxy,
    caplog: pytest.LogCaptureFixture,
    how: str,
    debug: bool,
) -> None:
    pool = flavour.pool(link.url(postgres.url()), max_size=1, debug=debug)
    held: list[Any] = []
    if how == "block":
        lease = pool.connection()
        held += [lease, await lease.__aenter__()]
        del lease
    else:
        held.append(await pool.getconn())
    behind = flavour.spawn(pool.query("SELECT pg_backend_pid() AS pid"))
    await flavour.until(lambda: pool.stats().waiting == 1)
    link.clear()
    with caplog.at_level(logging.WARNING, "thawpool"), at_most(1.0):
        held.clear()
        gc.collect()
        assert len(await behind) == 1
    assert "never returned" in caplog.text
    assert ("/tests/" in caplog.text) is debug
    assert link.accepted == 1  # the waiter got a new connection, not that one
    assert pool.stats().retired == {"leaked": 1}
    at_rest(pool)


async def test_a_dropped_lease_frees_its_seat_when_nobody_waits(
    flavour: Flavour, postgres: Postgres, link: StaleProxy, caplog: pytest.LogCaptureFixture
) -> None:
    pool = flavour.pool(link.url(postgres.url()), max_size=1)
    await pool.getconn()
    gc.collect()
    assert await pool.query("SELECT 1 AS one", timeout=1.0) == [{"one": 1}]
    await flavour.until(lambda: link.connections == 1)
    at_rest(pool)


async def test_a_dropped_lease_in_a_cycle_is_found_by_the_collector(
    flavour: Flavour, postgres: Postgres
) -> None:
    class Cycle:
        me: object
        conn: object

    pool = flavour.pool(postgres.url(), max_size=1)
    cycle = Cycle()
    cycle.me, cycle.conn = cycle, await pool.getconn()
    del cycle
    gc.collect()
    assert await pool.query("SELECT 1 AS one", timeout=1.0) == [{"one": 1}]


def test_a_thread_that_dies_while_it_holds_a_lease(postgres: Postgres) -> None:
    with Pool(postgres.url(), max_size=1) as pool:

        def die(how: str) -> None:
            if how == "getconn":
                pool.getconn()
            else:
                with pytest.raises(SystemExit):
                    with pool.connection() as conn:
                        conn.execute("BEGIN")
                        raise SystemExit

        for how in ("getconn", "block"):
            thread = threading.Thread(target=die, args=(how,))
            thread.start()
            thread.join()
            assert pool.query("SELECT 1 AS one", timeout=1.0) == [{"one": 1}]
            at_rest(pool)


def test_a_log_handler_may_ask_the_pool_about_itself(postgres: Postgres) -> None:
    """A lost lease is logged outside of the lock: a handler that writes to the database is no deadlock."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.levelno >= logging.WARNING:
                seen.append(pool.stats().max_size)

    seen: list[int] = []
    handler, log = Handler(), logging.getLogger("thawpool")
    with Pool(postgres.url(), max_size=1) as pool:
        log.addHandler(handler)
        try:
            pool.getconn()
            gc.collect()
            worker = threading.Thread(target=pool.query, args=("SELECT 1",), daemon=True)
            worker.start()
            worker.join(5.0)
            assert not worker.is_alive()
        finally:
            log.removeHandler(handler)
    assert seen == [1]


@pytest.mark.parametrize("dirty", [False, True])
async def test_a_connection_of_getconn_is_cut_off_when_the_pool_closes(
    flavour: Flavour, postgres: Postgres, dirty: bool
) -> None:
    pool = flavour.pool(postgres.url())
    conn = await pool.getconn()
    if dirty:
        await flavour.run_on(conn, "SET application_name = 'dirty'")
    await pool.close(timeout=0.05)
    with at_most(0.5), pytest.raises(Exception, match=r"(?i)connection|closed"):
        await flavour.run_on(conn, "SELECT 1")
    await pool.putconn(conn)
    assert pool.stats().total == 0
    with pytest.raises(LeaseError):
        await pool.putconn(conn)


async def test_a_failed_dial_keeps_nothing_of_its_request_alive(
    flavour: Flavour, postgres: Postgres, link: StaleProxy
) -> None:
    """What a request held when its query failed may be a lease: it must not live as long as the outage."""
    pool = flavour.pool(link.url(postgres.url()), max_size=2)

    async def request() -> None:
        lost = await pool.getconn()
        link.refuse()
        with pytest.raises(PoolError):
            await pool.query("SELECT 1", timeout=0.05)
        assert lost is not None

    await request()
    # A loop's turn may pass first: the one that ends here still holds the error that woke it.
    await flavour.until(lambda: gc.collect() >= 0 and pool.stats().used == 0)


def test_many_threads_share_a_few_connections_through_every_fault(
    postgres: Postgres, link: StaleProxy
) -> None:
    sizes: set[int] = set()
    answers: list[bool] = []
    over = threading.Event()

    def act(kind: int, value: int) -> None:
        """One of them in a function of its own, whose variables end with it: a stale one is no lost lease."""
        if kind == 0:
            with pool.connection(timeout=5.0) as conn:
                conn.execute("SET application_name = 'other'")
        elif kind == 1:
            with pool.transaction(timeout=5.0) as tx:
                answers.append(tx.query_one("SELECT %s::int AS n", (value,)) == {"n": value})
        elif kind == 2:
            pool.query("SELECT pg_sleep(1)", timeout=0.005)
        elif kind == 3:
            pool.getconn(timeout=5.0)
        elif kind == 4:
            (link.cut, link.reset, pool.thaw, pool.expire)[value % 4]()
        else:
            answers.append(pool.query("SELECT %s::int AS n", (value,)) == [{"n": value}])

    def work(seed: int) -> None:
        rng = random.Random(seed)
        for number in range(12):
            try:
                act(rng.choice((0, 1, 2, 3, 4, 5, 5, 5, 5)), seed * 1000 + number)
            except (PoolError, psycopg.Error):
                pass
            sizes.add(pool.stats().total)

    def sample() -> None:
        while not over.wait(0.05):
            counts.append(sockets_to(link.port))

    counts: list[int] = []
    interval = sys.getswitchinterval()
    logging.getLogger("thawpool").setLevel(logging.ERROR)
    with Pool(link.url(postgres.url(application_name="stress")), max_size=3) as pool:
        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(30)]
        sampler = threading.Thread(target=sample)
        sys.setswitchinterval(1e-5)
        try:
            for thread in (sampler, *threads):
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            over.set()
            sampler.join()
            sys.setswitchinterval(interval)
            logging.getLogger("thawpool").setLevel(logging.NOTSET)
        gc.collect()
        assert all(answers)
        assert len(answers) >= 50
        assert pool.query("SELECT 1 AS one") == [{"one": 1}]
        at_rest(pool)
        assert max(sizes) <= 3
        assert max(counts) <= 3
    with Pool(postgres.url(application_name="watch")) as watch:
        sql = "SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name IN ('stress', 'other')"
        assert eventually(lambda: watch.query(sql) == [{"n": 0}], within=2.0)
