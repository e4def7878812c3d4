"""What only pg8000 has: COPY through streams, its tables of types, its own ways to lose step with the server."""

from __future__ import annotations

import hashlib
import inspect
import io
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pg8000
import psycopg
import pytest
from pg8000 import core, dbapi
from tests.support.pgbouncer import PgBouncer
from tests.support.stale_proxy import StaleProxy
from tests.support.waiting import eventually

from thawpool import ConnectFailed, LeaseError, Pool, PoolError, PoolTimeout
from thawpool.testing.postgres import Postgres

#: What is done in other words by ``Connection``, or relied on by it.
READ: dict[Callable[..., Any], str] = {
    core._make_socket: "fa264fcc422f6553",
    core._read: "ac28f1e42e485db0",
    core._write: "5b99b3248c8fd43a",
    core._flush: "8ea5fbe2b4f76853",
    core.CoreConnection.__init__: "c9557d9f5d4a0fb2",
    core.CoreConnection.close: "9383ab7e1e4dd3f6",
    core.CoreConnection.execute_simple: "57ca4e0354186ded",
    core.CoreConnection.execute_unnamed: "2e8af5bad64b6640",
    core.CoreConnection.prepare_statement: "94febc504939892b",
    core.CoreConnection.execute_named: "424d4c9751757992",
    core.CoreConnection.close_prepared_statement: "12790c6a1fb34c3b",
    core.CoreConnection.send_PARSE: "8de25ddc1da6f52e",
    core.CoreConnection.send_BIND: "f817ecd2ddfdd0db",
    core.CoreConnection.send_EXECUTE: "777461fba5593349",
    core.CoreConnection.handle_messages: "f3450a3764f06985",
    core.CoreConnection.handle_AUTHENTICATION_REQUEST: "1bce623334c9f27f",
    core.CoreConnection.handle_ROW_DESCRIPTION: "43a1f417332b6cd9",
    core.CoreConnection.handle_COMMAND_COMPLETE: "dead6eaa3e83cf76",
    core.CoreConnection.handle_COPY_IN_RESPONSE: "3085e7face3d7824",
    core.CoreConnection.handle_COPY_OUT_RESPONSE: "ea5c045949ebbcbd",
    core.Context.__init__: "410d77f895ea5ade",
    dbapi.Connection.__init__: "75e05dcb96d13a5e",
    dbapi.Cursor.execute: "1a87beac02bb15ff",
}


def fingerprint(function: Callable[..., Any]) -> str:
    return hashlib.sha256(inspect.getsource(function).encode()).hexdigest()[:16]


@pytest.mark.parametrize("function", READ, ids=lambda function: function.__qualname__)
def test_the_library_does_what_it_did(function: Callable[..., Any]) -> None:
    """When a new release fails here, read what it changed beside ours, and then write down the new fingerprint."""
    assert fingerprint(function) == READ[function]


@pytest.fixture
def url(postgres: Postgres) -> str:
    return of_pg8000(postgres.url())


@pytest.fixture
def pool(url: str) -> Iterator[Pool]:
    """A pool of one connection."""
    with Pool(url, max_size=1) as pool:
        yield pool


def of_pg8000(url: str) -> str:
    return url.replace("postgresql:", "postgresql+pg8000:")


def rows(conn: Any, sql: str, *params: Any, **options: Any) -> Any:
    with closing(conn.cursor()) as cursor:
        cursor.execute(sql, params, **options)
        return [list(row) for row in cursor.fetchall()] if cursor.description else None


# -- statements ----------------------------------------------------------------------------------


def test_parameters_go_in_one_round_trip(postgres: Postgres, url: str) -> None:
    """pg8000 takes three."""
    with StaleProxy("127.0.0.1", postgres.port, record=True) as link, Pool(link.url(url), max_size=1) as pool:
        with pool.connection() as conn:
            link.clear()
            assert rows(conn, "SELECT %s::int + 1, %s::text", 1, None) == [[2, None]]
            assert link.chunks_up == 1
            conn.autocommit = False
            rows(conn, "SELECT 1")
            link.clear()
            conn.commit()
            assert link.chunks_up == 1


def test_types_that_a_cursor_is_told(pool: Pool) -> None:
    with pool.connection() as conn, closing(conn.cursor()) as cursor:
        cursor.setinputsizes(dbapi.INTEGER, -1)
        cursor.execute("SELECT %s, %s::text", ("7", "a"))
        assert list(cursor.fetchall()) == [[7, "a"]]
        assert [column[0] for column in cursor.description] == ["?column?", "text"]


