"""What errors mean, learned from real servers and poolers."""

from __future__ import annotations

import asyncio
import select
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import asyncpg
import psycopg
import pytest
from tests.sqltext.conftest import ROLE, Open
from tests.support.pgbouncer import PgBouncer

from thawpool.drivers._postgresql import Fault, classify, condemns, explain, last_words, unsent
from thawpool.testing.postgres import Postgres

#: Longer than any step here takes, in seconds.
LONG = 10.0


def refusal_of(url: str, **options: Any) -> tuple[str | None, str]:
    """The SQLSTATE and the text with which a connection is refused, from a driver that tells both."""

    async def main() -> tuple[str | None, str]:
        with pytest.raises(asyncpg.PostgresError) as caught:
            await asyncpg.connect(url, timeout=LONG, **options)
        return caught.value.sqlstate, str(caught.value)

    return asyncio.run(main())


def text_of(url: str) -> str:
    """The text with which libpq tells the same, without a code."""
    with pytest.raises(psycopg.OperationalError) as caught:
        psycopg.connect(url).close()
    assert caught.value.sqlstate is None
    return str(caught.value)


def refused(url: str) -> Fault:
    """What a refusal means, by its code, and by its text where there is no code."""
    by_code = classify(*refusal_of(url))
    assert classify(None, text_of(url)) == by_code
    return by_code


@pytest.mark.parametrize("user, database", [("nobody_such", "postgres"), ("postgres", "no_such")])
def test_who_or_what_does_not_exist_is_hopeless(server: Postgres, user: str, database: str) -> None:
    assert refused(server.url(user, database)) == Fault.HOPELESS


def test_a_wrong_password_is_hopeless(postgres_tls: Postgres) -> None:
    assert refused(postgres_tls.url(password="wrong")) == Fault.HOPELESS


@pytest.mark.parametrize(
    "options", [{"no_such_setting": "1"}, {"statement_timeout": "soon"}, {"server_version": "9"}], ids=str
)
def test_a_bad_startup_option_is_hopeless(server: Postgres, options: dict[str, str]) -> None:
    code, _ = refusal_of(server.url(), server_settings=options)
    assert classify(code) == Fault.HOPELESS
    text = text_of(server.url(options=" ".join(f"-c {name}={value}" for name, value in options.items())))
    assert classify(None, text) == Fault.HOPELESS


def test_no_right_to_connect_is_hopeless(opened: Open, server: Postgres) -> None:
    admin = opened()
    admin.execute("CREATE DATABASE sqltext_closed")
    try:
        admin.execute("REVOKE CONNECT ON DATABASE sqltext_closed FROM PUBLIC")
        assert refused(server.url(ROLE, "sqltext_closed")) == Fault.HOPELESS
    finally:
        admin.execute("DROP DATABASE sqltext_closed")


def test_a_full_role_or_database_is_overloaded(opened: Open, server: Postgres) -> None:
    admin = opened()
    admin.execute(f"ALTER ROLE {ROLE} CONNECTION LIMIT 0")
    admin.execute("CREATE DATABASE sqltext_full CONNECTION LIMIT 0")
    try:
        assert refused(server.url(ROLE)) == Fault.OVERLOADED | Fault.UNSENT
        admin.execute(f"ALTER ROLE {ROLE} CONNECTION LIMIT -1")
        assert refused(server.url(ROLE, "sqltext_full")) == Fault.OVERLOADED | Fault.UNSENT
    finally:
        admin.execute(f"ALTER ROLE {ROLE} CONNECTION LIMIT -1")
        admin.execute("DROP DATABASE sqltext_full")


def test_a_full_server_is_overloaded() -> None:
    settings = {"max_connections": "4", "superuser_reserved_connections": "2", "max_wal_senders": "0"}
    with Postgres(settings=settings) as server, ExitStack() as stack:
        admin = stack.enter_context(psycopg.connect(server.url(), autocommit=True))
        admin.execute(f"CREATE ROLE {ROLE} LOGIN")
        stack.enter_context(psycopg.connect(server.url(ROLE)))
        assert refused(server.url(ROLE)) == Fault.OVERLOADED | Fault.UNSENT
        for _ in range(2):
            stack.enter_context(psycopg.connect(server.url()))
        assert refused(server.url()) == Fault.OVERLOADED | Fault.UNSENT


@pytest.fixture(scope="module")
def small_pooler(postgres: Postgres) -> Iterator[PgBouncer]:
    settings = {"max_client_conn": "2", "default_pool_size": "1", "query_wait_timeout": "1"}
    with PgBouncer(postgres, settings=settings) as pooler:
        yield pooler


@pytest.mark.needs("pgbouncer")
def test_a_full_pooler_is_overloaded(small_pooler: PgBouncer) -> None:
    with psycopg.connect(small_pooler.url()) as first, psycopg.connect(small_pooler.url()) as second:
        assert refused(small_pooler.url()) == Fault.OVERLOADED | Fault.UNSENT
        first.execute("SELECT 1")  # holds the only server connection
        with pytest.raises(psycopg.OperationalError) as caught:
            second.execute("SELECT 1")
    error = caught.value
    assert classify(error.sqlstate, str(error)) == Fault.OVERLOADED | Fault.LOST | Fault.UNSENT
    assert unsent(error.sqlstate, str(error))


