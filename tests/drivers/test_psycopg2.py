"""psycopg2's own ways: what its connections, cursors and large objects do passes the gate, and nothing of it stays."""

from __future__ import annotations

import io
import os
import signal
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any

import psycopg2
import psycopg2.extras
import pytest
from psycopg2 import extensions, sql
from tests.conftest import ProxyFactory
from tests.support.children import Child
from tests.support.losses import at_most, at_rest
from tests.support.waiting import eventually

from thawpool import ConnectFailed, LeaseError, Pool, PoolTimeout
from thawpool.testing.postgres import Postgres

MakePool = Callable[..., Pool]
ONE = [{"one": 1}]
SLEEP = "SELECT pg_sleep(20)"


def named(url: str) -> str:
    return f"postgresql+psycopg2{url[url.index('://') :]}"


@pytest.fixture
def make(postgres: Postgres) -> Iterator[MakePool]:
    """Make pools: of one connection, to the shared server, unless said otherwise."""
    pools: list[Pool] = []

    def make(url: str | None = None, **options: Any) -> Pool:
        pools.append(Pool(named(url or postgres.url()), **{"max_size": 1, **options}))
        return pools[-1]

    yield make
    for pool in pools:
        pool.close(timeout=0.5)


# -- the gate ------------------------------------------------------------------------------------


class Own(psycopg2.extras.RealDictCursor):  # type: ignore[misc]
    """A borrower's own class."""


FACTORIES = (
    extensions.cursor,
    psycopg2.extras.DictCursor,
    psycopg2.extras.RealDictCursor,
    psycopg2.extras.NamedTupleCursor,
    Own,
)


@pytest.mark.parametrize("factory", FACTORIES, ids=lambda factory: factory.__name__)
def test_any_class_of_cursors_passes_the_gate(make: MakePool, factory: Any) -> None:
    pool = make()
    with pool.connection() as conn:
        cursor = conn.cursor(cursor_factory=factory)
        assert isinstance(cursor, factory)
        cursor.execute("SELECT %s AS n, 'a' AS t", (1,))
        row = cursor.fetchone()
        assert list(row.values() if isinstance(row, dict) else row) == [1, "a"]
        assert not conn.dirty
        cursor.execute("SET application_name = 'mine'")
        assert conn.dirty
    with pytest.raises(LeaseError):
        cursor.execute("SELECT 1")
    with pytest.raises(PoolTimeout), at_most(0.5), pool.invocation(remaining=0.4), pool.connection() as conn:
        conn.cursor(cursor_factory=factory).execute(SLEEP)
    assert pool.query("SELECT 1 AS one") == ONE
    at_rest(pool)


def test_the_cursor_class_of_a_connection_is_kept_to(make: MakePool) -> None:
    pool = make()
    with pool.connection() as conn:
        conn.cursor_factory = psycopg2.extras.RealDictCursor
        with conn.cursor() as cursor:
            cursor.execute("SELECT 1 AS one")
            assert cursor.fetchall() == ONE
    with pool.connection() as conn, conn.cursor() as cursor:
        cursor.execute("SELECT 1 AS one")
        assert cursor.fetchall() == [(1,)]
    assert pool.stats().opened == 1


def test_a_factory_that_is_no_class_is_refused(make: MakePool) -> None:
    with make().connection() as conn, pytest.raises(TypeError, match="must be a class"):
        conn.cursor(cursor_factory=lambda *args: extensions.cursor(*args))


def test_texts_of_every_form_are_judged(make: MakePool) -> None:
    with make().connection() as conn, conn.cursor() as cursor:
        for harmless in ("SELECT 1", b"SELECT 1", sql.SQL("SELECT {}").format(sql.Literal("SET"))):
            cursor.execute(harmless)
            psycopg2.extras.execute_values(cursor, "SELECT v FROM (VALUES %s) AS rows (v)", [(1,), (2,)])
            assert not conn.dirty
        cursor.execute(sql.SQL("SET {} = 'mine'").format(sql.Identifier("application_name")))
        assert conn.dirty