def test_several_statements(pool: Pool) -> None:
    """The pool's verbs answer with the first result; a cursor has all rows, as ever."""
    assert pool.query("SELECT 1 AS a; SELECT 2 AS b, 3 AS c") == [{"a": 1}]
    assert pool.execute("CREATE TEMP TABLE t (n int); INSERT INTO t VALUES (1), (2); DELETE FROM t") == 4
    with pool.connection() as conn:
        assert rows(conn, "SELECT 1; SELECT 2") == [[1], [2]]
    with pytest.raises(pg8000.DatabaseError, match="42601"):
        pool.query("SELECT 1 AS a; SELECT %s", (1,))
    assert (pool.stats().opened, pool.stats().retired) == (1, {})


def test_a_table_that_changes_between_statements(postgres: Postgres, pool: Pool) -> None:
    """Nothing is prepared that could go stale."""
    pool.execute("CREATE TABLE moving (a int)")
    try:
        with pool.connection() as conn:
            assert rows(conn, "SELECT * FROM moving WHERE a > %s", 0) == []
            with psycopg.connect(postgres.url(), autocommit=True) as other:
                other.execute("ALTER TABLE moving ADD b text DEFAULT 'b', ALTER a TYPE text")
                other.execute("INSERT INTO moving VALUES ('1')")
            assert rows(conn, "SELECT * FROM moving WHERE a > %s", "0") == [["1", "b"]]
        assert pool.query("SELECT * FROM moving") == [{"a": "1", "b": "b"}]
    finally:
        pool.execute("DROP TABLE moving")


def test_a_commit_of_a_failed_transaction_is_told(pool: Pool) -> None:
    with pytest.raises(PoolError, match="rolled back"), pool.transaction() as tx:
        with pytest.raises(pg8000.DatabaseError, match="22012"):
            tx.query("SELECT 1/0")
    assert pool.query("SELECT 1 AS n") == [{"n": 1}]
    assert (pool.stats().opened, pool.stats().retired) == (1, {})


def test_prepared_statements_are_forgotten_with_the_session(pool: Pool) -> None:
    for _ in range(2):
        with pool.connection() as conn:
            assert not conn._statement_nums
            name, columns, functions = conn.prepare_statement("SELECT $1::int + 1 AS n", ())
            for number in (1, 2):
                answer = conn.execute_named(name, (str(number),), columns, functions, "SELECT")
                assert answer.rows == [[number + 1]]
            conn.prepare_statement("SELECT 2", ())
            conn.close_prepared_statement(name)
    assert pool.query("SELECT count(*) AS n FROM pg_prepared_statements") == [{"n": 0}]
    assert (pool.stats().opened, pool.stats().retired) == (1, {})


# -- COPY ----------------------------------------------------------------------------------------


@pytest.fixture
def table(pool: Pool) -> Iterator[str]:
    pool.execute("CREATE TABLE copied (n int, t text)")
    yield "copied"
    pool.execute("DROP TABLE copied")


def test_copy_through_streams(pool: Pool, table: str) -> None:
    lines = [f"{n}\tgrüße {n}\n" for n in range(5000)]
    with pool.connection() as conn:
        rows(conn, f"COPY {table} FROM STDIN", stream=io.StringIO("".join(lines)))
        rows(conn, f"COPY {table} FROM STDIN", stream=io.BytesIO("".join(lines).encode()))
        rows(conn, f"COPY {table} FROM STDIN", stream=lines)
        out = io.StringIO()
        rows(conn, f"COPY (SELECT * FROM {table} ORDER BY n LIMIT 6) TO STDOUT", stream=out)
        assert out.getvalue() == "".join(line * 3 for line in lines[:2])
        assert rows(conn, f"SELECT count(*) FROM {table}") == [[15_000]]
    assert (pool.stats().opened, pool.stats().retired) == (1, {})


class Failing(io.RawIOBase):
    """A stream that fails in the middle."""

    def __init__(self) -> None:
        self.left = 3

    def _step(self) -> None:
        self.left -= 1
        if not self.left:
            raise ZeroDivisionError

    def readinto(self, buffer: Any) -> int:
        self._step()
        buffer[:2] = b"1\n"
        return 2

    def write(self, data: Any) -> int:
        self._step()
        return len(data)


