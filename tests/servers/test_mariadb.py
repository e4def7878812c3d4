"""The launcher of MariaDB keeps the promises that the one of PostgreSQL makes."""

from __future__ import annotations

import os
import socket
import ssl
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pymysql
import pytest
from tests.support.waiting import eventually

from thawpool.testing import _home
from thawpool.testing.mariadb import MariaDB

pytestmark = pytest.mark.needs("mariadb")


def connect(server: MariaDB, **options: Any) -> Any:
    where = {"host": "127.0.0.1", "port": server.port, "user": "root", "database": "test"}
    return pymysql.connect(**where | options, autocommit=True)


def ask(conn: Any, sql: str) -> Any:
    with conn.cursor() as cursor:
        cursor.execute(sql)
        row = cursor.fetchone()
        return row[0] if row else None


def value(server: MariaDB, sql: str, **options: Any) -> Any:
    with closing(connect(server, **options)) as conn:
        return ask(conn, sql)


def test_a_server_answers_with_its_version(mariadb: MariaDB) -> None:
    assert value(mariadb, "SELECT 1") == 1
    told = value(mariadb, "SELECT version()")
    assert told.startswith(".".join(map(str, mariadb.version)))
    assert ("MariaDB" in told) == (mariadb.flavour == "mariadb")
    assert mariadb.running
    assert str(mariadb.port) in repr(mariadb)


def test_it_listens_on_loopback_only(mariadb: MariaDB) -> None:
    assert value(mariadb, "SELECT @@bind_address") == "127.0.0.1"


def test_the_machines_configuration_is_not_read(mariadb: MariaDB) -> None:
    assert value(mariadb, "SELECT @@datadir") == f"{mariadb.folder}/data/"
    command = Path(f"/proc/{mariadb.pid}/cmdline")
    if command.exists():
        assert command.read_text().split("\0")[1] == "--no-defaults"


def test_the_unix_socket_lies_in_its_folder(mariadb: MariaDB) -> None:
    assert value(mariadb, "SELECT current_user()", unix_socket=f"{mariadb.folder}/socket") == "root@localhost"


def test_its_folder_is_closed_to_others(mariadb: MariaDB) -> None:
    assert stat.S_IMODE(mariadb.folder.stat().st_mode) == 0o700


def test_nobody_but_root_may_come(mariadb: MariaDB) -> None:
    users = "SELECT group_concat(DISTINCT user) FROM mysql.user WHERE user NOT IN ('mariadb.sys')"
    if mariadb.flavour == "mysql":
        users += " AND account_locked = 'N'"
    assert value(mariadb, users) == "root"
    with pytest.raises(pymysql.err.OperationalError, match="Access denied"):
        connect(mariadb, user="somebody")


def test_text_is_unicode_unless_told_otherwise(mariadb: MariaDB) -> None:
    assert value(mariadb, "SELECT @@character_set_database") == "utf8mb4"


def test_restart_keeps_port_and_data(own_mariadb: MariaDB) -> None:
    port = own_mariadb.port
    value(own_mariadb, "CREATE TABLE kept AS SELECT 7 AS n")
    own_mariadb.restart()
    assert own_mariadb.port == port
    assert value(own_mariadb, "SELECT n FROM kept") == 7


def test_what_a_test_removes_stays_removed(own_mariadb: MariaDB) -> None:
    value(own_mariadb, "DROP DATABASE test")
    own_mariadb.restart()
    assert value(own_mariadb, "SHOW DATABASES LIKE 'test'", database=None) is None


def test_stop_disconnects_its_clients(own_mariadb: MariaDB) -> None:
    with closing(connect(own_mariadb)) as conn:
        own_mariadb.stop()
        assert not own_mariadb.running
        with pytest.raises(pymysql.err.OperationalError):
            ask(conn, "SELECT 1")


def test_kill_loses_no_commit(own_mariadb: MariaDB) -> None:
    value(own_mariadb, "CREATE TABLE kept (n int PRIMARY KEY)")
    port = own_mariadb.port
    with closing(connect(own_mariadb)) as conn:
        ask(conn, "INSERT INTO kept VALUES (7)")
        ask(conn, "BEGIN")
        ask(conn, "INSERT INTO kept VALUES (8)")
        pid = own_mariadb.pid
        own_mariadb.kill()
        assert not alive(pid)
        with pytest.raises(pymysql.err.OperationalError):
            ask(conn, "SELECT 1")
    own_mariadb.start()
    assert own_mariadb.port == port
    assert value(own_mariadb, "SELECT group_concat(n) FROM kept") == "7"


def test_a_paused_server_accepts_and_says_nothing(own_mariadb: MariaDB) -> None:
    with closing(connect(own_mariadb)) as held:
        own_mariadb.pause()
        with socket.create_connection(("127.0.0.1", own_mariadb.port), timeout=0.1) as silent:
            with pytest.raises(TimeoutError):
                silent.recv(1)  # the server speaks first
        own_mariadb.resume()
        assert ask(held, "SELECT 1") == 1


