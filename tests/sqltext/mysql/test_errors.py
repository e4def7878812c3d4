"""What errors mean, learned from a real MariaDB; and of what only MySQL says, from its manual."""

from __future__ import annotations

import select
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, TypeAlias

import pymysql
import pytest
from tests.sqltext.mysql.sessions import ask, opened
from tests.support.waiting import eventually

from thawpool.drivers._mysql import ROLLED_BACK, Fault, classify, condemns, explain, unsent
from thawpool.testing.mariadb import MariaDB

USER = "sqltext_app"
#: Longer than any step here takes, in seconds.
LONG = 10.0
FULL = Fault.OVERLOADED | Fault.UNSENT
Open: TypeAlias = Callable[..., Any]


@pytest.fixture(scope="module")
def server() -> Iterator[MariaDB]:
    """A small server to spoil, with an account that has few rights, and a table."""
    with MariaDB(settings={"max_connections": "10", "max_user_connections": "10"}) as server:
        with opened(server) as admin:
            ask(admin, f"CREATE USER {USER}@127.0.0.1")
            ask(admin, f"GRANT ALL ON test.* TO {USER}@127.0.0.1")
            ask(admin, "CREATE TABLE t (id int PRIMARY KEY, a int)")
            ask(admin, "INSERT INTO t VALUES (1, 1), (2, 2)")
        yield server


@pytest.fixture
def open_session(server: MariaDB) -> Iterator[Open]:
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(opened(server, **options))


def error_of(do: Callable[[], object]) -> tuple[int, str]:
    """Number and text of the error that it raises."""
    with pytest.raises(pymysql.MySQLError) as caught:
        do()
    number, text = caught.value.args
    return number, text


def refusal_of(server: MariaDB, **options: Any) -> tuple[int, str]:
    """Number and text with which a connection is refused."""

    def dial() -> None:
        with opened(server, **{"user": USER} | options):
            pass

    return error_of(dial)


@pytest.mark.parametrize(
    "options, number",
    [
        ({"user": "nobody_such"}, 1045),
        ({"password": "wrong"}, 1045),
        ({"database": "no_such"}, 1044),
        ({"user": "root", "database": "no_such"}, 1049),
        ({"database": "mysql"}, 1044),
    ],
)
def test_who_or_what_is_not_there_is_hopeless(server: MariaDB, options: dict[str, str], number: int) -> None:
    told = refusal_of(server, **options)
    assert told[0] == number
    assert classify(*told) == Fault.HOPELESS


@pytest.mark.parametrize(
    "change, number",
    [("ACCOUNT LOCK", 4151), ("IDENTIFIED VIA unix_socket", 1698), ("REQUIRE SSL", 1045)],
)
def test_an_account_that_cannot_log_in_is_hopeless(
    server: MariaDB, open_session: Open, change: str, number: int
) -> None:
    ask(open_session(), f"CREATE OR REPLACE USER other@127.0.0.1 {change}")
    told = refusal_of(server, user="other", database=None)
    assert told[0] == number
    assert classify(*told) == Fault.HOPELESS


def test_an_account_that_must_change_its_password_is_hopeless(server: MariaDB, open_session: Open) -> None:
    ask(open_session(), "CREATE OR REPLACE USER other@127.0.0.1 PASSWORD EXPIRE")
    told = error_of(lambda: ask(open_session(user="other", database=None), "SELECT 1"))
    assert told[0] == 1820
    assert classify(*told) == Fault.HOPELESS


def test_an_account_blocked_after_wrong_passwords_is_hopeless(server: MariaDB, open_session: Open) -> None:
    admin = open_session()
    ask(admin, "CREATE OR REPLACE USER other@127.0.0.1 IDENTIFIED BY 'right'")
    before = ask(admin, "SELECT @@global.max_password_errors")[0][0]
    ask(admin, "SET GLOBAL max_password_errors = 1")
    try:
        wrong = {"user": "other", "password": "wrong", "database": None}
        assert [refusal_of(server, **wrong)[0], refusal_of(server, **wrong)[0]] == [1045, 4150]
    finally:
        ask(admin, f"SET GLOBAL max_password_errors = {before}")
    assert classify(4150) == Fault.HOPELESS


