"""mysqlclient's own ways: cursors that read from the server, results in many steps, transactions that only texts tell of."""

from __future__ import annotations

import gc
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.support.children import Child
from tests.support.full_backlog import FullBacklog
from tests.support.losses import at_most, at_rest, nothing_lost
from tests.support.stale_proxy import StaleProxy
from tests.support.waiting import eventually

from thawpool import ConnectFailed, LeaseError, Pool, PoolTimeout
from thawpool.testing.mariadb import MariaDB

pytestmark = [pytest.mark.needs("mariadb"), pytest.mark.needs("mysqlclient")]

MakePool = Callable[..., Pool]
ONE = [{"one": 1}]
MANY = "SELECT seq FROM seq_1_to_2000000"


def named(url: str) -> str:
    return f"mysql+mysqlclient{url[url.index('://') :]}"


def cursor_class(name: str) -> Any:
    """A class of the library's, which not every machine has."""
    from MySQLdb import cursors

    return getattr(cursors, name)


def library_error() -> Any:
    import MySQLdb

    return MySQLdb.Error


@pytest.fixture
def link(mariadb: MariaDB) -> Iterator[StaleProxy]:
    with StaleProxy("127.0.0.1", mariadb.port, record=True) as proxy:
        yield proxy


@pytest.fixture
def make(link: StaleProxy, mariadb: MariaDB) -> Iterator[MakePool]:
    """Make pools: of one connection, to the shared server, unless said otherwise."""
    pools: list[Pool] = []

    def make(url: str | None = None, **options: Any) -> Pool:
        pools.append(Pool(named(url or link.url(mariadb.url())), **{"max_size": 1, **options}))
        return pools[-1]

    yield make
    for pool in pools:
        pool.close(timeout=0.5)


# -- cursors and results -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Cursor", "DictCursor", "SSCursor", "SSDictCursor"])
def test_any_class_of_cursors_passes_the_gate(make: MakePool, name: str) -> None:
    pool = make()
    own: Any = type("Own", (cursor_class(name),), {})
    with pool.connection() as conn:
        with conn.cursor(own) as cursor:
            assert isinstance(cursor, own)
            cursor.execute("SELECT %s AS n, 'a' AS t", (1,))
            row = cursor.fetchone()
            assert list(row.values() if isinstance(row, dict) else row) == [1, "a"]
            assert cursor.fetchall() == ()
            cursor.executemany("SELECT %s", [(1,), (2,)])
            assert not conn.dirty
            cursor.execute("SET @mine = 1")
            assert conn.dirty
    with pytest.raises(LeaseError):
        conn.cursor(own).execute("SELECT 1")
    with pytest.raises(PoolTimeout), at_most(0.5), pool.invocation(remaining=0.4), pool.connection() as conn:
        conn.cursor(own).execute("SELECT SLEEP(20)")
    assert pool.query("SELECT @mine AS mine") == [{"mine": None}]
    at_rest(pool)


def test_rows_that_are_read_as_they_come_mind_the_deadline(make: MakePool, link: StaleProxy) -> None:
    pool = make()
    reads: tuple[Callable[[Any], Any], ...] = (
        lambda cursor: cursor.fetchall(),
        lambda cursor: cursor.fetchmany(2_000_000),
        lambda cursor: list(cursor),
        lambda cursor: cursor.close(),
        lambda cursor: cursor.execute("SELECT 1"),
    )
    for read in reads:
        with (
            pytest.raises(PoolTimeout),
            at_most(0.5),
            pool.invocation(remaining=0.4),
            pool.connection() as conn,
        ):
            cursor = conn.cursor(cursor_class("SSCursor"))
            cursor.execute(MANY)
            assert cursor.fetchone() == (1,)
            link.blackhole()
            read(cursor)
        link.resume()
    at_rest(pool)


def test_rows_that_nobody_reads_to_the_end_are_left_to_nobody(make: MakePool) -> None:
    pool = make()
    with pool.connection() as conn:
        cursor = conn.cursor(cursor_class("SSCursor"))
        cursor.execute(MANY)
        cursor.fetchone()
    assert pool.stats().retired == {"busy": 1}
    with pytest.raises(LeaseError):
        cursor.fetchone()
    assert pool.query("SELECT 1 AS one") == ONE
    with pool.connection() as conn:
        cursor = conn.cursor(cursor_class("SSCursor"))
        cursor.execute(MANY)
        del cursor
        gc.collect()  # the library reads on in its stead
        with conn.cursor() as cursor:
            cursor.execute("SELECT 1")
    assert pool.stats().retired == {"busy": 1}


