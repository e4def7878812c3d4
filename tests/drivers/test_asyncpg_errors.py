"""What asyncpg's errors are turned into: who ended the session, what to do, and whether to try again."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import psycopg
import pytest
from tests.drivers.adapters import adapter
from tests.support.loops import LoopFlavour

from thawpool import ConnectionLost
from thawpool.drivers.base import Sight, Verdict
from thawpool.testing.postgres import Postgres


def notes(error: BaseException) -> str:
    return " ".join(getattr(error, "__notes__", ()))


async def ended(flavour: LoopFlavour, conn: Any) -> None:
    """Wait until the client knows that the server ended the session."""
    await flavour.until(conn.is_closed)


async def test_a_lease_that_lies_idle_for_too_long(flavour: LoopFlavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=1, trust_window=0, server_idle_timeout=0.05)
    async with pool.connection() as conn:
        await ended(flavour, conn)
        for _ in range(2):
            with pytest.raises(asyncpg.IdleSessionTimeoutError) as caught:
                await conn.execute("SELECT 1")
            assert notes(caught.value).count("raise server_idle_timeout") == 1
    assert pool.stats().retired == {"lost": 1}
    assert await pool.query("SELECT 1 AS one") == [{"one": 1}]


async def test_a_transaction_that_lies_idle_for_too_long(flavour: LoopFlavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=1, server_transaction_timeout=0.05)
    with pytest.raises(ConnectionLost, match="raise server_transaction_timeout") as caught:
        async with pool.transaction() as tx:
            await ended(flavour, tx.connection)
            await tx.query("SELECT 1")
    assert isinstance(caught.value.__cause__, asyncpg.IdleInTransactionSessionTimeoutError)
    async with pool.connection() as conn:
        block = conn.transaction()
        await block.start()
        await ended(flavour, conn)
        with pytest.raises(asyncpg.InterfaceError, match="connection is closed"):
            await block.commit()  # asyncpg looks for itself here
    assert pool.stats().retired == {"lost": 2}


async def test_a_statement_that_takes_too_long(flavour: LoopFlavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=1, statement_timeout=0.05)
    with pytest.raises(asyncpg.QueryCanceledError) as caught:
        await pool.query("SELECT pg_sleep(60)")
    assert "raise statement_timeout" in notes(caught.value)
    assert pool.stats().opened == 1


async def test_a_session_that_was_terminated(flavour: LoopFlavour, postgres: Postgres) -> None:
    """In the middle of a statement and between two, it condemns the others: the server may be going down."""
    pool = flavour.pool(postgres.url(), max_size=2)
    with psycopg.connect(postgres.url(), autocommit=True) as other:
        await pool.warm(2)
        with pytest.raises(asyncpg.ConnectionDoesNotExistError, match="terminating connection"):
            async with pool.connection() as conn:
                pid = conn.get_server_pid()
                working = asyncio.ensure_future(conn.execute("SELECT pg_sleep(60)"))
                active = "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND state = 'active'"
                await flavour.until(lambda: other.execute(active, (pid,)).fetchone() is not None)
                other.execute("SELECT pg_terminate_backend(%s)", (pid,))
                await working
        assert (pool.stats().total, pool.stats().retired) == (0, {"failover": 1, "expired": 1})
        await pool.warm(2)
        async with pool.connection() as conn:
            other.execute("SELECT pg_terminate_backend(%s)", (conn.get_server_pid(),))
            await ended(flavour, conn)
            with pytest.raises(asyncpg.AdminShutdownError):
                await conn.fetch("SELECT 1")
        assert pool.stats().total == 0
        await pool.warm(2)
        async with pool.connection() as conn:
            pass
        other.execute("SELECT pg_terminate_backend(%s)", (conn.get_server_pid(),))
        await ended(flavour, conn)
        assert await pool.query("SELECT 1 AS one") == [{"one": 1}]


async def test_a_connection_that_its_borrower_closes(flavour: LoopFlavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=1)
    for close in (lambda conn: conn.close(), lambda conn: asyncio.sleep(0, conn.terminate())):
        async with pool.connection() as conn:
            await close(conn)
            assert conn.is_closed()
            with pytest.raises(asyncpg.InterfaceError, match="connection is closed"):
                await conn.fetch("SELECT 1")
    assert pool.stats().retired == {"busy": 2}


async def test_work_that_goes_on_after_the_return(flavour: LoopFlavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=1)
    async with pool.connection() as conn:
        working = asyncio.ensure_future(conn.fetchval("SELECT pg_sleep(60)"))
        await asyncio.sleep(0)
        with pytest.raises(asyncpg.InterfaceError, match="another operation is in progress"):
            await conn.fetchval("SELECT 1")
    assert pool.stats().retired == {"busy": 1}
    with pytest.raises(asyncpg.ConnectionDoesNotExistError):
        await working
    assert await pool.query("SELECT 1 AS one") == [{"one": 1}]


async def test_what_was_surely_not_sent(flavour: LoopFlavour, postgres: Postgres) -> None:
    dialer = adapter(postgres.url())
    conn = await dialer.connect(5.0)
    conn.leased = True
    dialer.abort(conn)
    with pytest.raises(asyncpg.ConnectionDoesNotExistError) as lost:
        await dialer.fetch(conn, "SELECT 1", None)
    assert not dialer.unsent(lost.value)
    assert (dialer.lost(conn), dialer.look(conn), dialer.verdict(conn)) == (True, Sight.GONE, Verdict.LOST)
    with pytest.raises(asyncpg.InterfaceError) as closed:
        await dialer.fetch(conn, "SELECT 1", None)
    assert dialer.unsent(closed.value)
    assert dialer.unsent(asyncpg.IdleSessionTimeoutError("terminating connection"))
    lost.value.__cause__ = asyncpg.IdleSessionTimeoutError("terminating connection")
    assert dialer.unsent(lost.value)
    assert "server_idle_timeout" in dialer.explain(lost.value)
    dialer.close(conn)


async def test_the_servers_last_words_in_pieces(flavour: LoopFlavour, postgres: Postgres) -> None:
    """They come whole, but nothing says that they must."""
    dialer = adapter(postgres.url())
    conn = await dialer.connect(5.0)
    conn._protocol.data_received(b"E\0\0\0\x20SFATAL\0C57P05\0Mtermi")
    assert dialer.verdict(conn) is Verdict.LOST
    with pytest.raises(asyncpg.IdleSessionTimeoutError, match="termi"):
        await conn.fetch("SELECT 1")
    dialer.close(conn)


async def test_a_check(flavour: LoopFlavour, postgres: Postgres) -> None:
    dialer = adapter(postgres.url())
    conn = await dialer.connect(5.0)
    assert await dialer.check(conn, 5.0)
    assert dialer.verdict(conn) is Verdict.CLEAN
    dialer.abort(conn)
    assert not await dialer.check(conn, 5.0)
    dialer.close(conn)

    async def asked(conn: Any) -> bool:
        return bool(await conn.fetchval("SELECT false"))

    async def never(conn: Any) -> None:
        await asyncio.sleep(60)

    for hook, answer in (
        (asked, False),
        (lambda conn: None, True),
        (lambda conn: 1 / 0, False),
        (never, False),
    ):
        dialer = adapter(postgres.url(), check=hook)
        conn = await dialer.connect(5.0)
        assert await dialer.check(conn, 0.1) is answer
        dialer.close(conn)
