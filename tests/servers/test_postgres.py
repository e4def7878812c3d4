"""The launcher of real servers keeps its promises about ports, data, signals and what it leaves behind."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.support.waiting import eventually

from thawpool.testing import _home
from thawpool.testing.postgres import Postgres, find_postgres


def value(server: Postgres, sql: str) -> Any:
    with psycopg.connect(server.url(), autocommit=True) as conn:
        row = conn.execute(sql).fetchone()
        assert row is not None
        return row[0]


def run(server: Postgres, *statements: str) -> None:
    with psycopg.connect(server.url(), autocommit=True) as conn:
        for sql in statements:
            conn.execute(sql)


def test_a_server_answers_with_its_version(postgres: Postgres) -> None:
    assert value(postgres, "SHOW server_version_num").startswith(str(postgres.version))
    assert postgres.running
    assert str(postgres.port) in repr(postgres)


def test_the_system_server_too(postgres15: Postgres) -> None:
    assert postgres15.version == 15
    assert value(postgres15, "SHOW server_version_num").startswith("15")


def test_it_listens_on_loopback_only(postgres: Postgres) -> None:
    assert value(postgres, "SHOW listen_addresses") == "127.0.0.1"


def test_the_unix_socket_lies_in_its_folder(postgres: Postgres) -> None:
    with psycopg.connect(host=str(postgres.folder), port=postgres.port, user="postgres") as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)


def test_its_folder_is_closed_to_others(postgres: Postgres) -> None:
    assert stat.S_IMODE(postgres.folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", ["smart", "fast", "immediate"])
def test_restart_keeps_port_and_data(own_postgres: Postgres, mode: Any) -> None:
    port = own_postgres.port
    run(own_postgres, "CREATE TABLE kept AS SELECT 7 AS n")
    own_postgres.restart(mode)
    assert own_postgres.port == port
    assert value(own_postgres, "SELECT n FROM kept") == 7


def test_fast_stop_tells_its_clients(own_postgres: Postgres) -> None:
    with psycopg.connect(own_postgres.url()) as conn:
        own_postgres.stop()
        assert not own_postgres.running
        with pytest.raises(psycopg.errors.AdminShutdown):
            conn.execute("SELECT 1")


def test_smart_stop_waits_for_the_last_client(own_postgres: Postgres) -> None:
    with psycopg.connect(own_postgres.url(), autocommit=True) as conn:
        own_postgres.stop("smart", timeout=0)
        eventually(lambda: "smart shutdown" in own_postgres.log)
        with pytest.raises(TimeoutError, match="smart"):
            own_postgres.stop("smart", timeout=0.001)
        assert conn.execute("SELECT 1").fetchone() == (1,)
        with pytest.raises(psycopg.OperationalError, match="shutting down"):
            psycopg.connect(own_postgres.url())
    own_postgres.stop("smart")
    assert not own_postgres.running


def test_kill_leaves_no_process_and_start_recovers(own_postgres: Postgres) -> None:
    run(own_postgres, "CREATE TABLE kept AS SELECT 7 AS n", "CHECKPOINT")
    with psycopg.connect(own_postgres.url()) as conn:
        backend = conn.info.backend_pid
        own_postgres.kill()
        assert not alive(backend)
        with pytest.raises(psycopg.OperationalError):
            conn.execute("SELECT 1")
    own_postgres.start()
    assert "not properly shut down" in own_postgres.log
    assert value(own_postgres, "SELECT n FROM kept") == 7


def test_start_waits_for_the_orphans_of_a_killed_postmaster(own_postgres: Postgres) -> None:
    with psycopg.connect(own_postgres.url()) as conn:
        os.kill(conn.info.backend_pid, signal.SIGSTOP)
        os.kill(own_postgres.pid, signal.SIGKILL)
        eventually(lambda: not own_postgres.running)
        starting = threading.Thread(target=own_postgres.start)
        starting.start()
        eventually(lambda: "shared memory block" in own_postgres.log)
        os.kill(conn.info.backend_pid, signal.SIGCONT)
        starting.join(30)
    assert value(own_postgres, "SELECT 1") == 1


def test_a_paused_server_accepts_and_says_nothing(own_postgres: Postgres) -> None:
    with psycopg.connect(own_postgres.url()) as held:
        own_postgres.pause()
        with socket.create_connection(("127.0.0.1", own_postgres.port), timeout=0.1) as silent:
            silent.sendall(b"\0\0\0\x08\x04\xd2\x16\x2f")  # SSLRequest
            with pytest.raises(TimeoutError):
                silent.recv(1)
        own_postgres.resume()
        assert held.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("end", [Postgres.close, Postgres.kill, Postgres.restart])
def test_a_paused_server_can_be_ended(own_postgres: Postgres, end: Callable[[Postgres], None]) -> None:
    own_postgres.pause()
    end(own_postgres)
    assert own_postgres.running == (end is Postgres.restart)


def test_close_removes_the_folder_and_the_shared_memory() -> None:
    server = Postgres(find_postgres("embedded")).start()
    folder, pid = server.folder, server.pid
    key, segment = (folder / "data" / "postmaster.pid").read_text().splitlines()[6].split()
    assert int(key)
    server.close()
    server.close()
    assert not folder.exists()
    assert not alive(pid)
    segments = Path("/proc/sysvipc/shm")
    if segments.exists():
        assert segment not in [line.split()[1] for line in segments.read_text().splitlines()]
    with pytest.raises(RuntimeError, match="closed"):
        server.start()


def test_settings_reach_the_server_and_alter_system_can_change_them() -> None:
    odd = r"a'b\c"
    with Postgres(
        find_postgres("embedded"), settings={"max_connections": "20", "cluster_name": odd}
    ) as server:
        assert value(server, "SHOW max_connections") == "20"
        assert value(server, "SHOW cluster_name") == odd
        run(server, "ALTER SYSTEM SET max_connections = 21")
        server.restart()
        assert value(server, "SHOW max_connections") == "21"


def test_a_server_that_cannot_start_says_why() -> None:
    server = Postgres(find_postgres("embedded"), settings={"no_such_setting": "1"})
    with pytest.raises(RuntimeError, match="no_such_setting"):
        server.start()
    server.close()


def test_tls_is_vouched_for_by_ca_file(postgres_tls: Postgres) -> None:
    for host in ("localhost", "127.0.0.1"):
        url = postgres_tls.url(host=host, sslmode="verify-full", sslrootcert=postgres_tls.ca_file)
        with psycopg.connect(url, channel_binding="require") as conn:
            assert conn.pgconn.ssl_in_use


def test_scram_wants_the_password(postgres_tls: Postgres) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(postgres_tls.url(password="wrong"))


def test_url_encodes_its_parts(postgres: Postgres) -> None:
    url = postgres.url("a@b", "c/d", password="p:w", options="-c x=1")
    assert url == f"postgresql://a%40b:p%3Aw@127.0.0.1:{postgres.port}/c%2Fd?options=-c%20x%3D1"


def test_what_has_not_started_has_no_port() -> None:
    server = Postgres(find_postgres("embedded"))
    for attribute in ("port", "folder", "pid"):
        with pytest.raises(RuntimeError, match="start"):
            getattr(server, attribute)
    server.close()


OWNER = """
import os, signal, time
from thawpool.testing.postgres import Postgres, find_postgres
server = Postgres(find_postgres("embedded")).start()
print(server.folder, server.pid, flush=True)
{ending}
"""


#: A forked child that goes on as long as the folder is there must not be what keeps it there.
FORKED = """
if os.fork() == 0:
    os.close(1)
    until = time.monotonic() + 60
    while server.folder.exists() and time.monotonic() < until:
        time.sleep(0.01)
    os._exit(0)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(
    "ending",
    [
        "os.kill(os.getpid(), signal.SIGKILL)",
        "server.pause(); os.kill(os.getpid(), signal.SIGKILL)",
        FORKED,
        "raise SystemExit",
        "os._exit(1)",
    ],
    ids=["killed", "killed-while-paused", "killed-with-a-child", "exited", "exited-hard"],
)
def test_a_server_does_not_outlive_its_owner(ending: str) -> None:
    script = OWNER.format(ending=ending)
    owner = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=False)
    folder, pid = owner.stdout.split()
    eventually(lambda: not alive(int(pid)), "the server's end", within=30)
    eventually(lambda: not Path(folder).parent.exists(), "the folder's removal", within=30)


def test_a_forked_child_leaves_its_parents_server_alone(own_postgres: Postgres) -> None:
    child = os.fork()
    if child == 0:
        try:
            own_postgres.close()
            home = _home._home
            os._exit(0 if home is None else 3)
        finally:
            os._exit(4)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert value(own_postgres, "SELECT 1") == 1


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")