def test_rows_that_are_dropped_mind_the_deadline(make: MakePool, link: StaleProxy) -> None:
    pool = make()
    with at_most(0.5), pool.invocation(remaining=0.4), pool.connection() as conn:
        cursor = conn.cursor(cursor_class("SSCursor"))
        cursor.execute(MANY)
        link.blackhole()
        del cursor
        gc.collect()
    at_rest(pool)
    assert pool.stats().total == 0


def test_a_result_taken_in_steps(make: MakePool) -> None:
    pool = make()
    with pool.connection() as conn:
        conn.query("SELECT 1")
        assert conn.store_result().fetch_row(0) == ((1,),)
        conn.query("SELECT 2")
        assert conn.use_result().fetch_row(0) == ((2,),)
        conn.query("COMMIT")
        assert conn.use_result() is None
        conn.query("SELECT 3")
        conn.discard_result()
        assert not conn.dirty
        conn.send_query(b"SELECT 4")
        conn.read_query_result()
        assert conn.store_result().fetch_row(0) == ((4,),)
        conn.ping()
        assert "Uptime" in conn.stat()
        assert conn.show_warnings() == ()
    assert pool.query("SELECT 1 AS one") == ONE
    assert pool.stats().opened == 1


def stored_never(conn: Any) -> None:
    conn.query("SELECT 1")


def sent_only(conn: Any) -> None:
    conn.send_query("SELECT 1")


def several(conn: Any) -> None:
    conn.cursor().execute("SELECT 1; SELECT 2")


def streamed(conn: Any) -> None:
    conn.query("SELECT 1")
    conn.kept = conn.use_result()


def options_changed(conn: Any) -> None:
    conn.set_server_option(1)


@pytest.mark.parametrize("leave", [stored_never, sent_only, several, streamed, options_changed])
def test_what_cannot_be_taken_up_ends_the_connection(make: MakePool, leave: Callable[[Any], None]) -> None:
    pool = make()
    with pool.connection() as conn:
        leave(conn)
    assert pool.stats().retired == {"busy": 1}
    assert pool.query("SELECT 1 AS one") == ONE


def test_several_results_that_are_read(make: MakePool) -> None:
    pool = make()
    with pool.connection() as conn, conn.cursor() as cursor:
        cursor.execute("SELECT 1; SELECT 2; DO 0")
        assert cursor.fetchall() == ((1,),)
        assert cursor.nextset() == 1
        assert cursor.fetchall() == ((2,),)
        assert cursor.nextset() == 1
        assert cursor.nextset() is None
        cursor.execute("SELECT 3; SELECT 4")
        cursor.execute("SELECT 5")
        assert cursor.fetchall() == ((5,),)
    assert pool.query("SELECT 1 AS one") == ONE
    assert pool.stats().opened == 1


def test_an_error_leaves_the_connection_in_step(make: MakePool) -> None:
    pool = make()
    with pool.connection() as conn, conn.cursor() as cursor:
        for wrong in ("SELECT nonsense", "SELECT 1; SELECT nonsense"):
            with pytest.raises(library_error()):
                cursor.execute(wrong)
                cursor.nextset()
        with pytest.raises(TypeError):
            conn.query(7)
        cursor.execute("SELECT 1")
    assert pool.query("SELECT 1 AS one") == ONE
    assert pool.stats().opened == 1


# -- transactions --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent, opens",
    [
        (b"BEGIN", True),
        (b"/* x */ start transaction read only", True),
        (b"INSERT INTO t VALUES (1); BEGIN", True),
        (b"COMMIT AND CHAIN", True),
        (b"COMMIT", False),
        (b"INSERT INTO t VALUES (1); ROLLBACK", False),
        (b"ROLLBACK TO SAVEPOINT a", None),
        (b"SELECT 1", None),
        (b"SELECT 'begin'", None),
        (b"SELECT beginning FROM t", None),
    ],
)
def test_what_a_text_tells_of_transactions(sent: bytes, opens: bool | None) -> None:
    from thawpool.drivers.mysqlclient.connection import turn_of

    assert turn_of(sent) is opens


@pytest.fixture
def table(mariadb: MariaDB, make: MakePool) -> Iterator[str]:
    pool = make(mariadb.url())
    pool.execute("CREATE TABLE mysqlclient_rows (n int) ENGINE=InnoDB")
    yield "mysqlclient_rows"
    pool.execute("DROP TABLE mysqlclient_rows")


def by_text(conn: Any, table: str) -> None:
    conn.cursor().execute("BEGIN")
    conn.cursor().execute(f"INSERT INTO {table} VALUES (1)")


def by_method(conn: Any, table: str) -> None:
    conn.begin()
    conn.cursor().execute(f"INSERT INTO {table} VALUES (1)")


