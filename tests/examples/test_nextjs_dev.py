"""``npm run dev`` of the Next.js app, as its user has it: Next.js, the Python functions and a database, from one command."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from tests.examples.conftest import Installed
from tests.examples.databases import Database, database, people
from tests.support.node import find_node
from tests.support.waiting import eventually

from thawpool.config import URL_VARIABLES
from thawpool.testing._home import free_port

pytestmark = [
    pytest.mark.needs("node"),
    pytest.mark.timeout(300),  # the first one installs and builds the app
]

#: One in Python and one in JavaScript.
ROUTES = ("/api/users", "/api/users-js")


class Dev:
    """It, in a terminal of its own whose text goes into a file."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, terminal: Path) -> None:
        self.process = process
        self.port = port
        self._terminal = terminal

    @property
    def text(self) -> str:
        return self._terminal.read_text()

    def says(self, words: str, times: int = 1) -> None:
        """Wait until it has said so."""
        eventually(lambda: self.text.count(words) >= times or self.ended, words, within=120)
        assert self.text.count(words) >= times, self.text

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()

    def users(self, route: str) -> list[Any]:
        status, body = self.get(route)
        assert status == 200, f"{route}: {status} {body}\n{self.text}"
        return list(json.loads(body)["users"])

    def family(self) -> set[int]:
        """The processes that it has started, and that those have."""
        table = subprocess.check_output(["ps", "-eo", "pid=,ppid="], text=True)
        parents = {int(pid): int(parent) for pid, parent in map(str.split, table.splitlines())}
        family = {self.process.pid}
        while more := {pid for pid, parent in parents.items() if parent in family} - family:
            family |= more
        return family

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def interrupt(self) -> None:
        """Press Ctrl-C, which a terminal sends to all that runs in it."""
        os.killpg(self.process.pid, signal.SIGINT)