STATEFUL: dict[str, Callable[[Any, Any], object]] = {
    "callproc": lambda conn, cursor: cursor.callproc("set_config", ["my.own", "x", False]),
    "executemany": lambda conn, cursor: cursor.executemany(
        "SELECT set_config('my.own', %s, false)", [("x",)]
    ),
    "reset": lambda conn, cursor: conn.reset(),
    "set_session": lambda conn, cursor: conn.set_session(readonly=True),
    "set_isolation_level": lambda conn, cursor: conn.set_isolation_level(3),
    "set_client_encoding": lambda conn, cursor: conn.set_client_encoding("LATIN1"),
    "readonly": lambda conn, cursor: setattr(conn, "readonly", True),
    "cancel": lambda conn, cursor: conn.cancel(),
    "a cursor with hold": lambda conn, cursor: conn.cursor("held", withhold=True).execute("SELECT 1"),
}


@pytest.mark.parametrize("what", STATEFUL)
def test_what_may_leave_state_owes_a_reset(make: MakePool, what: str) -> None:
    pool = make()
    with pool.connection() as conn, conn.cursor() as cursor:
        STATEFUL[what](conn, cursor)
        assert conn.dirty
    assert pool.query("SELECT coalesce(current_setting('my.own', true), '') AS own") == [{"own": ""}]
    assert pool.query("SHOW default_transaction_read_only") == [{"default_transaction_read_only": "off"}]
    assert pool.query("SELECT 'grüße' AS text, name FROM pg_cursors") == []
    assert pool.query("SELECT 'grüße' AS text") == [{"text": "grüße"}]
    with pool.connection() as conn:
        assert (conn.autocommit, conn.isolation_level, conn.readonly, conn.encoding) == (
            True,
            None,
            None,
            "UTF8",
        )
    assert pool.stats().opened == 1


def test_a_statement_that_is_given_up_ends_on_the_server_within_seconds(
    make: MakePool, postgres: Postgres
) -> None:
    """psycopg2 has no cancelling that cannot block. The server itself looks whether its client is there."""
    pool = make()
    with pytest.raises(PoolTimeout):
        pool.query("SELECT pg_sleep(20.5)", timeout=0.2)
    running = "SELECT count(*) AS n FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%%20.5%%' AND pid <> %s"
    with pool.connection() as conn:
        own = conn.get_backend_pid()
    eventually(lambda: pool.query(running, (own,)) == [{"n": 0}], "the end of the statement", within=4.0)


# -- what reads as it goes -----------------------------------------------------------------------


def test_a_cursor_on_the_server_reads_within_the_deadline(
    make: MakePool, proxy: ProxyFactory, postgres: Postgres
) -> None:
    link = proxy()
    pool = make(link.url(postgres.url()))
    reads: tuple[Callable[[Any], Any], ...] = (
        lambda cursor: cursor.fetchone(),
        lambda cursor: cursor.fetchmany(3),
        lambda cursor: cursor.fetchall(),
        lambda cursor: next(cursor),
        lambda cursor: cursor.scroll(1),
        lambda cursor: cursor.close(),
    )
    for read in reads:
        with (
            pytest.raises(PoolTimeout),
            at_most(0.5),
            pool.invocation(remaining=0.4),
            pool.connection() as conn,
        ):
            conn.autocommit = False
            cursor = conn.cursor("mine", cursor_factory=psycopg2.extras.RealDictCursor)
            cursor.execute("SELECT generate_series(1, 10000) AS n")
            assert cursor.fetchone() == {"n": 1}
            assert not conn.dirty
            link.blackhole()
            read(cursor)
        link.resume()
    with pool.connection() as conn:
        conn.autocommit = False
        cursor = conn.cursor("mine")
        cursor.execute("SELECT generate_series(1, 5000)")
        assert sum(n for (n,) in cursor) == 5000 * 5001 / 2
    with pytest.raises(LeaseError):
        cursor.fetchone()