@pytest.mark.parametrize(
    "statement", ["COPY {} (n) FROM STDIN", "COPY (SELECT generate_series(1, 99)) TO STDOUT"]
)
@pytest.mark.parametrize("stream", [None, "fails"])
def test_a_copy_that_breaks_off_ends_its_connection(
    pool: Pool, table: str, statement: str, stream: str | None
) -> None:
    """Of the rest of its reply, or of the data that the server waits for, nothing may reach the next one."""
    with pool.connection() as conn:
        with pytest.raises((ZeroDivisionError, pg8000.InterfaceError)):
            rows(conn, statement.format(table), stream=Failing() if stream else None)
        with pytest.raises(pg8000.InterfaceError, match="closed"):
            rows(conn, "SELECT 1")
    assert pool.query("SELECT 'mine' AS whose") == [{"whose": "mine"}]
    assert pool.stats().retired == {"busy": 1}
    assert pool.query(f"SELECT n FROM {table}") == []


def test_a_copy_ends_at_its_deadline(postgres: Postgres, url: str, table: str) -> None:
    with StaleProxy("127.0.0.1", postgres.port) as link, Pool(link.url(url), max_size=1) as pool:
        pool.warm(1)
        with (
            pool.invocation(remaining=0.5),
            pool.connection() as conn,
            pytest.raises(PoolTimeout, match="deadline"),
        ):
            rows(conn, f"COPY {table} FROM STDIN", stream=endless(link))
        assert pool.stats().total == 0


def endless(link: StaleProxy) -> Iterator[str]:
    yield "1\ta\n"
    link.blackhole()
    while True:
        yield "1\t" + "a" * 100_000 + "\n"


# -- what a borrower sets ------------------------------------------------------------------------


class Point:
    def __str__(self) -> str:
        return "7"


def test_what_a_borrower_sets_is_put_back(pool: Pool) -> None:
    with pool.connection() as conn:
        before = (conn.autocommit, dict(conn.pg_types), dict(conn.py_types))
        conn.register_in_adapter(23, lambda text: "mine")
        conn.register_out_adapter(Point, lambda value: "8")
        conn.autocommit = False
        assert rows(conn, "SELECT 1, %s::int", Point()) == [["mine", "mine"]]
        assert conn.transacting()
    with pool.connection() as conn:
        assert (conn.autocommit, dict(conn.pg_types), dict(conn.py_types)) == before
        assert rows(conn, "SELECT 1, %s::int", Point()) == [[1, 7]]
        conn.py_types.clear()
    with pool.connection() as conn:
        assert (conn.autocommit, dict(conn.pg_types), dict(conn.py_types)) == before
    assert (pool.stats().opened, pool.stats().retired) == (1, {})


def test_a_type_that_pg8000_does_not_know(pool: Pool) -> None:
    """It is text; and to read it changes no table, which would make a return slow."""
    with pool.connection() as conn:
        known = len(conn.pg_types)
        assert rows(conn, "SELECT pg_current_snapshot() IS NOT NULL, '0/0'::pg_lsn") == [[True, "0/0"]]
        assert len(conn.pg_types) == known
        assert conn.untouched()


def test_notifications_and_notices_are_their_borrowers(postgres: Postgres, pool: Pool) -> None:
    with pool.connection() as conn:
        rows(conn, "LISTEN news")
        with psycopg.connect(postgres.url(), autocommit=True) as other:
            other.execute("NOTIFY news, 'it'")
        rows(conn, "ROLLBACK")
        rows(conn, "SELECT 1")
        assert [(channel, text) for _, channel, text in conn.notifications] == [("news", "it")]
        assert conn.notices
    with pool.connection() as conn:
        assert not conn.notifications
        assert not conn.notices
    assert (pool.stats().opened, pool.stats().retired) == (1, {})


def test_two_phases(own_postgres: Postgres) -> None:
    with Pool(of_pg8000(own_postgres.url()), max_size=1) as pool:
        with pool.connection() as conn:
            conn.tpc_begin(conn.xid(0, "mine", ""))
        with pool.connection() as conn:
            assert conn._xid is None
            assert not conn.transacting()
        assert pool.stats().opened == 1


# -- the end of a connection ---------------------------------------------------------------------


