"""The launcher starts MySQL as it does MariaDB, where there is one: what only MySQL does differently."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pymysql
import pytest
from pymysql.err import OperationalError
from tests.support.waiting import eventually

from thawpool.testing._home import home
from thawpool.testing.mariadb import MariaDB, find_mysql

pytestmark = pytest.mark.needs("mysql")


@pytest.fixture(scope="module")
def mysql_tls() -> Iterator[MariaDB]:
    """MySQL with TLS and passwords, for all tests of this file: none may stop it or leave anything in it."""
    with MariaDB(find_mysql(), tls=True, auth="password") as server:
        yield server


@pytest.fixture
def own_mysql() -> Iterator[MariaDB]:
    """A fresh MySQL without either, for this test alone: to stop, kill or pause."""
    with MariaDB(find_mysql()) as server:
        yield server


def password(server: MariaDB) -> str:
    return server.url().removeprefix("mysql://root:").partition("@")[0]


def connect(server: MariaDB, **options: Any) -> Any:
    where = {"host": "127.0.0.1", "port": server.port, "user": "root", "database": "test"}
    return pymysql.connect(**where | options, autocommit=True)


def ask(conn: Any, sql: str) -> Any:
    with conn.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()


def value(server: MariaDB, sql: str, **options: Any) -> Any:
    with closing(connect(server, **options)) as conn:
        row = ask(conn, sql)
        return row[-1] if row else None


def test_it_is_mysql_and_says_so(mysql: MariaDB) -> None:
    assert mysql.flavour == "mysql"
    assert mysql.version >= (8,)
    assert value(mysql, "SELECT version()").startswith(".".join(map(str, mysql.version)))
    assert repr(mysql).startswith("<MySQL ")


def test_root_comes_by_tcp_and_nobody_else_comes(mysql: MariaDB) -> None:
    assert value(mysql, "SELECT current_user()") == "root@127.0.0.1"
    users = "SELECT group_concat(DISTINCT user) FROM mysql.user WHERE account_locked = 'N'"
    assert value(mysql, users) == "root"
    with pytest.raises(OperationalError, match="Access denied"):
        connect(mysql, user="somebody")


def test_it_never_runs_as_root(mysql: MariaDB) -> None:
    account = home().account
    process = Path(f"/proc/{mysql.pid}")
    if account is not None and process.exists():
        assert process.stat().st_uid == account.uid != 0


def test_a_password_goes_by_the_method_that_is_mysqls_own(mysql_tls: MariaDB) -> None:
    plugin = "SELECT plugin FROM mysql.user WHERE user = 'root' AND host = '127.0.0.1'"
    assert value(mysql_tls, plugin, password=password(mysql_tls)) == "caching_sha2_password"
    for wrong in ("", "wrong"):
        with pytest.raises(OperationalError, match="Access denied"):
            connect(mysql_tls, password=wrong)
    assert password(mysql_tls) not in repr(mysql_tls) + mysql_tls.log


@pytest.mark.parametrize("tls", [True, False])
def test_a_password_is_taken_once_before_the_server_remembers_it(mysql_tls: MariaDB, tls: bool) -> None:
    """The first login sends the password itself, under TLS or under the server's RSA key; later ones a digest."""
    trusting = ssl.create_default_context(cafile=mysql_tls.ca_file)
    how = {"ssl": trusting} if tls else {"ssl_disabled": True}
    options = {"password": password(mysql_tls), **how}
    value(mysql_tls, "FLUSH PRIVILEGES", **options)  # it forgets
    for _ in range(2):
        assert value(mysql_tls, "SHOW STATUS LIKE 'Ssl_version'", **options).startswith("TLS") == tls


def test_tls_is_vouched_for_by_ca_file(mysql_tls: MariaDB) -> None:
    trusting = ssl.create_default_context(cafile=mysql_tls.ca_file)
    assert value(mysql_tls, "SELECT 1", host="localhost", ssl=trusting, password=password(mysql_tls)) == 1
    with pytest.raises(OperationalError, match="CERTIFICATE_VERIFY_FAILED"):
        connect(mysql_tls, ssl=ssl.create_default_context(), password=password(mysql_tls))


def test_there_is_no_tls_unless_asked_for(mysql: MariaDB) -> None:
    with pytest.raises(OperationalError, match="SSL"):
        connect(mysql, ssl=ssl.create_default_context())


def test_settings_reach_the_server() -> None:
    with MariaDB(find_mysql(), settings={"max_connections": "20"}) as server:
        assert value(server, "SELECT @@max_connections") == 20


def test_restart_and_crash_keep_port_and_data(own_mysql: MariaDB) -> None:
    port = own_mysql.port
    value(own_mysql, "CREATE TABLE kept (n int PRIMARY KEY)")
    own_mysql.restart()
    with closing(connect(own_mysql)) as conn:
        ask(conn, "INSERT INTO kept VALUES (7)")
        ask(conn, "BEGIN")
        ask(conn, "INSERT INTO kept VALUES (8)")
        own_mysql.kill()
        with pytest.raises(OperationalError):
            ask(conn, "SELECT 1")
    own_mysql.start()
    assert own_mysql.port == port
    assert value(own_mysql, "SELECT group_concat(n) FROM kept") == "7"


def test_a_paused_server_answers_when_resumed(own_mysql: MariaDB) -> None:
    with closing(connect(own_mysql, read_timeout=0.2)) as hasty, closing(connect(own_mysql)) as patient:
        own_mysql.pause()
        with pytest.raises(OperationalError, match="timed out"):
            ask(hasty, "SELECT 1")
        own_mysql.resume()
        assert ask(patient, "SELECT 1") == (1,)
        own_mysql.pause()
    own_mysql.close()
    assert not own_mysql.running


def test_a_stop_that_is_not_waited_for_ends_all_the_same(own_mysql: MariaDB) -> None:
    own_mysql.stop(timeout=0)
    eventually(lambda: not own_mysql.running, "the server's end", within=30)