def test_copying_in_and_out(make: MakePool) -> None:
    pool = make()
    with pool.transaction() as tx:
        tx.execute("CREATE TEMPORARY TABLE copied (n int, t text) ON COMMIT DROP")
        with tx.connection.cursor() as cursor:
            cursor.copy_from(io.StringIO("1\ta\n2\tb\n"), "copied")
            out = io.StringIO()
            cursor.copy_to(out, "copied")
            cursor.copy_expert("COPY (SELECT n FROM copied) TO STDOUT", out)
        assert out.getvalue() == "1\ta\n2\tb\n1\n2\n"
    with pool.connection() as conn, conn.cursor() as cursor:
        cursor.copy_expert("COPY (SELECT 1) TO STDOUT", io.StringIO())
        assert not conn.dirty


def test_a_copy_that_breaks_off_leaves_its_rest_to_nobody(make: MakePool) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise ZeroDivisionError

    pool = make()
    with pytest.raises(ZeroDivisionError), pool.connection() as conn, conn.cursor() as cursor:
        cursor.copy_expert("COPY (SELECT generate_series(1, 100000)) TO STDOUT", Full())
    assert pool.stats().retired == {"busy": 1}
    assert pool.query("SELECT 1 AS one") == ONE


def test_a_copy_ends_at_its_deadline(make: MakePool) -> None:
    pool = make()
    with pytest.raises(PoolTimeout), at_most(0.5), pool.invocation(remaining=0.4), pool.connection() as conn:
        conn.cursor().copy_expert("COPY (SELECT pg_sleep(20)) TO STDOUT", io.StringIO())
    at_rest(pool)


def test_large_objects(make: MakePool) -> None:
    pool = make()
    with pool.connection() as conn:
        conn.autocommit = False
        large = conn.lobject(0, "wb")
        assert isinstance(large, extensions.lobject)
        assert large.write(b"abc") == 3
        large.seek(1)
        large.truncate(2)
        assert large.tell() == 1
        large.close()
        large = conn.lobject(large.oid, "rb")
        assert large.read() == b"ab"
        large.unlink()
        conn.commit()
        large = conn.lobject()
        conn.rollback()
        assert not conn.dirty
    with pytest.raises(LeaseError):
        large.read()
    with pytest.raises(LeaseError):
        conn.lobject()
    assert pool.stats().opened == 1


# -- what stays behind ---------------------------------------------------------------------------


def test_transactions_of_its_own_cost_no_reset(
    make: MakePool, proxy: ProxyFactory, postgres: Postgres
) -> None:
    link = proxy(record=True)
    pool = make(link.url(postgres.url()))
    pool.warm(1)
    link.clear()
    with pool.connection() as conn:
        conn.autocommit = False
        conn.isolation_level = extensions.ISOLATION_LEVEL_SERIALIZABLE
        conn.readonly = True
        with conn.cursor() as cursor:
            cursor.execute("SHOW transaction_isolation")
            assert cursor.fetchone() == ("serializable",)
        conn.commit()
    assert b"RESET" not in link.sent
    with pool.connection() as conn:
        assert (conn.autocommit, conn.isolation_level, conn.readonly, conn.deferrable) == (
            True,
            None,
            None,
            None,
        )
    assert pool.query("SHOW transaction_isolation") == [{"transaction_isolation": "read committed"}]


def left_open(conn: Any) -> None:
    conn.autocommit = False
    conn.cursor().execute("SELECT 1")


def left_failed(conn: Any) -> None:
    conn.autocommit = False
    with pytest.raises(psycopg2.Error):
        conn.cursor().execute("SELECT 1/0")


def ended_behind_its_back(conn: Any) -> None:
    conn.autocommit = False
    conn.cursor().execute("SELECT 1")
    conn.cursor().execute("COMMIT")