def test_whoever_closes_a_connection_after_its_return_is_told(pool: Pool) -> None:
    with pool.connection() as conn:
        cursor = conn.cursor()
    for use in (conn.close, conn.commit, lambda: cursor.execute("SELECT 1"), conn.tpc_recover):
        with pytest.raises(LeaseError):
            use()
    assert pool.query("SELECT 1 AS n") == [{"n": 1}]
    assert pool.stats().opened == 1


def test_a_closed_connection_says_so(pool: Pool) -> None:
    with pool.connection() as conn:
        conn.close()
        for use in (conn.close, conn.commit, lambda: conn.prepare_statement("SELECT 1", ())):
            with pytest.raises(pg8000.InterfaceError, match="closed"):
                use()
    assert pool.stats().retired == {"busy": 1}


def test_the_last_words_of_a_server_are_heard(postgres: Postgres, pool: Pool) -> None:
    """pg8000 would say that the network failed."""
    with pool.connection() as conn:
        number = rows(conn, "SELECT pg_backend_pid()")[0][0]
        with psycopg.connect(postgres.url(), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", (number,))
        with pytest.raises(pg8000.DatabaseError, match="57P01"):
            rows(conn, "SELECT 1")
        with pytest.raises(pg8000.InterfaceError, match="closed"):
            rows(conn, "SELECT 1")
    assert pool.stats().retired == {"failover": 1}


@pytest.mark.needs("pgbouncer")
def test_behind_a_pooler(postgres: Postgres, pgbouncer: PgBouncer) -> None:
    """It is found out; nothing is left in its sessions, and it is asked to stop what was given up."""
    with Pool(of_pg8000(pgbouncer.url()), max_size=2) as pool:
        for number in range(3):
            assert pool.query("SELECT %s::int AS n", (number,)) == [{"n": number}]
        with pool.transaction() as tx:
            assert tx.query("SELECT 1 AS n") == [{"n": 1}]
        with pytest.raises(PoolTimeout):
            pool.query("SELECT pg_sleep(62.5)", timeout=0.2)
        driver: Any = pool._driver
        assert driver.session.pooled
    running = (
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(62.5)%' AND state = 'active'"
    )
    with psycopg.connect(postgres.url(), autocommit=True) as other:
        eventually(lambda: other.execute(running).fetchone() == (0,), "the end of the statement")


# -- the begin of a connection -------------------------------------------------------------------


@pytest.mark.parametrize("method", ["scram-sha-256", "md5", "password"])
def test_every_way_to_authenticate_and_no_trace_of_the_password(own_postgres: Postgres, method: str) -> None:
    secret = "c-a-n-a-r-y"
    with psycopg.connect(own_postgres.url(), autocommit=True) as admin:
        encryption = "md5" if method == "md5" else "scram-sha-256"
        admin.execute(f"SET password_encryption = '{encryption}'")
        admin.execute(f"CREATE ROLE mine LOGIN PASSWORD '{secret}'")
        hba = admin.execute("SHOW hba_file").fetchone()
        assert hba is not None
        rules = Path(hba[0])
        rules.write_text(f"host all mine all {method}\n{rules.read_text()}")
        admin.execute("SELECT pg_reload_conf()")
    url = of_pg8000(own_postgres.url(user="mine"))
    with Pool(url, password=secret, max_size=1) as pool, pool.connection() as conn:
        assert rows(conn, "SELECT current_user") == [["mine"]]
        assert secret not in repr(vars(conn))
        assert not hasattr(conn, "auth")
    for given, told in ((None, "no password supplied"), ("wrong", "authentication failed")):
        with Pool(url, password=given) as pool, pytest.raises(ConnectFailed, match=told) as caught:
            pool.query("SELECT 1")
        assert not caught.value.transient


@pytest.mark.parametrize(
    "greeting", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0" * 64, b"R\0\0\0\x08\0\0\0\x63"]
)
def test_what_does_not_speak_postgresql(greeting: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def serve() -> None:
            conn, _ = server.accept()
            with conn:
                conn.recv(1000)
                conn.sendall(greeting)

        thread = threading.Thread(target=serve)
        thread.start()
        with Pool(f"postgresql+pg8000://me@127.0.0.1:{port}/x?sslmode=disable", connect_timeout=1) as pool:
            with pytest.raises(ConnectFailed):
                pool.query("SELECT 1", timeout=1)
            assert pool.stats().total == 0
        thread.join()
