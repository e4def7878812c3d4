"""What only mysql.connector has: its cursors, its own ways to lose step with the server, its client-side state."""

from __future__ import annotations

import hashlib
import inspect
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from typing import Any

import pymysql
import pytest
from mysql.connector import Error, InterfaceError, MySQLConnection, network
from mysql.connector.abstracts import MySQLConnectionAbstract
from mysql.connector.authentication import MySQLAuthenticator
from mysql.connector.constants import ClientFlag
from mysql.connector.cursor import MySQLCursor
from tests.support.stale_proxy import StaleProxy

from thawpool import ConnectFailed, LeaseError, Pool
from thawpool.drivers.mysqlconnector.connection import Connection, Protocol
from thawpool.testing.mariadb import MariaDB

pytestmark = pytest.mark.needs("mariadb")

#: What is done in other words by ``Stream`` and ``Connection``, or relied on by them.
READ: dict[Callable[..., Any], str] = {
    network.MySQLSocket.send: "c7a7748d527fb375",
    network.MySQLSocket.recv: "07f514f873273938",
    network.MySQLSocket.switch_to_ssl: "56a7ad078c5577fc",
    network.NetworkBrokerPlain.send: "a45284b11cdb96de",
    network.NetworkBrokerPlain.recv: "a68f067e68db854f",
    MySQLConnectionAbstract._post_connection: "52b2cad41f8d8375",
    MySQLConnectionAbstract.connect: "caab3ce731ced921",
    MySQLConnection._add_default_conn_attrs: "877725ec2c516fae",
    MySQLConnection._get_connection: "1a7fef3e55f738a5",
    MySQLConnection._do_handshake: "18fd880a0a75e857",
    MySQLConnection._do_auth: "f7922808e5e164a7",
    MySQLConnection._open_connection: "f8fc962d7e118b9f",
    MySQLConnection._send_cmd: "e100df4d8e0de043",
    MySQLConnection._handle_server_status: "a28c8a36e68d9397",
    MySQLConnection._handle_ok: "9d1492c69a13b9cc",
    MySQLConnection._handle_eof: "347de2d47e9ba74c",
    MySQLConnection._handle_result: "e23157b87a3df0d4",
    MySQLConnection._handle_binary_result: "0e87e711ba734390",
    MySQLConnection.cmd_query_iter: "c0669a6f831ee764",
    MySQLConnection.cmd_change_user: "a6ff10f0e60171bd",
    MySQLConnection.cmd_reset_connection: "e93f34c8632643fe",
    MySQLConnection.get_rows: "fa1ea665e9f5fea9",
    MySQLConnection.close: "750e641a0cf20fc5",
    MySQLConnection.cursor: "ad462aeddeb0d030",
    MySQLAuthenticator.authenticate: "ecf5ad98c1e01936",
    MySQLCursor._process_params: "0dde4d247f86ed26",
}


def fingerprint(function: Callable[..., Any]) -> str:
    return hashlib.sha256(inspect.getsource(function).encode()).hexdigest()[:16]


@pytest.mark.parametrize("function", READ, ids=lambda function: function.__qualname__)
def test_the_library_does_what_it_did(function: Callable[..., Any]) -> None:
    """When a new release fails here, read what it changed beside ours, and then write down the new fingerprint."""
    assert fingerprint(function) == READ[function]


@pytest.fixture
def url(mariadb: MariaDB) -> str:
    return mariadb.url().replace("mysql:", "mysql+mysqlconnector:")


@pytest.fixture
def pool(url: str) -> Iterator[Pool]:
    """A pool of one connection."""
    with Pool(url, max_size=1) as pool:
        yield pool


def value(conn: Any, sql: str, *params: Any) -> Any:
    with closing(conn.cursor()) as cursor:
        cursor.execute(sql, params or None)
        return cursor.fetchall()[0][0]


# -- cursors -------------------------------------------------------------------------------------


