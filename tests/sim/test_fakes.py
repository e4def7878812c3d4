"""The fakes of ``thawpool.testing``, each through a real pool: what they promise is what a pool sees."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from thawpool import ConnectFailed, LeaseError, Overloaded, PoolTimeout
from thawpool.drivers.base import Verdict
from thawpool.errors import ConnectionLost
from thawpool.testing import AsyncFakeDriver, FakeClock, FakeDriver, FakeError, Fault


@pytest.fixture
def driver() -> FakeDriver:
    return FakeDriver()


# -- the clock ---------------------------------------------------------------------------------------


def test_a_clock_stands_still_until_it_is_moved() -> None:
    clock = FakeClock(wall=100.0, mono=10.0)
    assert (clock.wall(), clock.mono()) == (100.0, 10.0)
    clock.advance(1.5)
    assert (clock.wall(), clock.mono()) == (101.5, 11.5)
    clock.freeze(60.0)
    assert (clock.wall(), clock.mono()) == (161.5, 11.5)
    clock.jump_wall(-600.0)
    assert (clock.wall(), clock.mono()) == (-438.5, 11.5)


def test_a_running_clock_runs_and_can_be_moved() -> None:
    clock = FakeClock.running()
    before = time.monotonic()
    assert before <= clock.mono() <= time.monotonic()
    clock.advance(100.0)
    clock.freeze(50.0)
    clock.jump_wall(-30.0)
    assert clock.mono() >= before + 100.0
    assert abs(clock.wall() - time.time() - 120.0) < 1.0


@pytest.mark.parametrize("move", ["advance", "freeze"])
def test_time_does_not_go_back(move: str) -> None:
    with pytest.raises(ValueError, match=r"time does not go back: -1 seconds; jump_wall\(-1\)"):
        getattr(FakeClock(), move)(-1)


def test_a_frozen_pool_checks_before_it_leases(driver: FakeDriver) -> None:
    clock = FakeClock()
    pool = driver.pool(clock=clock)
    with pool.connection() as first:
        pass
    clock.freeze(3.0)
    with pool.connection() as second:
        assert second is first
    clock.jump_wall(-600.0)
    with pool.connection() as third:
        assert third is first
    assert pool.stats().checks == 2


# -- what may happen ---------------------------------------------------------------------------------


def test_a_fake_pool_answers(driver: FakeDriver) -> None:
    driver.answer = lambda sql, params: [{"sql": sql, "params": params}]
    pool = driver.pool(max_size=1)
    assert pool.query("SELECT %s", (1,)) == [{"sql": "SELECT %s", "params": (1,)}]
    assert pool.execute("UPDATE t SET a = 1") == 1
    with pool.connection() as conn:
        assert conn.execute("SELECT 1") == [{"sql": "SELECT 1", "params": None}]
        assert conn.statements == ["SELECT %s", "UPDATE t SET a = 1", "SELECT 1"]
    with pool.transaction(isolation="serializable", readonly=True, deferrable=True) as tx:
        tx.execute("INSERT")
    assert conn.statements[-3:] == [
        "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE",
        "INSERT",
        "COMMIT",
    ]
    pool.close()
    assert driver.sessions == []
    assert repr(conn) == "<FakeConnection 1 closed>"


def test_use_after_return_is_an_error(driver: FakeDriver) -> None:
    pool = driver.pool()
    with pool.connection() as conn:
        pass
    with pytest.raises(LeaseError):
        conn.execute("SELECT 1")


def test_refused_once_then_opened(driver: FakeDriver) -> None:
    pool = driver.pool()
    driver.inject(Fault.REFUSED, times=1)
    with pytest.raises(ConnectFailed) as caught:
        pool.query("SELECT 1")
    assert caught.value.transient
    assert isinstance(caught.value.__cause__, FakeError)
    assert pool.query("SELECT 1") == [{"answer": 1}]


def test_a_password_that_is_wrong_stays_wrong(driver: FakeDriver) -> None:
    driver.inject(Fault.FATAL)
    pool = driver.pool()
    for _ in range(2):
        with pytest.raises(ConnectFailed) as caught:
            pool.query("SELECT 1")
        assert not caught.value.transient
    driver.heal()
    pool.query("SELECT 1")


def test_a_server_has_so_many_slots() -> None:
    driver = FakeDriver(capacity=1)
    one, two = driver.pool(), driver.pool()
    one.query("SELECT 1")
    with pytest.raises(Overloaded):
        two.query("SELECT 1")
    one.close()
    two.query("SELECT 1")
    driver.inject(Fault.FULL)
    driver.kill()
    with pytest.raises((Overloaded, ConnectionLost)):
        two.query("SELECT 1")


def test_a_silent_server_is_silent_as_long_as_the_pool_allows(driver: FakeDriver) -> None:
    driver.inject(Fault.SILENT)
    before = time.monotonic()
    with pytest.raises(PoolTimeout) as caught:
        driver.pool(timeout=0.1).query("SELECT 1")
    assert caught.value.phase == "connecting"
    assert 0.1 <= time.monotonic() - before < 5.0


def test_a_silent_server_that_is_healed_answers(driver: FakeDriver) -> None:
    driver.inject(Fault.SILENT)
    pool = driver.pool(timeout=30.0)
    rows: list[object] = []
    asking = threading.Thread(target=lambda: rows.extend(pool.query("SELECT 1")))
    asking.start()
    while not pool.stats().opening:
        time.sleep(0)
    driver.heal()
    asking.join(20)
    assert rows == [{"answer": 1}]


def test_the_server_ends_sessions(driver: FakeDriver) -> None:
    pool = driver.pool(max_size=2)
    with pool.connection() as used, pool.connection() as idle:
        pass
    with pool.connection() as used:
        driver.kill_idle()
        assert used.execute("SELECT 1")
        driver.kill(used)
        with pytest.raises(FakeError, match="closed the connection"):
            used.execute("SELECT 1")
    assert driver.sessions == []
    assert (used.killed, idle.killed) == (True, True)
    assert pool.query("SELECT 1") == [{"answer": 1}]
    assert pool.stats().retired == {"lost": 2}


@pytest.mark.parametrize(
    "fault, reason", [(Fault.GONE, "lost"), (Fault.DEAD, "check"), (Fault.BLACK_HOLE, "check")]
)
def test_a_suspect_meets_its_fate(driver: FakeDriver, fault: Fault, reason: str) -> None:
    pool = driver.pool()
    pool.query("SELECT 1")
    pool.thaw()
    driver.inject(fault, times=1)
    with pool.connection() as conn:
        assert conn.number == 2
    assert pool.stats().retired == {reason: 1}


def test_bytes_that_nobody_asked_for_are_reason_to_probe(driver: FakeDriver) -> None:
    pool = driver.pool()
    pool.query("SELECT 1")
    driver.inject(Fault.READABLE, times=1)
    pool.query("SELECT 1")
    assert (pool.stats().checks, driver.opened) == (1, 1)


def test_a_black_hole_swallows_statements_until_their_deadline(driver: FakeDriver) -> None:
    pool = driver.pool()
    pool.query("SELECT 1")
    driver.inject(Fault.BLACK_HOLE)
    with pytest.raises(PoolTimeout) as caught:
        pool.query("SELECT 1", timeout=0.1)
    assert caught.value.phase == "budget"
    assert driver.sessions == []


@pytest.mark.parametrize("fault, sessions", [(None, 1), (Fault.RESET_FAILS, 0), (Fault.BLACK_HOLE, 0)])
def test_a_dirty_connection_is_reset_or_closed(
    driver: FakeDriver, fault: Fault | None, sessions: int
) -> None:
    pool = driver.pool()
    with pool.connection() as conn:
        conn.execute("SET search_path = private")
        if fault is not None:
            driver.inject(fault)
    assert len(driver.sessions) == sessions
    assert pool.stats().retired == ({} if sessions else {"dirty": 1})


@pytest.mark.parametrize("verdict", [Verdict.BUSY, Verdict.LOST, Verdict.FAILOVER])
def test_a_verdict_can_be_given(driver: FakeDriver, verdict: Verdict) -> None:
    pool = driver.pool()
    with pool.connection() as conn:
        conn.verdict = verdict
    assert pool.stats().retired == {verdict.value: 1}


def test_a_transaction_left_open_is_dirty(driver: FakeDriver) -> None:
    pool = driver.pool()
    with pool.connection() as conn:
        conn.execute("BEGIN")
    assert not conn.in_transaction()
    assert driver.sessions == [conn]


# -- asyncio -----------------------------------------------------------------------------------------


def test_the_same_for_asyncio() -> None:
    async def main() -> None:
        driver = AsyncFakeDriver(capacity=2)
        pool = driver.pool(max_size=2)
        assert await pool.query("SELECT 1") == [{"answer": 1}]
        async with pool.connection() as conn:
            assert await conn.execute("SELECT 1") == [{"answer": 1}]
            await conn.execute("SET a = 1")
        async with pool.transaction() as tx:
            await tx.execute("INSERT")
        with pytest.raises(ZeroDivisionError):
            async with pool.transaction():
                raise ZeroDivisionError
        assert conn.statements[-2:] == ["BEGIN", "ROLLBACK"]
        driver.inject(Fault.BLACK_HOLE)
        with pytest.raises(PoolTimeout):
            await pool.query("SELECT 1", timeout=0.05)
        driver.heal()
        driver.inject(Fault.SILENT)
        with pytest.raises(PoolTimeout):
            await pool.query("SELECT 1", timeout=0.05)
        asyncio.get_running_loop().call_later(0.1, driver.heal)
        assert await pool.query("SELECT 1", timeout=30.0) == [{"answer": 1}]
        await pool.thaw()
        driver.inject(Fault.DEAD, times=1)
        assert await pool.query("SELECT 1") == [{"answer": 1}]
        await pool.close()
        assert driver.sessions == []

    asyncio.run(main())


def test_a_statement_in_a_black_hole_ends_when_the_pool_cuts_it_off() -> None:
    async def main() -> None:
        driver = AsyncFakeDriver()
        pool = driver.pool()
        async with pool.connection() as conn:
            driver.inject(Fault.BLACK_HOLE)
            hanging = asyncio.create_task(conn.execute("SELECT pg_sleep(100)"))
            await asyncio.sleep(0)
            await pool.close(timeout=0)
            with pytest.raises(FakeError):
                await hanging

    asyncio.run(main())