def chained(conn: Any, table: str) -> None:
    conn.query("BEGIN")
    conn.query("COMMIT AND CHAIN")
    conn.query(f"INSERT INTO {table} VALUES (1)")


@pytest.mark.parametrize("leave", [by_text, by_method, chained])
def test_a_transaction_left_open_is_rolled_back(
    make: MakePool, link: StaleProxy, table: str, leave: Callable[[Any, str], None]
) -> None:
    pool = make()
    pool.warm(1)
    link.clear()
    with pool.connection() as conn:
        leave(conn, table)
    assert b"ROLLBACK" in link.sent
    assert pool.query(f"SELECT n FROM {table}") == []
    assert pool.stats().opened == 1


def test_one_that_is_ended_costs_nothing(make: MakePool, link: StaleProxy, table: str) -> None:
    pool = make()
    pool.warm(1)
    link.clear()
    with pool.connection() as conn:
        by_text(conn, table)
        conn.commit()
        by_text(conn, table)
        conn.rollback()
    assert link.sent.count(b"ROLLBACK") == 1
    assert pool.query(f"SELECT n FROM {table}") == [{"n": 1}]


def test_what_is_in_parameters_tells_nothing(make: MakePool, link: StaleProxy) -> None:
    pool = make()
    pool.warm(1)
    link.clear()
    for text in ("'; BEGIN", "'; BEGIN " * 10_000):
        assert pool.query("SELECT LENGTH(%s) AS n", (text,)) == [{"n": len(text)}]
        with pool.connection() as conn, conn.cursor() as cursor:
            cursor.execute("SELECT %s", (text,))
            assert cursor.fetchall() == ((text,),)
            assert not conn.transacting()
    assert b"ROLLBACK" not in link.sent


def test_without_autocommit(make: MakePool, table: str, caplog: pytest.LogCaptureFixture) -> None:
    pool = make()
    with pool.connection() as conn:
        conn.autocommit(False)
        conn.cursor().execute(f"INSERT INTO {table} VALUES (1)")
        assert conn.transacting()
        conn.commit()
        assert not conn.transacting()
    assert caplog.text == ""
    with pool.connection() as conn:
        assert conn.get_autocommit()
        conn.autocommit(False)
        conn.cursor().execute(f"INSERT INTO {table} VALUES (2)")
        conn.autocommit(True)
        assert not conn.transacting()
        conn.autocommit(False)
        conn.cursor().execute(f"INSERT INTO {table} VALUES (3)")
    assert "transaction open" in caplog.text
    assert pool.query(f"SELECT n FROM {table}") == [{"n": 1}, {"n": 2}]
    assert pool.stats().opened == 1


# -- client-side state ---------------------------------------------------------------------------


@pytest.mark.parametrize("reset", ["dirty", "never"])
def test_the_character_set_is_the_same_on_both_sides(make: MakePool, reset: str) -> None:
    """What is escaped by one and read by another lets parameters out of their quotes."""
    pool = make(reset=reset)
    changes: tuple[Callable[[Any], Any], ...] = (
        lambda conn: conn.set_character_set("gbk"),
        lambda conn: conn.set_character_set("latin1", "latin1_german2_ci"),
        lambda conn: reset == "never" or conn.query("SET NAMES gbk"),
        lambda conn: setattr(conn, "encoding", "latin1"),
    )
    for change in changes:
        with pool.connection() as conn:
            change(conn)
        with pool.connection() as conn:
            assert (conn.encoding, conn.character_set_name()) == ("utf8", "utf8mb4")
            with conn.cursor() as cursor:
                cursor.execute("SELECT %s, @@character_set_client, @@character_set_results", ("grüße 🐬",))
                assert cursor.fetchall() == (("grüße 🐬", "utf8mb4", "utf8mb4"),)
    assert pool.stats().opened == 3


def test_tables_and_classes_are_put_back(make: MakePool) -> None:
    pool = make()
    with pool.connection() as conn:
        was = (conn.cursorclass, dict(conn.converter), dict(conn.encoders), conn.executemany_fallback)
        conn.cursorclass = cursor_class("DictCursor")
        conn.converter[3] = str
        conn.encoders[int] = lambda value, encoders: b"7"
        conn.executemany_fallback = "multi"
        with conn.cursor() as cursor:
            cursor.execute("SELECT %s AS n, 8 AS m", (1,))
    with pool.connection() as conn:
        assert (conn.cursorclass, dict(conn.converter), dict(conn.encoders), conn.executemany_fallback) == was
    with pool.connection() as conn:
        conn.converter = {}
    assert pool.query("SELECT %s AS one", (1,)) == ONE
    assert pool.stats().opened == 1