@pytest.mark.parametrize("buffered", [False, True])
def test_every_kind_of_cursor(pool: Pool, buffered: bool) -> None:
    with pool.connection() as conn:
        kinds: list[tuple[dict[str, Any], Any]] = [
            ({}, (1, "a")),
            ({"dictionary": True}, {"n": 1, "t": "a"}),
            ({"raw": True}, (b"1", b"a")),
        ]
        for options, expected in kinds:
            with conn.cursor(buffered=buffered, **options) as cursor:
                cursor.execute("SELECT %s AS n, %s AS t", (1, "a"))
                assert isinstance(cursor, MySQLCursor)
                assert cursor.fetchone() == expected
                assert cursor.fetchone() is None
        with pytest.raises(ValueError, match="Cursor not available"):
            conn.cursor(raw=True, dictionary=True)
    assert pool.stats().opened == 1


def test_a_cursor_costs_no_round_trip(mariadb: MariaDB, url: str) -> None:
    """The library asks the server first whether it is there."""
    with StaleProxy("127.0.0.1", mariadb.port, record=True) as link, Pool(link.url(url), max_size=1) as pool:
        with pool.connection() as conn:
            link.clear()
            with closing(conn.cursor()) as cursor:
                cursor.execute("SELECT 1")
                assert cursor.fetchall() == [(1,)]
            assert link.chunks_up == 1
            assert conn.is_connected()
            assert link.chunks_up == 2
            conn.close()
            assert not conn.is_connected()
            with pytest.raises(Error, match="not available"):
                conn.cursor()


def test_a_prepared_cursor_owes_a_reset(pool: Pool) -> None:
    count = "SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'"
    with pool.connection() as conn:
        before = rows(conn, count)
        cursor = conn.cursor(prepared=True)
        for number in range(3):
            cursor.execute("SELECT %s + 1 AS n", (number,))
            assert cursor.fetchall() == [(number + 1,)]
        assert rows(conn, count) != before
    with pool.connection() as conn:
        assert rows(conn, count) == before
    assert (pool.stats().opened, pool.stats().retired) == (1, {})


def test_several_statements_and_a_procedure(mariadb: MariaDB, pool: Pool) -> None:
    """The pool's verbs answer with the first result; a cursor has them all."""
    pool.execute("CREATE OR REPLACE PROCEDURE two(IN n INT) BEGIN SELECT n AS a; SELECT n + 1 AS b; END")
    try:
        assert pool.query("CALL two(%s)", (1,)) == [{"a": 1}]
        assert pool.query("SELECT 1 AS n; SELECT 2 AS n") == [{"n": 1}]
        with pytest.raises(Error, match="no_such"):
            pool.query("SELECT 1 AS n; SELECT n FROM no_such")
        with pool.connection() as conn:
            with conn.cursor() as cursor:
                cursor.execute("SELECT 1; SELECT 2")
                assert cursor.fetchall() == [(1,)]
                assert cursor.nextset()
                assert cursor.fetchall() == [(2,)]
                assert not cursor.nextset()
                cursor.callproc("two", (5,))
                assert len(cursor._stored_results) == 2
    finally:
        pool.execute("DROP PROCEDURE two")
    assert (pool.stats().opened, pool.stats().retired) == (1, {})


@pytest.mark.parametrize(
    "leave",
    [
        lambda cursor: cursor.execute("SELECT 1 UNION SELECT 2"),
        lambda cursor: (cursor.execute("SELECT 1 UNION SELECT 2"), cursor.fetchone()),
        lambda cursor: (cursor.execute("SELECT 1; SELECT 2"), cursor.fetchall()),
    ],
    ids=["a result", "half a result", "the next result"],
)
def test_what_is_left_unread_is_left_to_nobody(pool: Pool, leave: Callable[[Any], object]) -> None:
    with pool.connection() as conn:
        cursor = conn.cursor()
        leave(cursor)
    assert pool.query("SELECT 'mine' AS whose") == [{"whose": "mine"}]
    assert pool.stats().retired == {"busy": 1}


def test_a_verb_beside_a_half_read_result_is_refused_and_hides_nothing(pool: Pool) -> None:
    """What was announced and not sent does not vouch for what comes next."""
    with pool.transaction() as tx:
        cursor = tx.connection.cursor()
        cursor.execute("SELECT 1 UNION SELECT 2")
        with pytest.raises(Error, match="Unread result"):
            tx.query("SELECT 3")
        cursor.fetchall()
        with pytest.raises(TypeError, match="cannot be converted"):
            tx.query("SELECT %s", (object(),))
        cursor.execute("SET @mine = 7")
    with pool.connection() as conn:
        assert value(conn, "SELECT @mine") is None


