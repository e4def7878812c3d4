"""Scenarios that no other pool's tests have: freezes, fleets, and instances that are simply gone."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from tests.api.flavours import Flavour
from tests.conftest import ProxyFactory
from tests.scenarios.sessions import sessions

from thawpool import Overloaded, PoolTimeout
from thawpool.testing.postgres import Postgres, find_postgres

ONE = [{"n": 1}]

HOLDER = """
import sys
from thawpool import Pool
pool = Pool({url!r}, server_transaction_timeout=0.3, server_idle_timeout=11)
with pool.transaction() as tx:
    tx.execute("LOCK TABLE {table}")
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("end", [signal.SIGSTOP, signal.SIGKILL])
def test_an_instance_that_stops_in_a_transaction_gives_its_locks_back(
    postgres: Postgres, end: signal.Signals
) -> None:
    """T6: frozen, its socket is as alive as ever; only the server's own limit can end the transaction."""
    table = f"locked_{end.name.lower()}"
    with psycopg.connect(postgres.url(), autocommit=True) as conn:
        conn.execute(f"CREATE TABLE {table} (n int)")
        program = HOLDER.format(url=postgres.url(), table=table)
        with subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as holder:
            try:
                assert holder.stdout is not None
                assert select.select([holder.stdout], [], [], 20)[0], "the instance never had its lock"
                assert holder.stdout.readline() == b"locked\n"
                os.kill(holder.pid, end)
                since = time.monotonic()
                conn.execute("SET lock_timeout = '10s'")
                conn.execute(f"DROP TABLE {table}")
                assert time.monotonic() - since < 2
            finally:
                holder.kill()


SLEEPER = {
    False: """
import sys
from thawpool import Pool
pool = Pool({url!r}, max_size=3, idle_timeout=0.1, trust_window=0.05, server_idle_timeout=0.3)
pool.warm(3)
print("asleep", flush=True)
sys.stdin.readline()
print(pool.query("SELECT 1 AS n"), flush=True)
""",
    True: """
import asyncio, sys
from thawpool import AsyncPool
pool = AsyncPool({url!r}, max_size=3, idle_timeout=0.1, trust_window=0.05, server_idle_timeout=0.3)
async def main():
    await pool.warm(3)
    print("asleep", flush=True)
    sys.stdin.readline()
    print(await pool.query("SELECT 1 AS n"), flush=True)
asyncio.run(main())
""",
}


async def test_a_frozen_instance_wakes_without_a_failed_query(flavour: Flavour, postgres: Postgres) -> None:
    """T2: stopped until the server has ended all its sessions, then continued."""
    name = f"sleeper-{flavour.name}"
    program = SLEEPER[flavour.is_async].format(url=flavour.url(postgres.url(application_name=name)))
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as instance:
        try:
            assert instance.stdout is not None
            assert instance.stdin is not None
            assert instance.stdout.readline() == "asleep\n"
            os.kill(instance.pid, signal.SIGSTOP)
            await flavour.until(lambda: sessions(postgres, name) == 0)
            os.kill(instance.pid, signal.SIGCONT)
            instance.stdin.write("\n")
            instance.stdin.flush()
            assert instance.stdout.readline() == "[{'n': 1}]\n"
        finally:
            instance.kill()