@pytest.mark.parametrize(
    "sql, number",
    [
        ("SET no_such = 1", 1193),
        ("SET GLOBAL max_connections = 5", 1227),
        ("SET sql_mode = 'no_such'", 1231),
        ("SET wait_timeout = 'x'", 1232),
        ("SET NAMES no_such", 1115),
        ("SET NAMES utf8mb4 COLLATE no_such", 1273),
    ],
)
def test_a_session_that_cannot_be_set_up_so_is_hopeless(open_session: Open, sql: str, number: int) -> None:
    told = error_of(lambda: ask(open_session(user=USER), sql))
    assert told[0] == number
    assert classify(*told) == Fault.HOPELESS


def test_a_full_server_is_overloaded(server: MariaDB, open_session: Open) -> None:
    with ExitStack() as stack, pytest.raises(pymysql.MySQLError) as caught:
        for _ in range(15):  # one more than max_connections is kept for the superuser
            stack.enter_context(opened(server))
    assert caught.value.args[0] == 1040
    assert classify(*caught.value.args) == FULL


def test_an_account_that_has_all_it_may_have_is_overloaded(server: MariaDB, open_session: Open) -> None:
    admin = open_session()
    own_limit = f"ALTER USER {USER}@127.0.0.1 WITH MAX_USER_CONNECTIONS"

    def refusal_of_a_second() -> tuple[int, str]:
        sessions = f"SELECT count(*) FROM information_schema.processlist WHERE user = '{USER}'"
        eventually(lambda: ask(admin, sessions) == ((0,),))
        with opened(server, user=USER):
            return refusal_of(server)

    try:
        ask(admin, f"{own_limit} 1")
        told = refusal_of_a_second()
        assert told[0] == 1226
        assert classify(*told) == FULL
        ask(admin, f"{own_limit} 0")
        ask(admin, "SET GLOBAL max_user_connections = 1")
        told = refusal_of_a_second()
        assert told[0] == 1203
        assert classify(*told) == FULL
    finally:
        ask(admin, "SET GLOBAL max_user_connections = 10")
        ask(admin, f"{own_limit} 0")


def test_a_host_that_is_not_admitted_is_hopeless(own_mariadb: MariaDB) -> None:
    with opened(own_mariadb) as admin:
        ask(
            admin,
            "UPDATE mysql.global_priv SET host = '127.0.0.9' WHERE host NOT IN ('127.0.0.9', 'localhost')",
        )
        ask(admin, "FLUSH PRIVILEGES")
    told = refusal_of(own_mariadb)
    assert told[0] == 1130
    assert classify(*told) == Fault.HOPELESS


def hangs_up(conn: Any) -> None:
    """Wait until the server has ended the session."""
    poll = select.poll()
    poll.register(conn._sock, select.POLLIN)
    assert poll.poll(LONG * 1000)


@pytest.mark.parametrize(
    "prepare",
    [
        ["SET wait_timeout = 1"],
        ["SET idle_transaction_timeout = 1", "BEGIN", "SELECT * FROM t"],
    ],
)
def test_a_session_that_lay_idle_for_too_long_is_lost(open_session: Open, prepare: list[str]) -> None:
    conn = open_session()
    for sql in prepare:
        ask(conn, sql)
    hangs_up(conn)
    number, text = error_of(lambda: ask(conn, "SELECT 1"))
    assert number in (2006, 2013)
    assert Fault.LOST in classify(number, text)
    assert not condemns(number, text)


def test_a_killed_session_is_lost(open_session: Open) -> None:
    conn = open_session()
    ask(open_session(), f"KILL {conn.thread_id()}")
    hangs_up(conn)
    number, text = error_of(lambda: ask(conn, "SELECT 1"))
    assert number in (2006, 2013)
    assert Fault.LOST in classify(number, text)


SLOW = "SELECT count(*) FROM seq_1_to_1000000000 a, seq_1_to_1000000000 b"


