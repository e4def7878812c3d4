"""The demo comes up quickly, says what is wrong when it cannot, and leaves nothing behind, however it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from tests.demo.running import SYSTEMS, Demo, run, until


def state(pid: int) -> str:
    """A process's state in the letters of ps; empty for one that is gone."""
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return found.stdout.strip()[:1]


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and only waits to be noticed does not."""
    return state(pid) not in ("", "Z")


def listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def nothing_is_left(demo: Demo) -> None:
    """No process, no port, no file; where the demo itself was killed, a moment later."""
    database = int(demo.line(r"(?:PostgreSQL|MariaDB|MySQL) \S+ at 127\.0\.0\.1:(\d+)/"))
    until(lambda: not alive(demo.function), "the function's process ends")
    until(lambda: not list(demo.folder.iterdir()), "the temporary data goes")
    assert not listening(demo.port)
    assert not listening(database)


@pytest.mark.parametrize("system", SYSTEMS)
def test_up_in_under_five_seconds(system: str) -> None:
    crowd = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))  # runs that share a core with this one
    with Demo(system=system) as demo:
        assert demo.port
        assert time.monotonic() - demo.began < 5 * crowd


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("system", SYSTEMS)
def test_a_stopped_demo_leaves_nothing_behind(number: signal.Signals, system: str) -> None:
    with Demo(system=system) as demo:
        assert demo.get("/api/users").status == 200
        with demo.events() as events:  # an open page must not hold it up
            next(events)
            assert demo.stop(number) == 0
        nothing_is_left(demo)


@pytest.mark.parametrize("system", SYSTEMS)
def test_ctrl_c_while_the_function_is_frozen(system: str) -> None:
    with Demo(system=system) as demo, demo.during("freeze"):
        demo.sample(lambda sample: sample["function"] == "frozen")
        assert demo.stop() == 0
        nothing_is_left(demo)


@pytest.mark.parametrize("system", SYSTEMS)
def test_ctrl_c_while_the_database_is_stopped(system: str) -> None:
    with Demo(system=system) as demo:
        demo.text("database/stop")
        assert demo.stop() == 0
        nothing_is_left(demo)


@pytest.mark.parametrize("system", SYSTEMS)
def test_ctrl_c_while_it_starts(system: str) -> None:
    with Demo(system=system) as demo:
        demo.line("(starting (?:PostgreSQL|MariaDB))")
        assert demo.stop() == 0
        assert not list(demo.folder.iterdir())


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("system", SYSTEMS)
def test_a_killed_supervisor_takes_everything_with_it(frozen: bool, system: str) -> None:
    with Demo(system=system) as demo:
        assert demo.get("/api/users").status == 200
        if frozen:
            os.kill(demo.function, signal.SIGSTOP)
            until(lambda: state(demo.function) == "T", "the function's process stops")
        assert demo.stop(signal.SIGKILL) == -signal.SIGKILL
        nothing_is_left(demo)


def test_a_port_in_use_is_named_with_the_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("demo", "--port", str(port))
    assert done.returncode == 1
    assert f"port {port} cannot be used (Address already in use): name another with --port" in done.stderr


@pytest.mark.parametrize("port", ["http", "-1", "65536", "1.5"])
def test_a_port_that_is_none(port: str) -> None:
    done = run("demo", "--port", port)
    assert done.returncode == 2
    assert "give a number from 0 to 65535" in done.stderr


@pytest.mark.parametrize(
    "url, reason",
    [
        ("sqlite://me:hunter2@localhost/db", "known are postgresql://, postgres://, mysql:// and mariadb://"),
        ("me:hunter2@localhost/db", "it has no scheme; write postgresql://user:password@host:5432/database"),
        ("mysql+nonsense://me:hunter2@localhost/db", "there is no driver 'nonsense'"),
        ("mysql+pymysql://me:hunter2@localhost/db?sslmod=require", "did you mean sslmode?"),
        ("mysql+psycopg://me:hunter2@localhost/db", "psycopg is a driver for PostgreSQL"),
    ],
)
def test_a_url_that_cannot_work_is_refused_and_not_repeated(url: str, reason: str) -> None:
    done = run("demo", "--database-url", url)
    assert done.returncode == 2
    assert reason in done.stderr
    assert "hunter2" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_kind_of_database_that_there_is_not() -> None:
    done = run("demo", "--database", "oracle")
    assert done.returncode == 2
    assert "invalid choice: 'oracle' (choose from" in done.stderr


def test_a_server_of_its_own_and_another_one_at_a_time() -> None:
    done = run("demo", "--database", "mysql", "--database-url", "mysql://me:hunter2@localhost/db")
    assert done.returncode == 2
    assert "not allowed with argument --database" in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize("system", ["postgresql", "mysql"])
def test_a_database_that_cannot_be_reached_is_an_error_without_the_password(system: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    done = run("demo", "--port", "0", "--database-url", f"{system}://me:hunter2@127.0.0.1:{port}/db")
    assert done.returncode == 1
    assert f"the database at 127.0.0.1:{port}/db cannot be used" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_machine_without_mariadb_is_told_what_to_install() -> None:
    done = main(
        "import shutil; shutil.which = lambda *args, **more: None",
        "demo",
        "--port",
        "0",
        "--database",
        "mysql",
    )
    assert done.returncode == 1
    assert "no MariaDB server found: `apt-get install mariadb-server`" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "driver, options",
    [
        ("asyncmy", ("--database", "mysql")),
        ("aiomysql", ("--database-url", "mysql+aiomysql://me:hunter2@localhost/db")),
        ("asyncpg", ("--database-url", "postgresql+asyncpg://me:hunter2@localhost/db")),
    ],
)
def test_a_missing_driver_is_named_with_its_extra(driver: str, options: tuple[str, ...]) -> None:
    done = main(f"sys.modules['{driver}'] = None", "demo", *options)
    assert done.returncode == 1
    assert f"{driver} is not installed: pip install 'thawpool[demo,{driver}]'" in done.stderr
    assert "hunter2" not in done.stderr


def test_a_missing_extra_is_named() -> None:
    done = main("sys.modules['starlette'] = None", "demo")
    assert done.returncode == 1
    assert "starlette is not installed: pip install 'thawpool[demo]'" in done.stderr


def main(before: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command on a machine that differs: ``before`` is executed first."""
    script = f"import sys; {before}; from thawpool.__main__ import main; sys.exit(main({list(arguments)}))"
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False
    )


def test_help_and_no_command() -> None:
    assert "demo" in run("--help").stdout
    told = run("demo", "--help").stdout
    assert "--database {postgresql,mysql}" in told
    assert "--database-url" in told
    assert run().returncode == 2