@contextmanager
def dev(app: Path, environ: Mapping[str, str]) -> Iterator[Dev]:
    node = find_node()
    port = free_port()
    inherited = {name: value for name, value in node.environment().items() if name not in URL_VARIABLES}
    with tempfile.NamedTemporaryFile(prefix="thawpool-dev-") as terminal:
        process = subprocess.Popen(
            [*node.npm, "run", "dev"],
            cwd=app,
            env={**inherited, "PORT": str(port), **environ},
            stdin=subprocess.DEVNULL,
            stdout=terminal,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        running = Dev(process, port, Path(terminal.name))
        try:
            yield running
        except BaseException as error:
            error.add_note(running.text)
            raise
        finally:
            if not running.ended:
                running.interrupt()
            process.wait(60)


@pytest.fixture
def edited(next_app: Path) -> Iterator[Callable[[str, str, str], None]]:
    """Replace some text in a file of the app, until the test is over."""
    originals: dict[Path, str] = {}

    def edit(name: str, old: str, new: str) -> None:
        file = next_app / name
        text = originals.setdefault(file, file.read_text())
        assert old in text
        file.write_text(text.replace(old, new))

    yield edit
    for file, text in originals.items():
        file.write_text(text)


@pytest.fixture
def environ(installed: Installed) -> Mapping[str, str]:
    """With the environment active in which thawpool is."""
    return {"VIRTUAL_ENV": str(installed.python.parents[1])}


@pytest.fixture
def users() -> Iterator[Database]:
    with database("postgresql") as made:
        made.fill(people(1))
        yield made


@pytest.fixture
def settings(next_app: Path) -> Iterator[Path]:
    """.env.local, which is not there yet."""
    file = next_app / ".env.local"
    yield file
    file.unlink(missing_ok=True)


def test_one_command_starts_all_and_one_ctrl_c_ends_all(
    next_app: Path, environ: Mapping[str, str], edited: Callable[[str, str, str], None]
) -> None:
    with dev(next_app, environ) as running:
        running.says("ready:")
        assert "DATABASE_URL is not set: starting a PostgreSQL" in running.text
        status, page = running.get("/")
        assert (status, "<h1>Users</h1>" in page) == (200, True)
        for route in ROUTES:
            assert [user["id"] for user in running.users(route)] == list(range(1, 51))

        edited("api/index.py", '"SELECT CURRENT_TIMESTAMP(3) AS time"', "\"SELECT 'edited' AS time\"")
        eventually(
            lambda: running.get("/api/time") == (200, '{"time":"edited"}'),
            "the edit of the function",
            within=60,
        )
        edited("pages/api/users-js.js", "await firstPage(client)", "{ users: ['edited'] }")
        eventually(lambda: running.users("/api/users-js") == ["edited"], "the edit of the route", within=60)

        family = running.family()
        assert len(family) >= 6, "npm, its shell, dev.mjs, Next.js, uvicorn and its worker, the database"
        running.interrupt()
        running.process.wait(30)
        assert not any(map(_runs, family))


def test_dotenv_is_read_for_both_and_again_when_it_changes(
    next_app: Path, environ: Mapping[str, str], users: Database, settings: Path
) -> None:
    pulled = 'VERCEL="1"\n'  # as `vercel env pull` may write it
    settings.write_text(f"DATABASE_URL=postgresql://nobody@127.0.0.1:1/nowhere\n{pulled}")
    with dev(next_app, environ) as running:
        running.says("ready:")
        assert "DATABASE_URL is not set" not in running.text
        assert running.get("/api/users") == (500, '{"error":"Database connection failed"}')
        settings.write_text(f"DATABASE_URL={users.url}\n{pulled}")
        running.says("ready:", times=2)
        for route in ROUTES:
            assert [user["name"] for user in running.users(route)] == ["Person 1"]

        family = running.family()
        (script,) = (pid for pid in family if _command(pid)[1:] == ["scripts/dev.mjs"])
        os.kill(script, signal.SIGKILL)
        eventually(lambda: not any(map(_runs, family)), "the end of all that a killed dev.mjs leaves")


def test_a_python_that_lacks_something_is_told_so(next_app: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", symlinks=True)
    for python, said in (
        (
            tmp_path / "bare/bin/python",
            "lacks thawpool,starlette,uvicorn,psycopg,asyncmy: install requirements-dev.txt",
        ),
        (tmp_path / "nothing", "which does not run"),
    ):
        with dev(next_app, {"PYTHON": str(python)}) as running:
            running.says(said)
            assert running.process.wait(30) == 1


@pytest.fixture
def own_venv(next_app: Path) -> Iterator[Path]:
    """.venv of the app, which is not there yet."""
    folder = next_app / ".venv"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_an_environment_that_cannot_be_made_is_not_left_behind(
    next_app: Path, tmp_path: Path, own_venv: Path
) -> None:
    """As on Debian without python3-venv, where ``python3 -m venv`` gives up half way."""
    python = tmp_path / "python3"
    half = f'{shlex.quote(sys.executable)} -m venv --without-pip "$4"; exit 1'
    python.write_text(
        f'#!/bin/sh\nif [ "$2" = venv ]; then {half}; fi\nexec {shlex.quote(sys.executable)} "$@"\n'
    )
    python.chmod(0o755)
    said = find_python(next_app, PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert "apt-get install python3-venv" in said
    assert "That failed: python3 -m venv" in said
    assert not own_venv.exists()


def test_an_environment_without_pip_is_given_one(next_app: Path, own_venv: Path) -> None:
    venv.create(own_venv, symlinks=True)
    said = find_python(next_app, PIP_NO_INDEX="1")
    assert "That failed" in said, "there was nowhere to install from"
    assert "-m pip install" in said
    subprocess.run([own_venv / "bin" / "python", "-m", "pip", "--version"], check=True, capture_output=True)


def find_python(app: Path, **environ: str) -> str:
    """What is said where the app looks for its Python and no environment is active."""
    node = find_node()
    inherited = {
        name: value for name, value in node.environment().items() if name not in ("PYTHON", "VIRTUAL_ENV")
    }
    script = "import { findPython } from './scripts/python.mjs'; findPython();"
    done = subprocess.run(
        [node.program, "--input-type=module", "--eval", script],
        cwd=app,
        env={**inherited, **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    return done.stdout


def _runs(pid: int) -> bool:
    """Whether a process is there, and not merely waiting for its parent to hear that it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _command(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]
    except OSError:
        return []