@pytest.mark.parametrize("leave", [left_open, left_failed, ended_behind_its_back])
def test_a_transaction_of_its_own_is_rolled_back(make: MakePool, leave: Callable[[Any], None]) -> None:
    pool = make()
    with pool.connection() as conn:
        leave(conn)
    with pool.connection() as again:
        assert again is conn
        assert (conn.autocommit, conn.status) == (True, extensions.STATUS_READY)
        assert conn.get_transaction_status() == extensions.TRANSACTION_STATUS_IDLE
        with conn.cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE mine (n int)")
    assert pool.query("SELECT to_regclass('pg_temp.mine') AS mine") == [{"mine": None}]


def test_a_block_that_is_left_open_ends_the_connection(make: MakePool) -> None:
    """Every statement of the next borrower would begin a transaction."""
    pool = make()
    with pool.connection() as conn:
        with conn, conn.cursor() as cursor:
            cursor.execute("SELECT 1")
        assert conn.get_transaction_status() == extensions.TRANSACTION_STATUS_IDLE
    with pool.connection() as conn:
        conn.__enter__()
    assert pool.stats().retired == {"busy": 1}


def test_a_transaction_in_two_phases_is_not_left_behind(make: MakePool) -> None:
    pool = make()
    with pool.connection() as conn:
        conn.autocommit = False
        conn.tpc_begin(conn.xid(1, "mine", "branch"))
        conn.cursor().execute("SELECT 1")
    assert pool.query("SELECT 1 AS one") == ONE
    assert pool.stats().opened == 2


def as_text(conn: Any) -> None:
    extensions.register_type(extensions.new_type((23,), "TEXT", lambda value, cursor: value), conn)


def test_what_was_registered_for_a_connection_is_put_back(make: MakePool) -> None:
    pool = make()
    with pool.connection() as conn:
        as_text(conn)
        psycopg2.extras.register_uuid(conn_or_curs=conn)
        assert conn.string_types
    with pool.connection() as conn:
        assert conn.string_types == {}
    assert pool.query("SELECT 1 AS one") == ONE
    assert pool.stats().opened == 1


def test_what_the_hook_registered_stays_and_what_replaced_it_does_not(make: MakePool) -> None:
    pool = make(configure=as_text)
    for _ in range(2):
        with pool.connection() as conn, conn.cursor() as cursor:
            cursor.execute("SELECT 7")
            assert cursor.fetchone() == ("7",)
            extensions.register_type(extensions.new_type((23,), "NONE", lambda value, cursor: None), conn)
            cursor = conn.cursor()
            cursor.execute("SELECT 7")
            assert cursor.fetchone() == (None,)
    assert pool.stats().opened == 1


def test_notices_and_notifications_are_of_their_borrower_alone(make: MakePool) -> None:
    pool = make()
    with pool.connection() as conn, conn.cursor() as cursor:
        cursor.execute("DO $$ BEGIN RAISE NOTICE 'mine'; END $$")
        cursor.execute("LISTEN mine")
        cursor.execute("NOTIFY mine, 'hello'")
        conn.poll()
        assert "mine" in conn.notices[0]
        assert conn.notifies[0].payload == "hello"
    with pool.connection() as conn:
        assert (conn.notices, conn.notifies) == ([], [])
        conn.notices = None
    with pool.connection() as conn:
        assert conn.notices == []
    assert pool.stats().opened == 1


def test_a_connection_that_its_borrower_closed_is_replaced(make: MakePool) -> None:
    pool = make()
    with pool.connection() as conn:
        conn.close()
    assert pool.query("SELECT 1 AS one") == ONE
    assert pool.stats().retired == {"busy": 1}


def test_bytes_are_bytes(make: MakePool) -> None:
    assert make().query(
        "SELECT '\\x00ff'::bytea AS b, ARRAY['\\x00'::bytea, NULL] AS a, NULL::bytea AS n"
    ) == [{"b": b"\x00\xff", "a": [b"\x00", None], "n": None}]


# -- dials ---------------------------------------------------------------------------------------