@pytest.mark.needs("pgbouncer")
def test_a_startup_option_that_a_pooler_refuses_is_hopeless(small_pooler: PgBouncer) -> None:
    text = text_of(small_pooler.url() + "?options=-c%20statement_timeout%3D1")
    assert classify(None, text) == classify("08P01", text) == Fault.HOPELESS


def ended(conn: psycopg.Connection[Any]) -> psycopg.Error:
    """Wait until the server has ended the session, then use it."""
    poll = select.poll()
    poll.register(conn.fileno(), select.POLLIN)
    assert poll.poll(LONG * 1000)
    with pytest.raises(psycopg.Error) as caught:
        conn.execute("SELECT 1")
    return caught.value


def code_of(error: psycopg.Error) -> str | None:
    """The code, which libpq drops where the server's goodbye crosses the statement."""
    return error.sqlstate or last_words(str(error))


def code_after(opened: Open, *statements: str) -> str | None:
    """How the server ends a session that lies idle after these statements.

    The network drops what it said if it hears of our next statement first, so several sessions are tried.
    """
    code = None
    for _ in range(5):
        conn = opened(ROLE)
        for sql in statements:
            conn.execute(sql)
        code = code_of(ended(conn))
        conn.close()
        if code is not None:
            break
    return code


def test_a_session_idle_for_too_long_is_explained(opened: Open) -> None:
    code = code_after(opened, "SET idle_session_timeout = 1")
    assert classify(code) == Fault.LOST | Fault.UNSENT
    assert "server_idle_timeout" in (explain(code) or "")


def test_a_transaction_idle_for_too_long_is_explained(opened: Open) -> None:
    code = code_after(opened, "SET idle_in_transaction_session_timeout = 1", "BEGIN")
    assert classify(code) == Fault.LOST | Fault.UNSENT
    assert "server_transaction_timeout" in (explain(code) or "")


def test_a_statement_that_took_too_long_is_explained(opened: Open) -> None:
    conn = opened(ROLE)
    conn.execute("SET statement_timeout = 1")
    with pytest.raises(psycopg.Error) as caught:
        conn.execute("SELECT pg_sleep(10)")
    assert classify(caught.value.sqlstate) == Fault(0)
    assert "statement_timeout" in (explain(caught.value.sqlstate) or "")


def test_a_terminated_session_is_lost_and_condemns(opened: Open) -> None:
    conn, admin = opened(ROLE), opened()
    admin.execute("SELECT pg_terminate_backend(%s)", (conn.info.backend_pid,))
    error = ended(conn)
    assert Fault.LOST in classify(error.sqlstate)
    assert condemns(error.sqlstate)
    assert not unsent(error.sqlstate), "it may have been in the middle of the statement"


def test_writing_to_a_read_only_server_condemns(opened: Open) -> None:
    conn = opened()
    conn.execute("SET default_transaction_read_only = on")
    with pytest.raises(psycopg.Error) as caught:
        conn.execute("CREATE TABLE t ()")
    assert condemns(caught.value.sqlstate)
    assert Fault.LOST not in classify(caught.value.sqlstate)


def test_a_server_that_stops_may_be_back_in_a_moment(own_postgres: Postgres) -> None:
    with psycopg.connect(own_postgres.url(), autocommit=True) as conn:
        own_postgres.stop("fast")
        error = ended(conn)
    assert classify(error.sqlstate) == Fault.TRANSIENT | Fault.LOST | Fault.FAILOVER


@pytest.mark.parametrize(
    "code, text, fault",
    [
        ("57P03", "", Fault.TRANSIENT | Fault.LOST | Fault.FAILOVER | Fault.UNSENT),
        (None, "FATAL:  the database system is starting up", classify("57P03")),
        (None, "FATAL:  the database system is in recovery mode", classify("57P03")),
        ("57P02", "", Fault.TRANSIENT | Fault.LOST | Fault.FAILOVER),
        (None, "FATAL:  terminating connection due to administrator command", classify("57P01")),
        (
            None,
            "WARNING:  terminating connection because of crash of another server process",
            classify("57P02"),
        ),
        ("57P04", "", Fault.HOPELESS | Fault.LOST),
        ("25P04", "", Fault.LOST),
        ("08006", "", Fault.TRANSIENT | Fault.LOST),
        ("08P01", "query_wait_timeout", Fault.OVERLOADED | Fault.LOST | Fault.UNSENT),
        ("08P01", "client_idle_timeout", Fault.LOST | Fault.UNSENT),
        ("08P01", "server_login_retry", Fault.TRANSIENT | Fault.LOST),
        ("08P01", "bind message supplies 1 parameters, but prepared statement requires 0", Fault(0)),
        ("08000", "Timed-out waiting to acquire database connection.", Fault.OVERLOADED | Fault.UNSENT),
        ("XX000", "(EMAXCONN) max client connections reached, limit: 200", Fault.OVERLOADED | Fault.UNSENT),
        ("XX000", "MaxClientsInSessionMode: max clients reached", Fault.OVERLOADED | Fault.UNSENT),
        ("XX000", "cache lookup failed", Fault(0)),
        ("42P01", 'relation "query_wait_timeout" does not exist', Fault(0)),
        ("23505", "too many clients", Fault(0)),
        (None, "", Fault(0)),
    ],
)
def test_meanings(code: str | None, text: str, fault: Fault) -> None:
    assert classify(code, text) == fault


def test_any_other_error_needs_no_explanation() -> None:
    assert explain(None) is None
    assert explain("42P01") is None