def is_explained_as_too_slow(told: tuple[int, str]) -> bool:
    return classify(*told) == Fault(0) and "statement_timeout" in (explain(*told) or "")


def test_a_statement_that_took_too_long_is_explained(open_session: Open) -> None:
    conn = open_session()
    ask(conn, "SET max_statement_time = 0.05")
    told = error_of(lambda: ask(conn, SLOW))
    assert told[0] == 1969
    assert is_explained_as_too_slow(told)
    assert ask(conn, "SELECT 1") == ((1,),)


def test_a_statement_that_somebody_cancelled_is_explained(open_session: Open) -> None:
    conn, admin = open_session(), open_session()
    session = conn.thread_id()
    running = f"SELECT info FROM information_schema.processlist WHERE id = {session}"

    def cancel() -> None:
        eventually(lambda: ask(admin, running) == ((SLOW,),))
        ask(admin, f"KILL QUERY {session}")

    thread = threading.Thread(target=cancel)
    thread.start()
    told = error_of(lambda: ask(conn, SLOW))
    thread.join()
    assert told[0] == 1317
    assert is_explained_as_too_slow(told)
    assert ask(conn, "SELECT 1") == ((1,),)


def test_writing_to_a_read_only_server_condemns(open_session: Open) -> None:
    conn, admin = open_session(user=USER), open_session()
    ask(admin, "SET GLOBAL read_only = 1")
    try:
        told = error_of(lambda: ask(conn, "UPDATE t SET a = 3"))
    finally:
        ask(admin, "SET GLOBAL read_only = 0")
    assert told[0] == 1290
    assert condemns(*told)


def test_another_option_that_forbids_a_statement_does_not(open_session: Open) -> None:
    told = error_of(lambda: ask(open_session(), "SELECT 1 INTO OUTFILE '/nowhere/x'"))
    assert told[0] == 1290
    assert classify(*told) == Fault(0)


def test_writing_in_a_read_only_transaction_looks_the_same_as_on_a_standby(open_session: Open) -> None:
    conn = open_session(user=USER)
    ask(conn, "START TRANSACTION READ ONLY")
    told = error_of(lambda: ask(conn, "UPDATE t SET a = 3"))
    assert told[0] == 1792
    assert condemns(*told)


def in_transaction(conn: Any) -> bool:
    return bool(ask(conn, "SELECT @@in_transaction")[0][0])


def test_a_deadlock_rolls_the_transaction_back(open_session: Open) -> None:
    one, two = open_session(), open_session()
    for conn, row in (one, 1), (two, 2):
        ask(conn, "BEGIN")
        ask(conn, f"UPDATE t SET a = 3 WHERE id = {row}")
    failed: list[pymysql.MySQLError] = []

    def cross(conn: Any, row: int) -> None:
        try:
            ask(conn, f"UPDATE t SET a = 4 WHERE id = {row}")
        except pymysql.MySQLError as error:
            failed.append(error)
            assert not in_transaction(conn)

    thread = threading.Thread(target=cross, args=(one, 2))
    thread.start()
    cross(two, 1)
    thread.join()
    assert [error.args[0] for error in failed] == [1213]
    assert 1213 in ROLLED_BACK
    assert classify(1213) == Fault(0)


def test_a_record_that_somebody_changed_rolls_the_transaction_back(open_session: Open) -> None:
    conn, other = open_session(), open_session()
    ask(conn, "SET innodb_snapshot_isolation = 1")
    ask(conn, "BEGIN")
    ask(conn, "SELECT * FROM t")
    ask(other, "UPDATE t SET a = a + 1")
    told = error_of(lambda: ask(conn, "UPDATE t SET a = a + 1"))
    assert told[0] == 1020
    assert told[0] in ROLLED_BACK
    assert not in_transaction(conn)


