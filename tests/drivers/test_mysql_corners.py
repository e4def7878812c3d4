"""Corners of MySQL and MariaDB that each of their drivers gets round: modes, settings and packets out of the ordinary."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from tests.drivers.conformance import case as cases
from tests.drivers.conformance.case import MYSQL, Case
from tests.drivers.conformance.outside import Outside
from tests.support.losses import at_most, at_rest
from tests.support.pools import done
from tests.support.stale_proxy import StaleProxy

from thawpool import ConnectionLost, PoolError
from thawpool.testing._link import Side
from thawpool.testing.mariadb import MariaDB

pytestmark = pytest.mark.needs("mariadb")

case = cases.case
#: Seconds after which a statement asks whether its server is still there, and how long it may ask.
SILENCE, ASKING = 0.2, 1.0
#: A packet holds no more bytes than this: what is longer goes in several.
PACKET = 0xFFFFFF
#: The drivers whose libraries read a packet whatever its number.
CARELESS = ("mysqlclient", "mysqlconnector")
#: The drivers written in Python whose libraries connect a second time if asked to.
AGAIN = {"pymysql": "connect", "asyncmy": "connect", "aiomysql": "_connect"}

#: All whose libraries are written in Python.
PYTHON = ("pymysql", "mysqlconnector", "asyncmy", "aiomysql")


def only(*drivers: str) -> pytest.MarkDecorator:
    """Run a test over these drivers."""
    kinds = {name: "asyncio" if name in ("asyncmy", "aiomysql") else "threads" for name in drivers}
    return pytest.mark.parametrize(
        "case", [f"{name}-{kind}-mariadb" for name, kind in kinds.items()], indirect=True
    )


@pytest.fixture(scope="module")
def without_escapes() -> Iterator[MariaDB]:
    """In its strings a backslash is a character like any other."""
    with MariaDB(settings={"sql_mode": "NO_BACKSLASH_ESCAPES"}) as server:
        Outside(server).run(
            "CREATE TABLE users (name varchar(9), token varbinary(99))",
            "INSERT INTO users VALUES ('admin', 'secret')",
        )
        yield server


@MYSQL
@pytest.mark.parametrize("quote", ["'", "\\'", "''", "\\\\'", '"', '\\"'])
@pytest.mark.parametrize("kind", [str, str.encode, lambda text: bytearray(text.encode())])
async def test_a_parameter_is_no_sql_without_backslash_escapes(
    case: Case, without_escapes: MariaDB, kind: Any, quote: str
) -> None:
    pool = case.pool(without_escapes.url(), max_size=1)
    value = kind(f"{quote} OR 1=1 -- ")
    assert await pool.query("SELECT name FROM users WHERE token = %s", (value,)) == []
    assert await pool.query("SELECT name FROM users WHERE token = %(t)s", {"t": value}) == []
    async with pool.connection() as conn:
        cursor = await done(conn.cursor())
        await done(cursor.execute("SELECT name FROM users WHERE token = %s", (value,)))
        assert list(await done(cursor.fetchall())) == []
        await done(cursor.close())
    assert await pool.query("SELECT LENGTH(%s) AS n", (value,)) == [{"n": len(value)}]


@pytest.fixture(scope="module")
def rolls_back() -> Iterator[MariaDB]:
    """Rolls a transaction back that does not get a lock, which it waits for not at all."""
    settings = {"innodb_rollback_on_timeout": "ON", "innodb_lock_wait_timeout": "0"}
    with MariaDB(settings=settings) as server:
        Outside(server).run("CREATE TABLE t (id int PRIMARY KEY, v int)", "INSERT INTO t VALUES (1, 1)")
        yield server


@only(*PYTHON)
async def test_a_lock_that_is_not_had_may_end_the_transaction(case: Case, rolls_back: MariaDB) -> None:
    pool = case.pool(rolls_back.url(), max_size=1)
    with closing(Outside(rolls_back).connect()) as holder, holder.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("UPDATE t SET v = 2 WHERE id = 1")
        with pytest.raises(PoolError, match="rolled back"):
            async with pool.transaction() as tx:
                await tx.execute("INSERT INTO t VALUES (2, 0)")
                with pytest.raises(Exception, match="1205"):
                    await tx.execute("UPDATE t SET v = 3 WHERE id = 1")
        cursor.execute("ROLLBACK")
    assert await pool.query("SELECT id FROM t") == [{"id": 1}]
    at_rest(pool)


@pytest.fixture(scope="module")
def large_packets() -> Iterator[MariaDB]:
    """Sends rows of up to 64 MB."""
    with MariaDB(settings={"max_allowed_packet": "64M"}) as server:
        yield server


@MYSQL
@pytest.mark.parametrize("length", [PACKET - 6, PACKET])
async def test_a_row_in_several_packets(case: Case, large_packets: MariaDB, length: int) -> None:
    """Its first byte may be what elsewhere means the end of the rows."""
    pool = case.pool(large_packets.url(), max_size=1)
    sql = f"SELECT repeat('y', {length}) AS a, 7 AS b UNION ALL SELECT 'q', 8"
    for _ in range(3):  # a driver may read a text that it knows in another way
        rows = await pool.query(sql)
        assert [(len(row["a"]), row["a"][-1], row["b"]) for row in rows] == [(length, "y", 7), (1, "q", 8)]
    async with pool.connection() as conn:
        assert [(len(row[0]), row[1]) for row in await case.rows(conn, sql)] == [(length, 7), (1, 8)]
    assert await pool.query("SELECT 777 AS mine") == [{"mine": 777}]
    assert (pool.stats().opened, pool.stats().retired) == (1, {})


class Misnumbering(StaleProxy):
    """Can give the next packet of the server a number that it has not."""

    wrong = False

    def misnumber(self) -> None:
        self._order(lambda: setattr(self, "wrong", True))

    def _count(self, side: Side, data: bytes) -> None:
        super()._count(side, data)
        if self.wrong and data and side is not side.link.client:
            self.wrong = False
            due, packet = side.peer.queue.pop()
            side.peer.queue.append((due, packet[:3] + b"\x63" + packet[4:]))


@MYSQL
@pytest.mark.parametrize("where", ["pool", "lease"])
async def test_a_packet_with_a_wrong_number(case: Case, where: str) -> None:
    """Nobody knows what comes after it, unless the library does not care."""
    with Misnumbering("127.0.0.1", case.server.port) as link:
        pool = case.pool(link.url(case.server.url()), max_size=1)
        await pool.warm(1)
        link.misnumber()
        failed = False
        try:
            if where == "pool":
                assert await pool.query("SELECT 1 AS one") == [{"one": 1}]
            else:
                async with pool.connection() as conn:
                    assert await case.rows(conn, "SELECT 1") == [(1,)]
        except Exception:
            failed = True
        assert not link.wrong
        assert failed or case.driver in CARELESS
        for number in range(3):
            assert await pool.query(f"SELECT {number} AS mine") == [{"mine": number}]
        assert pool.stats().opened == 1 + failed
        at_rest(pool)


@only(*AGAIN)
async def test_a_borrower_cannot_connect_again(case: Case) -> None:
    """The pool would not know of the new session, and so not reset it."""
    pool = case.pool(max_size=1)
    async with pool.connection() as conn:
        await done(conn.close())
        with pytest.raises(Exception, match="cannot be opened again: lease another"):
            await done(getattr(conn, AGAIN[case.driver])())
    assert await pool.query("SELECT 1 AS one") == [{"one": 1}]
    at_rest(pool)


@only(*PYTHON)
@pytest.mark.parametrize("names", ["resolved", "not resolved"])
async def test_a_server_that_is_gone_while_another_lives(
    case: Case, names: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the statement's own server that is asked whether it is there, at the address where it was."""
    with (
        StaleProxy("127.0.0.1", case.server.port) as other,
        StaleProxy("127.0.0.1", case.server.port) as link,
    ):
        other.refuse()
        hosts = f"127.0.0.1:{other.port},localhost:{link.port}"
        pool = case.pool(f"mysql://root@{hosts}/test", max_size=1, tcp_timeout=SILENCE)
        await pool.warm(1)
        other.resume()
        link.blackhole()
        if names == "not resolved":
            unresolve(monkeypatch)
        with at_most(SILENCE + ASKING), pytest.raises(ConnectionLost):
            await pool.query("SELECT 1 AS one")
        assert other.accepted == 0
        at_rest(pool)


def unresolve(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on no name is found, as where the network is broken; addresses are."""
    import socket

    find = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **options: Any) -> Any:
        if host == "localhost":
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return find(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