def test_the_user_and_the_database_are_put_back(make: MakePool, mariadb: MariaDB) -> None:
    pool = make()
    pool.execute("CREATE USER other@'127.0.0.1'")
    try:
        with pool.connection() as conn:
            conn.change_user("other", "")
            conn.query("SELECT 1")
            conn.store_result()
        with pool.connection() as conn:
            conn.select_db("mysql")
        assert pool.query("SELECT DATABASE() AS d, SUBSTRING_INDEX(CURRENT_USER(), '@', 1) AS u") == [
            {"d": "test", "u": "root"}
        ]
    finally:
        pool.execute("DROP USER other@'127.0.0.1'")
    assert pool.stats().opened == 1
    nowhere = make(mariadb.url().replace("/test", "/"))
    with nowhere.connection() as conn:
        conn.select_db("mysql")
    assert nowhere.query("SELECT DATABASE() AS d") == [{"d": None}]
    assert nowhere.stats().opened == 1


# -- dials, signals, processes -------------------------------------------------------------------


def test_a_late_dial_ends_at_once(make: MakePool, link: StaleProxy) -> None:
    link.accept_silently()
    pool = make(connect_timeout=10.0)
    pool.stats()
    with nothing_lost(link.port):
        for _ in range(2):
            with pytest.raises(PoolTimeout), at_most(0.4):
                pool.query("SELECT 1", timeout=0.2)
    assert link.accepted == 2
    link.resume()
    assert pool.query("SELECT 1 AS one") == ONE
    eventually(lambda: link.connections == 1, "the end of the late ones")


def test_one_that_is_not_even_connected_is_waited_for(make: MakePool, packets_dropped: FullBacklog) -> None:
    pool = make(f"mysql://root@127.0.0.1:{packets_dropped.port}/test", connect_timeout=10.0)
    pool.stats()
    for _ in range(2):
        with pytest.raises(PoolTimeout), at_most(0.4):
            pool.query("SELECT 1", timeout=0.2)
    driver: Any = pool._driver
    assert len(driver.dialer._stragglers) == 1


def test_its_password_is_in_no_traceback(make: MakePool, link: StaleProxy, mariadb: MariaDB) -> None:
    link.refuse()
    pool = make(link.url(mariadb.url(password="hunter2")), connect_timeout=0.2)
    with pytest.raises((PoolTimeout, ConnectFailed)) as caught:
        pool.query("SELECT 1", timeout=0.2)
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert "hunter2" not in "".join(shown.format())


def test_localhost_is_the_port_that_the_url_names(make: MakePool, link: StaleProxy, mariadb: MariaDB) -> None:
    """For the library it means a Unix socket, whatever the port."""
    pool = make(link.url(mariadb.url()).replace("127.0.0.1", "localhost"))
    assert pool.query("SELECT 1 AS one") == ONE
    assert link.connections == 1


def test_ctrl_c_during_a_statement(make: MakePool) -> None:
    pool = make()
    pool.warm(1)
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt), at_most(0.5):
        pool.query("SELECT SLEEP(3)")
    timer.join()
    assert pool.query("SELECT 1 AS one") == ONE
    at_rest(pool)


def test_a_session_that_was_killed_is_known_to_be_lost(make: MakePool) -> None:
    pool = make(max_size=2)
    with pool.connection() as conn:
        pool.execute(f"KILL {conn.thread_id()}")
        with pytest.raises(library_error()):
            conn.cursor().execute("SELECT 1")
        assert not conn.alive()
    assert pool.stats().retired["lost"] == 1


def test_another_thread_is_refused_and_does_no_harm(make: MakePool) -> None:
    """The library serves one thread at a time, and says so."""
    pool = make()
    with pool.connection() as conn:
        asleep = threading.Thread(target=lambda: conn.cursor().execute("SELECT SLEEP(0.3)"))
        asleep.start()
        eventually(lambda: conn.running, "the statement")
        refused = False
        while asleep.is_alive() and not refused:
            try:
                conn.thread_id()
            except library_error():
                refused = True
        asleep.join()
    assert pool.query("SELECT 1 AS one") == ONE


def test_a_fork_in_the_middle_of_a_statement(mariadb: MariaDB) -> None:
    code = """
    import os, signal, sys, threading, warnings
    from thawpool import Pool

    warnings.filterwarnings("ignore", message=".*multi-threaded", category=DeprecationWarning)
    signal.alarm(30)
    pool = Pool(sys.argv[1], max_size=2)
    pool.warm(2)
    asleep = threading.Thread(target=lambda: say(pool.query("SELECT 'parent' AS a, SLEEP(1)")[0]["a"]))
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
    with Child(code, named(mariadb.url())) as child:
        assert [child.hear() for _ in range(4)] == ["3", "parent", "still", "2"]
        _, complaint = child.process.communicate(timeout=10)
        assert complaint == ""