def test_a_lock_that_took_too_long_to_get_does_not(open_session: Open) -> None:
    conn, other = open_session(), open_session()
    for session in (other, conn):
        ask(session, "BEGIN")
    ask(other, "UPDATE t SET a = 3 WHERE id = 1")
    ask(conn, "UPDATE t SET a = 3 WHERE id = 2")
    ask(conn, "SET innodb_lock_wait_timeout = 0")
    told = error_of(lambda: ask(conn, "UPDATE t SET a = 3 WHERE id = 1"))
    assert told[0] == 1205
    assert told[0] not in ROLLED_BACK
    assert in_transaction(conn)
    assert classify(*told) == Fault(0)


def test_a_statement_too_large_ends_its_session(open_session: Open) -> None:
    conn = open_session()
    number, text = error_of(lambda: ask(conn, f"SELECT '{'x' * 17_000_000}'"))
    assert number in (1153, 2006, 2013)
    assert Fault.LOST in classify(number, text)
    assert Fault.LOST in classify(error_of(lambda: ask(conn, "SELECT 1"))[0])


def test_a_server_that_is_not_there_may_come_back(own_mariadb: MariaDB) -> None:
    own_mariadb.kill()
    told = refusal_of(own_mariadb)
    assert told[0] == 2003
    assert classify(*told) == Fault.TRANSIENT


@pytest.mark.parametrize(
    "number, text, fault",
    [
        (None, "", Fault(0)),
        (0, "", Fault(0)),
        (1064, "You have an error in your SQL syntax", Fault(0)),
        (1062, "Duplicate entry '1' for key 'a'", Fault(0)),
        (1053, "Server shutdown in progress", Fault.TRANSIENT | Fault.LOST | Fault.FAILOVER),
        (1927, "Connection was killed", Fault.TRANSIENT | Fault.LOST),
        (1290, "The MySQL server is running with the --super-read-only option so it cannot execute this statement", Fault.FAILOVER),
        (1047, "WSREP has not yet prepared node for application use", Fault.TRANSIENT | Fault.FAILOVER | Fault.UNSENT),
        (1047, "Unknown command", Fault(0)),
        (4031, "The client was disconnected by the server because of inactivity. See wait_timeout and interactive_timeout for configuring this behavior.", Fault.LOST | Fault.UNSENT),
        (4031, "Referenced trigger 'x' for the given action time and event type does not exist", Fault(0)),
        (2003, "Can't connect to MySQL server on 'x' ([Errno -2] Name or service not known)", Fault.HOPELESS),
        (2003, "Can't connect to MySQL server on 'x' ([SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed)", Fault.HOPELESS),
        (2003, "Can't connect to MySQL server on 'x' (timed out)", Fault.TRANSIENT),
        (2005, "Unknown server host 'x' (-2)", Fault.HOPELESS),
        (2005, "Unknown server host 'x' (-3)", Fault.TRANSIENT),
        (2026, "TLS/SSL error: self-signed certificate", Fault.HOPELESS),
        (2026, "TLS/SSL error: Connection reset by peer", Fault.TRANSIENT),
        (9501, "Timed-out waiting to acquire database connection", FULL),
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_what_cannot_be_made_to_happen_here(number: int | None, text: str, fault: Fault) -> None:
    assert classify(number, text) == fault
    assert unsent(number, text) == (Fault.UNSENT in fault)
    assert condemns(number, text) == (Fault.FAILOVER in fault)


def test_only_a_statement_that_was_not_sent_whole_is_surely_unsent_when_the_connection_breaks() -> None:
    assert unsent(2006)
    assert not unsent(2013)
    assert not unsent(2055)


@pytest.mark.parametrize(
    "number, text, names",
    [
        (3024, "", "statement_timeout"),
        (4031, "disconnected by the server because of inactivity", "server_idle_timeout"),
        (1129, "", "FLUSH HOSTS"),
    ],
)
def test_explanations_say_what_to_do(number: int, text: str, names: str) -> None:
    assert names in (explain(number, text) or "")


@pytest.mark.parametrize("number, text", [(4031, "Referenced trigger"), (2006, ""), (1064, ""), (None, "")])
def test_what_is_not_ours_is_not_explained(number: int | None, text: str) -> None:
    assert explain(number, text) is None