async def test_a_terminated_instance_leaves_nothing(flavour: Flavour, postgres: Postgres) -> None:
    """T5: SIGTERM, which most programs do not handle; the kernel closes what was open."""
    name = f"terminated-{flavour.name}"
    program = SLEEPER[flavour.is_async].format(url=flavour.url(postgres.url(application_name=name)))
    with subprocess.Popen(
        [sys.executable, "-c", program.replace("server_idle_timeout=0.3", "server_idle_timeout=600")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as instance:  # fmt: skip
        try:
            assert instance.stdout is not None
            assert instance.stdout.readline() == "asleep\n"
            assert sessions(postgres, name) == 3
            instance.terminate()
            await flavour.until(lambda: sessions(postgres, name) == 0)
        finally:
            instance.kill()


FORKER = {
    False: """
import os, threading
from thawpool import Pool
pool = Pool({url!r}, max_size=2)
PID = "SELECT pg_backend_pid() AS pid"
conns = [pool.getconn(), pool.getconn()]
mine = [conn.execute(PID).fetchone() for conn in conns]
waiter = threading.Thread(target=pool.query, args=(PID,))
waiter.start()
while pool.stats().waiting == 0:
    pass
child = os.fork()
if child == 0:
    theirs = pool.query_one(PID)["pid"]
    good = (theirs,) not in mine and pool.stats()[:4] == (2, 1, 1, 0)
    pool.close()
    os._exit(0 if good else 1)
assert os.waitpid(child, 0)[1] == 0, "the child found the pool unfit"
assert [conn.execute(PID).fetchone() for conn in conns] == mine, "the child harmed its parent"
for conn in conns:
    pool.putconn(conn)
waiter.join()
""",
    True: """
import asyncio, os
from thawpool import AsyncPool
pool = AsyncPool({url!r}, max_size=2)
PID = "SELECT pg_backend_pid() AS pid"
loop = asyncio.new_event_loop()
async def pids():
    async with pool.transaction() as one, pool.transaction() as two:
        return [await one.query(PID), await two.query(PID)]
mine = loop.run_until_complete(pids())
child = os.fork()
if child == 0:
    theirs = asyncio.run(pool.query(PID))
    os._exit(0 if theirs not in mine and pool.stats().total == 1 else 1)
assert os.waitpid(child, 0)[1] == 0, "the child found the pool unfit"
assert sorted(map(str, loop.run_until_complete(pids()))) == sorted(map(str, mine)), "the child harmed its parent"
loop.run_until_complete(pool.close())
loop.close()
""",
}


def test_a_fork_shares_nothing(flavour: Flavour, postgres: Postgres) -> None:
    """T4: with connections idle or in use, and somebody waiting; the child starts afresh, the parent goes on."""
    program = FORKER[flavour.is_async].format(url=flavour.url(postgres.url()))
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
    assert ended.returncode == 0, ended.stderr


async def test_a_token_that_expires_is_replaced_at_the_next_dial(
    flavour: Flavour, postgres: Postgres
) -> None:
    """T13: each dial asks for the password anew, and an async function may answer."""
    asked: list[int] = []

    def token() -> str:
        asked.append(1)
        return f"token-{len(asked)}"

    async def async_token() -> str:
        return token()

    pool = flavour.pool(postgres.url(), max_size=2, password=async_token if flavour.is_async else token)
    await pool.warm(2)
    await pool.expire()
    assert await pool.query("SELECT 1 AS n") == ONE
    assert len(asked) == 3


async def test_the_server_gives_up_at_the_same_moment_as_the_pool(
    flavour: Flavour, postgres: Postgres
) -> None:
    """T14: the two limits are equal, so that each query meets a session that just ended, or is about to."""
    pool = flavour.pool(
        postgres.url(), max_size=1, idle_timeout=0.05, trust_window=0.01, server_idle_timeout=0.05
    )
    pause = flavour.pool(postgres.url(), name="pause")
    for wait in (0.045, 0.05, 0.051, 0.052, 0.055, 0.06) * 2:
        assert await pool.query("SELECT 1 AS n") == ONE
        await pause.query(f"SELECT pg_sleep({wait})")


async def test_the_servers_goodbye_crosses_a_statement(
    flavour: Flavour, postgres: Postgres, proxy: ProxyFactory
) -> None:
    """The session ended for idleness while the statement was on its way: it did not run, so it is sent again."""
    name, wire = f"crossing-{flavour.name}", proxy()
    doomed: list[Any] = []

    def configure(conn: Any) -> Any:
        if not doomed:
            doomed.append(conn)
            return conn.execute("SET idle_session_timeout = 50")
        return None

    url = wire.url(postgres.url(application_name=name))
    pool = flavour.pool(url, max_size=1, trust_window=30, idle_timeout=30, configure=configure)
    await pool.warm(1)
    wire.blackhole()
    await flavour.until(lambda: sessions(postgres, name) == 0)
    job = flavour.spawn(pool.query("SELECT 1 AS n", timeout=10))
    await flavour.until(lambda: pool.stats().used == 1)
    wire.resume()
    assert await job == ONE
    assert pool.stats().opened == 2


@pytest.fixture(scope="module")
def small_postgres() -> Iterator[Postgres]:
    settings = {"max_connections": "12", "superuser_reserved_connections": "0", "max_wal_senders": "0"}
    with Postgres(find_postgres("embedded"), settings=settings) as server:
        yield server


async def test_a_new_fleet_arrives_while_the_old_one_sleeps(
    flavour: Flavour, small_postgres: Postgres
) -> None:
    """T12: a deployment. The old instances hold every slot and never run again; the server frees them."""
    old = [
        flavour.pool(
            small_postgres.url(application_name="old"), max_size=4, trust_window=0, server_idle_timeout=0.3
        )
        for _ in range(3)
    ]
    for pool in old:
        await pool.warm(4)
    new = flavour.pool(small_postgres.url(), max_size=4)
    with pytest.raises(Overloaded):
        await new.query("SELECT 1 AS n")
    since = time.monotonic()
    while True:
        try:
            rows = await new.query("SELECT 1 AS n")
        except Overloaded:
            assert time.monotonic() - since < 10
            continue
        break
    assert rows == ONE
    for pool in old:
        assert await pool.query("SELECT 1 AS n") == ONE, "and who wakes after all is served too"
        await pool.close()


async def test_more_instances_than_the_server_has_slots_for(
    flavour: Flavour, small_postgres: Postgres
) -> None:
    """T11: some are refused, quickly and by name; nobody who has a connection loses it."""
    pools = [
        flavour.pool(small_postgres.url(application_name="fleet"), max_size=2, timeout=1) for _ in range(8)
    ]

    async def serve(number: int) -> int:
        served = 0
        for _ in range(10):
            try:
                assert await pools[number % 8].query("SELECT pg_sleep(0.002)::text AS n") == [{"n": ""}]
                served += 1
            except (Overloaded, PoolTimeout):
                pass
        return served

    jobs = [flavour.spawn(serve(number)) for number in range(16)]
    assert sum([await job for job in jobs]) >= 80
    assert sum(pool.stats().retired.get("lost", 0) for pool in pools) == 0
    for pool in pools:
        await pool.close()