# -- out of step with the server -----------------------------------------------------------------


def test_a_connection_never_connects_again_by_itself(mariadb: MariaDB, pool: Pool) -> None:
    with pool.connection() as conn:
        conn.ping(reconnect=True)
        number = conn.connection_id
        kill(mariadb, number)
        with pytest.raises(InterfaceError, match="take another one from the pool"):
            conn.ping(reconnect=True)
        with pytest.raises(InterfaceError, match="take another one from the pool"):
            conn.connect()
    assert pool.query("SELECT 1 AS n") == [{"n": 1}]
    assert pool.stats().opened == 2


def test_another_users_session_is_not_lent_on(pool: Pool, mariadb: MariaDB) -> None:
    with pool.connection() as conn:
        conn.cmd_change_user("root", "", "mysql")
        assert value(conn, "SELECT database()") == "mysql"
    assert pool.query("SELECT database() AS d") == [{"d": "test"}]
    assert pool.stats().opened == 2


def test_a_server_that_says_why_it_hangs_up(mariadb: MariaDB, pool: Pool) -> None:
    """It may say so in a packet before the end, which is an answer to nothing."""
    with pool.connection() as conn:
        kill(mariadb, conn.connection_id)
        with pytest.raises(Error), conn.cursor() as cursor:
            cursor.execute("SELECT 1")
    assert pool.stats().total == 0
    assert pool.stats().retired == {"lost": 1}


def kill(mariadb: MariaDB, number: int) -> None:
    with closing(pymysql.connect(host="127.0.0.1", port=mariadb.port, user="root")) as conn:
        conn.query(f"KILL {number}")


def test_packets_of_more_than_16_megabytes(own_mariadb: MariaDB) -> None:
    """Which are sent in parts."""
    with Pool(own_mariadb.url().replace("mysql:", "mysql+mysqlconnector:"), max_size=1) as pool:
        pool.execute("SET GLOBAL max_allowed_packet = 67108864")
        pool.expire()
        for size in (2**24 - 100, 2**24 + 100):
            text = "x" * size
            with pool.connection() as conn, conn.cursor() as cursor:
                cursor.execute("SELECT %s AS t, 7 AS n", (text,))
                assert cursor.fetchall() == [(text, 7)]


# -- what a borrower sets ------------------------------------------------------------------------


def test_what_a_borrower_sets_is_put_back(pool: Pool) -> None:
    names = (
        "raise_on_warnings",
        "can_consume_results",
        "use_unicode",
        "charset",
        "get_warnings",
        "query_attrs",
    )
    with pool.connection() as conn:
        before = {name: getattr(conn, name) for name in names}
        conn.raise_on_warnings = True
        conn.can_consume_results = True
        conn.use_unicode = False
        conn.set_charset_collation("latin1")
        conn.autocommit = False
    with pool.connection() as conn:
        assert {name: getattr(conn, name) for name in names} == before
        assert conn.autocommit
        assert value(conn, "SELECT 'grüße 🐘' AS t") == "grüße 🐘"
        assert value(conn, "SELECT %s", "grüße 🐘") == "grüße 🐘"
    assert (pool.stats().opened, pool.stats().retired) == (1, {})


def test_attributes_of_queries_that_are_put_in_place(pool: Pool) -> None:
    with pool.connection() as conn:
        conn.query_attrs_append(("mine", 7))
    with pool.connection() as conn:
        assert conn.query_attrs == []
        conn.query_attrs_append(("mine", 7))
        conn.query_attrs_clear()
    with pool.connection() as conn:
        assert conn.query_attrs == []
    assert pool.stats().opened == 1


@pytest.mark.parametrize("mode", ["", "NO_BACKSLASH_ESCAPES"])
def test_parameters_are_quoted_as_the_server_reads_them(pool: Pool, mode: str) -> None:
    """The library asks the server once and believes it for ever; a statement may change it, and a reset does."""
    text = "\\' OR 1=1 -- \n"
    with pool.transaction() as tx:
        tx.execute(f"SET sql_mode = '{mode}'")
        assert tx.query("SELECT %s AS t, %s AS n", (text, Decimal("1.50"))) == [
            {"t": text, "n": Decimal("1.50")}
        ]
        assert value(tx.connection, "SELECT %s", text) == text
    with pool.connection() as conn:
        assert value(conn, "SELECT %s", text) == text
    assert pool.query("SELECT %s AS t", (text,)) == [{"t": text}]