@pytest.mark.parametrize("end", [MariaDB.close, MariaDB.kill, MariaDB.restart])
def test_a_paused_server_can_be_ended(own_mariadb: MariaDB, end: Callable[[MariaDB], None]) -> None:
    own_mariadb.pause()
    end(own_mariadb)
    assert own_mariadb.running == (end is MariaDB.restart)


def test_close_leaves_nothing() -> None:
    server = MariaDB().start()
    folder, pid = server.folder, server.pid
    server.close()
    server.close()
    assert not folder.exists()
    assert not alive(pid)
    with pytest.raises(RuntimeError, match="closed"):
        server.start()


def test_settings_reach_the_server() -> None:
    settings = {"max_connections": "20", "character_set_server": "latin1", "init_connect": "SET @a = 'b c'"}
    with MariaDB(settings=settings) as server:
        assert value(server, "SELECT @@max_connections") == 20
        assert value(server, "SELECT @@character_set_server") == "latin1"
        assert value(server, "SELECT @@init_connect") == "SET @a = 'b c'"


def test_a_server_that_cannot_start_says_why() -> None:
    server = MariaDB(settings={"no_such_setting": "1"})
    with pytest.raises(RuntimeError, match=r"(?s)did not start: .*no_such_setting=1"):
        server.start()
    server.close()


def test_tls_is_vouched_for_by_ca_file() -> None:
    with MariaDB(tls=True) as server:
        for host in ("localhost", "127.0.0.1"):
            trusting = ssl.create_default_context(cafile=server.ca_file)
            with closing(connect(server, host=host, ssl=trusting)) as conn:
                with conn.cursor() as cursor:
                    cursor.execute("SHOW STATUS LIKE 'Ssl_version'")
                    assert cursor.fetchone()[1].startswith("TLS")
        with pytest.raises(pymysql.err.OperationalError, match="CERTIFICATE_VERIFY_FAILED"):
            connect(server, ssl=ssl.create_default_context())


def test_a_password_is_asked_for_and_filled_into_the_url() -> None:
    with MariaDB(auth="password") as server:
        password = server.url().removeprefix("mysql://root:").partition("@")[0]
        assert value(server, "SELECT current_user()", password=password) == "root@127.0.0.1"
        for wrong in ("", "wrong"):
            with pytest.raises(pymysql.err.OperationalError, match="Access denied"):
                connect(server, password=wrong)
        assert password not in repr(server) + server.log
        assert server.url("other") == f"mysql://other@127.0.0.1:{server.port}/test"


def test_url_encodes_its_parts(mariadb: MariaDB) -> None:
    assert mariadb.url() == f"mysql://root@127.0.0.1:{mariadb.port}/test"
    url = mariadb.url("a@b", "c/d", password="p:w", charset="utf8 mb4")
    assert url == f"mysql://a%40b:p%3Aw@127.0.0.1:{mariadb.port}/c%2Fd?charset=utf8%20mb4"


def test_what_has_not_started_has_no_port() -> None:
    server = MariaDB()
    for attribute in ("port", "folder", "pid"):
        with pytest.raises(RuntimeError, match="start"):
            getattr(server, attribute)
    server.close()


def test_the_next_server_is_a_copy(mariadb: MariaDB) -> None:
    templates = dict(_home.home().templates)
    with MariaDB() as second:
        assert second.port != mariadb.port
        assert second.folder != mariadb.folder
        value(second, "CREATE TABLE of_mine (n int)")
        assert value(mariadb, "SHOW TABLES LIKE 'of_mine'") is None
    assert _home.home().templates == templates


OWNER = """
import os, signal
from thawpool.testing.mariadb import MariaDB
server = MariaDB().start()
print(server.folder, server.pid, flush=True)
{ending}
"""

#: The owner dies while the server comes up: at that time it may hang on an order to shut down.
DIES_AT_A_START = """
server.stop()
seen = len(server.log)
serve = server._home.serve
def die(*args, **options):
    process = serve(*args, **options)
    while "InnoDB" not in server.log[seen:] and process.poll() is None:
        pass
    print(server.folder, process.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
server._home.serve = die
server.start()
"""


@pytest.mark.parametrize(
    "ending",
    [
        "os.kill(os.getpid(), signal.SIGKILL)",
        "server.pause(); os.kill(os.getpid(), signal.SIGKILL)",
        DIES_AT_A_START,
        "raise SystemExit",
    ],
    ids=["killed", "killed-while-paused", "killed-while-starting", "exited"],
)
def test_a_server_does_not_outlive_its_owner(ending: str) -> None:
    script = OWNER.format(ending=ending)
    owner = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=False)
    folder, pid = owner.stdout.split()[-2:]
    eventually(lambda: not alive(int(pid)), "the server's end", within=30)
    eventually(lambda: not Path(folder).parent.exists(), "the folder's removal", within=30)


def test_a_forked_child_leaves_its_parents_server_alone(own_mariadb: MariaDB) -> None:
    child = os.fork()
    if child == 0:
        try:
            own_mariadb.close()
            home = _home._home
            os._exit(0 if home is None else 3)
        finally:
            os._exit(4)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert value(own_mariadb, "SELECT 1") == 1


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")
