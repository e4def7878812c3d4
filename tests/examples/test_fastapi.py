"""The starter of FastAPI, made out of the wheel: served by uvicorn, and under Vercel's runtime."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.examples.conftest import Installed
from tests.examples.databases import SYSTEMS, Database, User, database, people
from tests.support.vercel import VercelFunction
from tests.support.waiting import eventually

from thawpool.config import URL_VARIABLES
from thawpool.testing._home import free_port

pytestmark = pytest.mark.timeout(180)

#: What needs no second system.
once = pytest.mark.parametrize("users", ["postgresql"], indirect=True)


@pytest.fixture(scope="module")
def app(starter: Callable[[str], Path]) -> Path:
    return starter("fastapi")


@pytest.fixture(scope="module", params=SYSTEMS)
def users(request: pytest.FixtureRequest) -> Iterator[Database]:
    with database(request.param) as made:
        yield made


@pytest.fixture(scope="module")
def port(app: Path, users: Database, installed: Installed) -> Iterator[int]:
    """``python seed.py`` and ``uvicorn app:app``, as the README says."""
    environ = {**os.environ, "DATABASE_URL": users.url}
    seed = [str(installed.python), "seed.py"]
    for added in (120, 0):
        assert subprocess.check_output(seed, cwd=app, env=environ, text=True) == f"added {added} users\n"
    number = free_port()
    command = ["-m", "uvicorn", "app:app", "--port", str(number), "--log-level", "warning"]
    with _running([installed.python, *command], app, environ):
        eventually(lambda: _listens(number), "uvicorn", within=30)
        yield number


def ask(port: int, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        text = body if isinstance(body, str) else json.dumps(body)
        connection.request(method, path, None if body is None else text, {"content-type": "application/json"})
        reply = connection.getresponse()
        said = reply.read().decode()
        is_json = reply.headers.get_content_type() == "application/json"
        return reply.status, json.loads(said) if is_json else said
    finally:
        connection.close()


def test_users_come_in_pages(port: int) -> None:
    ids: list[int] = []
    sizes = []
    after: int | None = 0
    while after is not None:
        status, page = ask(port, "GET", f"/api/users?after={after}")
        assert status == 200
        assert page["users"][0].keys() == {"id", "name", "email"}
        ids += (user["id"] for user in page["users"])
        sizes.append(len(page["users"]))
        after = page["next"]
    assert sizes == [50, 50, 20]
    assert ids == sorted(set(ids))


def test_a_user_is_added_once(port: int, users: Database) -> None:
    name = '  Zoë "O\'Neil" <b>🧊</b> %s '
    status, user = ask(port, "POST", "/api/users", {"name": name, "email": "Zoe@Example.com"})
    assert status == 201
    assert (user["name"], user["email"]) == (name.strip(), "zoe@example.com")
    again = ask(port, "POST", "/api/users", {"name": "Zoe", "email": "zoe@example.com"})
    assert again == (409, {"detail": "This email exists already"})
    assert users.users()[-1] == User(name.strip(), "zoe@example.com")
    users.run("DELETE FROM users WHERE email = 'zoe@example.com'")


GOOD = {"name": "Ada", "email": "ada@example.com"}


@pytest.mark.parametrize(
    "body,where",
    [
        (None, ["body"]),
        ("{", ["body", 1]),
        ([], ["body"]),
        ({**GOOD, "name": "  "}, ["body", "name"]),
        ({**GOOD, "name": "x" * 101}, ["body", "name"]),
        ({**GOOD, "name": "a\0b"}, ["body", "name"]),
        ({**GOOD, "name": "half of an emoji: \ud83e"}, ["body", "name"]),
        ({**GOOD, "name": 1}, ["body", "name"]),
        ({"name": "Ada"}, ["body", "email"]),
        ({**GOOD, "email": "ada"}, ["body", "email"]),
        ({**GOOD, "email": "ada@example"}, ["body", "email"]),
        ({**GOOD, "email": f"{'a' * 243}@example.com"}, ["body", "email"]),
        ({**GOOD, "email": f"{'İ' * 200}@example.com"}, ["body", "email"]),  # longer in small letters
    ],
)
def test_bad_input_is_told_where_it_is_wrong(port: int, body: Any, where: list[str | int]) -> None:
    status, said = ask(port, "POST", "/api/users", body)
    assert status == 422
    assert [wrong["loc"] for wrong in said["detail"]] == [where]


def test_a_body_of_ten_megabytes_is_turned_away(port: int) -> None:
    status, _ = ask(port, "POST", "/api/users", {**GOOD, "name": "x" * 10_000_000})
    assert status in (413, 422)


@pytest.mark.parametrize("after", ["-1", "x", str(2**31)])
def test_a_page_after_no_id_is_bad_input(port: int, after: str) -> None:
    status, said = ask(port, "GET", f"/api/users?after={after}")
    assert status == 422
    assert said["detail"][0]["loc"] == ["query", "after"]


def test_the_database_tells_the_time(port: int) -> None:
    status, said = ask(port, "GET", "/api/time")
    assert status == 200
    assert said.keys() == {"time"}


@once
def test_a_missing_table_is_not_a_missing_database(port: int, users: Database) -> None:
    users.run("ALTER TABLE users RENAME TO resting")
    try:
        assert ask(port, "GET", "/api/users") == (500, "Internal Server Error")
    finally:
        users.run("ALTER TABLE resting RENAME TO users")


@once
def test_the_database_may_go_and_come_back(port: int, users: Database) -> None:
    users.server.stop()
    try:
        assert ask(port, "GET", "/api/users") == (500, {"error": "Database connection failed"})
    finally:
        users.server.start()
    status, page = ask(port, "GET", "/api/users")
    assert (status, len(page["users"])) == (200, 50)


@pytest.mark.needs("vercel")
def test_it_runs_on_vercel(app: Path, users: Database, installed: Installed, port: int) -> None:
    environ = {"DATABASE_URL": users.url, "PYTHONPATH": f"{app}{os.pathsep}{installed.packages}"}
    with VercelFunction(app, "app.py", environ=environ) as function:
        answer = function.get("/api/users")
        assert (answer.status, len(answer.json()["users"])) == (200, 50)
        function.rest()
        function.freeze()
        users.drop_connections()
        function.thaw()
        assert function.get("/api/users").status == 200


def test_without_a_database_it_brings_its_own(app: Path, installed: Installed) -> None:
    with _developing(app, installed, {}) as (process, number):
        status, page = ask(number, "GET", "/api/users")
        assert (status, len(page["users"])) == (200, 50)
        assert page["users"][0]["name"] == people(1)[0].name.replace("Person", "User")
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        assert process.wait(20) == 0
        assert not _listens(number)


@once
@pytest.mark.parametrize("variable", ["POSTGRES_URL", "MYSQL_URL"])
def test_a_database_by_another_name_is_taken(
    app: Path, installed: Installed, users: Database, port: int, variable: str
) -> None:
    users.run("INSERT INTO users (name, email) VALUES ('Ada', 'ada@example.com')")
    ((user,),) = users.run("SELECT id FROM users WHERE name = 'Ada'")
    with _developing(app, installed, {variable: users.url}) as (_, number):
        _, page = ask(number, "GET", f"/api/users?after={user - 1}")
        assert [user["name"] for user in page["users"]] == ["Ada"]
    users.run("DELETE FROM users WHERE name = 'Ada'")


@contextmanager
def _developing(
    app: Path, installed: Installed, settings: dict[str, str]
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """``python dev.py``: its process, and its port."""
    number = free_port()
    environ = {name: value for name, value in os.environ.items() if name not in URL_VARIABLES}
    command = [installed.python, "dev.py"]
    with _running(command, app, {**environ, **settings, "PORT": str(number)}) as process:
        eventually(lambda: _listens(number), "dev.py", within=60)
        yield process, number


@contextmanager
def _running(command: list[Any], folder: Path, environ: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command, cwd=folder, env=environ, stdin=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False
