"""The demo comes up quickly, says what is wrong when it cannot, and leaves nothing behind, however it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from tests.demo.running import Demo, run, until


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and only waits to be noticed does not."""
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return found.stdout.strip()[:1] not in ("", "Z")


def listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def nothing_is_left(demo: Demo) -> None:
    """No process, no port, no file; where the demo itself was killed, a moment later."""
    database = int(demo.line(r"PostgreSQL \S+ at 127\.0\.0\.1:(\d+)/"))
    until(lambda: not alive(demo.function), "the function's process ends")
    until(lambda: not list(demo.folder.iterdir()), "the temporary data goes")
    assert not listening(demo.port)
    assert not listening(database)


def test_up_in_under_five_seconds() -> None:
    crowd = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))  # runs that share a core with this one
    with Demo() as demo:
        assert demo.port
        assert time.monotonic() - demo.began < 5 * crowd


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stopped_demo_leaves_nothing_behind(number: signal.Signals) -> None:
    with Demo() as demo:
        assert demo.get("/api/users").status == 200
        with demo.events() as events:  # an open page must not hold it up
            next(events)
            assert demo.stop(number) == 0
        nothing_is_left(demo)


def test_ctrl_c_while_the_function_is_frozen() -> None:
    with Demo() as demo, demo.during("freeze"):
        demo.sample(lambda sample: sample["function"] == "frozen")
        assert demo.stop() == 0
        nothing_is_left(demo)


def test_ctrl_c_while_the_database_is_stopped() -> None:
    with Demo() as demo:
        demo.text("database/stop")
        assert demo.stop() == 0
        nothing_is_left(demo)


def test_ctrl_c_while_it_starts() -> None:
    with Demo() as demo:
        demo.line("(starting PostgreSQL)")
        assert demo.stop() == 0
        assert not list(demo.folder.iterdir())


@pytest.mark.parametrize("frozen", [False, True])
def test_a_killed_supervisor_takes_everything_with_it(frozen: bool) -> None:
    with Demo() as demo:
        assert demo.get("/api/users").status == 200
        if frozen:
            os.kill(demo.function, signal.SIGSTOP)
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


def test_a_url_of_another_kind_is_refused_and_not_repeated() -> None:
    done = run("demo", "--database-url", "mysql://me:hunter2@localhost/db")
    assert done.returncode == 2
    assert "postgresql://user:password@host:5432/database" in done.stderr
    assert "hunter2" not in done.stderr


def test_a_database_that_cannot_be_reached_is_an_error_without_the_password() -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    done = run("demo", "--port", "0", "--database-url", f"postgresql://me:hunter2@127.0.0.1:{port}/db")
    assert done.returncode == 1
    assert f"the database at 127.0.0.1:{port}/db cannot be used" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_extra_is_named() -> None:
    script = "import sys; sys.modules['starlette'] = None; from thawpool.__main__ import main; sys.exit(main(['demo']))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 1
    assert "starlette is not installed: pip install 'thawpool[demo]'" in done.stderr


def test_help_and_no_command() -> None:
    assert "demo" in run("--help").stdout
    assert "--database-url" in run("demo", "--help").stdout
    assert run().returncode == 2