def test_whoever_closes_a_connection_after_its_return_is_told(pool: Pool) -> None:
    with pool.connection() as conn:
        cursor = conn.cursor()
    for use in (
        conn.close,
        conn.shutdown,
        conn.cmd_ping,
        conn.reset_session,
        lambda: cursor.execute("SELECT 1"),
    ):
        with pytest.raises(LeaseError):
            use()
    assert pool.query("SELECT 1 AS n") == [{"n": 1}]
    assert pool.stats().opened == 1


def test_the_password_is_not_kept(mariadb_tls: MariaDB) -> None:
    url = mariadb_tls.url().replace("mysql:", "mysql+mysqlconnector:")
    password = url.partition("://")[2].partition("@")[0].partition(":")[2]
    assert password
    with Pool(url) as pool, pool.connection() as conn:
        authenticator = conn._authenticator
        told = repr([vars(conn), vars(authenticator), vars(conn._socket)])
        assert password not in told
        assert authenticator._auth_strategy is None


def test_a_session_that_its_borrower_resets_is_as_at_the_dial(mariadb: MariaDB, url: str) -> None:
    shown = "SELECT concat(@@character_set_client, @@autocommit + 0)"
    with Pool(f"{url}?charset=latin1", max_size=1) as pool, pool.connection() as conn:
        before = value(conn, shown)
        conn.reset_session()
        assert value(conn, shown) == before == "latin11"
        assert value(conn, "SELECT %s", "grüße") == "grüße"


@pytest.mark.parametrize(
    "greeting", [b"\5\0\0\0\x0aabc\0", b"\1\0\0\0\xff", b"\0\0\0\0", b"SSH-2.0-OpenSSH\r\n"]
)
def test_what_does_not_speak_mysql(greeting: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with server.accept()[0] as conn:
                conn.sendall(greeting)

        thread = threading.Thread(target=serve)
        thread.start()
        where = f"mysql+mysqlconnector://me@127.0.0.1:{server.getsockname()[1]}/x?sslmode=disable"
        with Pool(where) as pool, pytest.raises(ConnectFailed):
            pool.query("SELECT 1", timeout=5)
        thread.join()


class Recorder:
    """In the place of a stream: what would be sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def send(self, payload: bytes, *_: Any, **__: Any) -> None:
        self.sent.append(payload)
        raise InterfaceError

    def close_connection(self) -> None:
        pass


@pytest.mark.parametrize("supported", [False, True])
def test_the_text_in_a_command(supported: bool) -> None:
    """MySQL, as MariaDB does not, takes attributes before it."""
    conn: Any = Connection()
    conn._protocol, conn._socket = Protocol(), Recorder()
    if supported:
        conn._client_flags |= ClientFlag.CLIENT_QUERY_ATTRIBUTES
        conn._query_attrs_supported = True

    def text(command: Callable[..., Any], *args: Any) -> bytes | None:
        with pytest.raises(InterfaceError):
            list(command(*args) or ())
        found: bytes | None = conn.text_of(conn._socket.sent.pop())
        return found

    for command in (conn.cmd_query, conn.cmd_query_iter):
        assert text(command, "SELECT 1") == b"SELECT 1"
    assert text(conn.cmd_ping) == b""
    assert text(conn.cmd_init_db, "x") is None
    if supported:
        conn.query_attrs_append(("mine", "SET @a = 1"))
        assert text(conn.cmd_query, "SELECT 1") is None


def test_no_warning_of_what_will_be_gone(mariadb_tls: MariaDB) -> None:
    url = mariadb_tls.url(sslmode="require").replace("mysql:", "mysql+mysqlconnector:")
    program = f"""
from thawpool import Pool
with Pool({url!r}) as pool:
    print(pool.query("SELECT 1 AS n"))
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("[{'n': 1}]\n", "")


def rows(conn: Any, sql: str) -> Any:
    with closing(conn.cursor()) as cursor:
        cursor.execute(sql)
        return cursor.fetchall()
