"""The server is told to kill a session whose statement was given up: that one, and never a stranger of its number."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import pymysql
import pytest
from tests.drivers.conformance import case as cases
from tests.drivers.conformance.case import MYSQL, Case
from tests.drivers.conformance.outside import Outside
from tests.support.stale_proxy import StaleProxy
from tests.support.waiting import eventually

from thawpool import AsyncPool
from thawpool.testing.mariadb import MariaDB

pytestmark = pytest.mark.needs("mariadb")

case = cases.case
#: How soon the server ends a statement that was given up, in seconds.
SOON = 0.5
SLEEP = "SELECT sleep(20.625)"


class Balancer(StaleProxy):
    """Leads each connection to the server that is the target when it is made."""

    def lead_to(self, server: MariaDB) -> None:
        self._order(lambda: setattr(self, "_target", ("127.0.0.1", server.port)))


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[MariaDB, MariaDB]]:
    """Two servers of their own, so that their sessions' numbers are nearly the same."""
    with MariaDB() as one, MariaDB() as other:
        yield one, other


def connect(server: MariaDB) -> Any:
    return pymysql.connect(host="127.0.0.1", port=server.port, user="root", database="test")


def number_of_next(server: MariaDB) -> int:
    with closing(connect(server)) as conn:
        return int(conn.thread_id()) + 1


async def namesake(case: Case, pool: AsyncPool, ours: MariaDB, theirs: MariaDB) -> Any:
    """A stranger's connection to ``theirs`` that has the number of the pool's one session at ``ours``."""
    taken = number_of_next(theirs)
    while number_of_next(ours) <= taken:
        pass
    await pool.expire()
    number = await case.session(pool)
    with ExitStack() as passed:
        while True:
            stranger = connect(theirs)
            if stranger.thread_id() == number:
                return stranger
            passed.callback(stranger.close)
            assert stranger.thread_id() < number, "the number is taken"


def assert_alive(stranger: Any) -> None:
    with closing(stranger), stranger.cursor() as cursor:
        assert cursor.execute("SELECT 1") == 1


@MYSQL
async def test_another_host_of_the_url(case: Case, servers: tuple[MariaDB, MariaDB]) -> None:
    theirs, ours = servers
    with StaleProxy("127.0.0.1", theirs.port) as first:
        first.refuse()
        hosts = f"127.0.0.1:{first.port},127.0.0.1:{ours.port}"
        pool = case.pool(f"mysql://root@{hosts}/test", max_size=1)
        stranger = await namesake(case, pool, ours, theirs)
        first.resume()
        with pytest.raises(TimeoutError):
            await pool.query(SLEEP, timeout=0.2)
        eventually(lambda: not Outside(ours).running(SLEEP), "the end of the statement", within=SOON)
        assert_alive(stranger)
        assert first.accepted == 0


@MYSQL
async def test_another_server_behind_a_balancer(case: Case, servers: tuple[MariaDB, MariaDB]) -> None:
    theirs, ours = servers
    with Balancer("127.0.0.1", ours.port) as balancer:
        pool = case.pool(balancer.url(ours.url()), max_size=1)
        stranger = await namesake(case, pool, ours, theirs)
        balancer.lead_to(theirs)
        balancer.clear()
        with pytest.raises(TimeoutError):
            await pool.query(SLEEP, timeout=0.2)
        await case.until(lambda: (balancer.accepted, balancer.connections) == (1, 0))
        assert_alive(stranger)


@MYSQL
@pytest.mark.parametrize(
    "text",
    [SLEEP, "SELECT %s, sleep(20.75)", "SELECT /* 100%% */ %s, sleep(20.75), '\\\\'"],
    ids=["plain", "parameter", "escapes"],
)
async def test_our_own_behind_a_proxy(case: Case, text: str) -> None:
    """A proxy has a port of its own, so the server knows ours by its statement."""
    params = ("it's \\ ü",) if "%s" in text else None
    with StaleProxy("127.0.0.1", case.server.port) as link:
        pool = case.pool(link.url(case.server.url()), max_size=1)
        session = await case.session(pool)
        with pytest.raises(TimeoutError):
            await pool.query(text, params, timeout=0.2)
        eventually(lambda: not case.outside.alive(session), "the end of the session", within=SOON)