def test_a_late_dial_is_closed_and_waited_for(
    make: MakePool, own_postgres: Postgres, proxy: ProxyFactory
) -> None:
    link = proxy(own_postgres)
    link.accept_silently()
    pool = make(link.url(own_postgres.url()), connect_timeout=10.0)
    pool.stats()
    with pytest.raises(PoolTimeout), at_most(0.5):
        pool.query("SELECT 1", timeout=0.3)
    with pytest.raises(PoolTimeout), at_most(0.3):
        pool.query("SELECT 1", timeout=0.1)
    assert link.accepted == 1
    link.resume()
    assert pool.query("SELECT 1 AS one") == ONE
    busy = "SELECT count(*) AS n FROM pg_stat_activity WHERE backend_type = 'client backend'"
    eventually(lambda: pool.query(busy) == [{"n": 1}], "the end of the late one")


def test_its_password_is_in_no_traceback(make: MakePool, postgres: Postgres, proxy: ProxyFactory) -> None:
    link = proxy()
    link.refuse()
    pool = make(link.url(postgres.url(password="hunter2")), connect_timeout=0.2)
    with pytest.raises((PoolTimeout, ConnectFailed)) as caught:
        pool.query("SELECT 1", timeout=0.2)
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert "hunter2" not in "".join(shown.format())


def option(conn: Any, name: int) -> int:
    with socket.socket(fileno=os.dup(conn.fileno())) as twin:
        return twin.getsockopt(socket.IPPROTO_TCP, name)


def test_its_sockets_are_kept_alive_as_the_url_or_the_pool_says(make: MakePool, postgres: Postgres) -> None:
    with make(tcp_timeout=7.0).connection() as conn:
        assert (option(conn, socket.TCP_KEEPIDLE), option(conn, socket.TCP_USER_TIMEOUT)) == (7, 7000)
    with make(postgres.url(keepalives_idle=77)).connection() as conn:
        assert option(conn, socket.TCP_KEEPIDLE) == 77


def test_a_standby_is_preferred_among_all_hosts(
    make: MakePool, postgres: Postgres, proxy: ProxyFactory
) -> None:
    """So all are asked at once, where otherwise each has its share of the time."""
    link = proxy()
    hosts = f"127.0.0.1:{link.port},127.0.0.1:{postgres.port}"
    pool = make(f"postgresql://postgres@{hosts}/postgres?target_session_attrs=prefer-standby")
    assert pool.query("SELECT 1 AS one") == ONE
    assert link.connections >= 1


# -- signals and processes -----------------------------------------------------------------------


def test_ctrl_c_is_seen_when_the_statement_ends(make: MakePool) -> None:
    """The one thing in which it is not as good as the others: see ``docs/drivers.md``."""
    pool = make()
    pool.warm(1)
    begun = monotonic()
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        pool.query("SELECT pg_sleep(0.4)")
    timer.join()
    assert monotonic() - begun < 1.5
    assert pool.query("SELECT 1 AS one") == ONE
    at_rest(pool)


def test_a_fork_in_the_middle_of_a_statement(postgres: Postgres) -> None:
    code = """
    import os, signal, sys, threading, warnings
    from thawpool import Pool

    warnings.filterwarnings("ignore", message=".*multi-threaded", category=DeprecationWarning)
    signal.alarm(30)
    pool = Pool(sys.argv[1], max_size=2)
    pool.warm(2)
    asleep = threading.Thread(target=lambda: say(pool.query("SELECT 'parent' AS a FROM pg_sleep(1)")[0]["a"]))
    asleep.start()
    while not pool.stats().used:
        pass
    pid = os.fork()
    if not pid:
        status = pool.query("SELECT 3 AS n")[0]["n"]
        pool.close()
        os._exit(status)
    say(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    asleep.join()
    say(pool.query("SELECT 'still' AS a")[0]["a"])
    say(pool.stats().opened)
    pool.close()
    """
    with Child(code, named(postgres.url())) as child:
        assert [child.hear() for _ in range(4)] == ["3", "parent", "still", "2"]
        _, complaint = child.process.communicate(timeout=10)
        assert complaint == ""
