"""The programs of ``docs/integrations.md``, run as they stand there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integrations.serving import asgi, http_server, wsgi
from tests.support.losses import at_rest
from tests.support.waiting import eventually

from thawpool import Pool
from thawpool.testing.postgres import Postgres, find_postgres

PAGE = Path(__file__).parents[2] / "docs" / "integrations.md"
#: Which server runs the program below a heading.
SERVERS = {
    "Starlette": asgi,
    "FastAPI": asgi,
    "Any ASGI app": asgi,
    "Flask": wsgi,
    "Any WSGI app": wsgi,
    "`BaseHTTPRequestHandler`, as on Vercel": http_server,
    "How long a request has": asgi,
}
RECIPES = "A connection or a transaction for each request"
ADDED = {"name": "Zoe <b>O'Hara</b>", "email": "zoe@example.com"}


def programs() -> dict[str, list[str]]:
    """The page's programs by heading."""
    found = {}
    for section in re.split(r"^##+ ", PAGE.read_text(), flags=re.MULTILINE)[1:]:
        heading, _, text = section.partition("\n")
        if blocks := re.findall(r"```python\n(.*?)```", text, re.DOTALL):
            found[heading] = blocks
    return found


def run(program: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "guide"}
    exec(compile(program, str(PAGE), "exec"), names)
    return names


@pytest.fixture(scope="module")
def database() -> Iterator[Postgres]:
    """A server of this module's own, with the table that the programs read."""
    with Postgres(find_postgres("embedded")) as server:
        with Pool(server.url()) as pool:
            pool.execute(
                "CREATE TABLE users (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, email text UNIQUE)"
            )
            pool.execute("CREATE SCHEMA many")
            pool.execute(
                "CREATE VIEW many.users AS "
                "SELECT n AS id, repeat('x', 70000) AS name FROM generate_series(1, 300) AS n"
            )
            pool.execute(
                "INSERT INTO users (name, email) "
                "SELECT 'User ' || n, n || '@example.com' FROM generate_series(1, 50) AS n"
            )
        yield server


@pytest.fixture
def url(database: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database.url())


def test_every_program_is_run_here() -> None:
    assert programs().keys() == SERVERS.keys() | {RECIPES}
    assert [len(programs()[heading]) for heading in SERVERS] == [1] * len(SERVERS)


@pytest.mark.usefixtures("url")
@pytest.mark.parametrize("heading", SERVERS)
def test_it_answers_with_users_and_without_a_database_with_the_lessons_500(
    heading: str, database: Postgres, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (program,) = programs()[heading]
    names = run(program)
    serve, name = SERVERS[heading], "handler" if SERVERS[heading] is http_server else "app"
    with serve(names[name]) as client:
        reply = client.get("/api/users")
        assert reply.status == 200
        assert reply.json["users"][49] == {"id": 50, "name": "User 50", "email": "50@example.com"}
        assert len(reply.json["users"]) == 50
        at_rest(names["pool"])
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:hush@127.0.0.1:1/db")
    names = run(program)
    with serve(names[name]) as client:
        reply = client.get("/api/users")
        assert (reply.status, reply.json) == (500, {"error": "Database connection failed"})
    assert "a request was answered with 500, Database connection failed" in caplog.text
    assert "hush" not in caplog.text


@pytest.mark.usefixtures("url")
def test_a_transaction_for_each_request() -> None:
    names = run(programs()[RECIPES][0])
    count: list[int] = []

    @names["app"].get("/count")  # type: ignore[untyped-decorator]
    async def counted() -> Any:
        return await names["pool"].query_one("SELECT count(*) FROM users WHERE name LIKE 'Zoe%%'", ())

    with asgi(names["app"]) as client:

        def post(body: Any) -> Any:
            return client.request(
                "POST", "/api/users", json.dumps(body).encode(), {"Content-Type": "application/json"}
            )

        for status in (201, 409):
            reply = post(ADDED)
            assert reply.status == status
            at_rest(names["pool"])
            count.append(client.get("/count").json["count"])
        assert count == [1, 1], "committed before the answer"
        assert post({"name": "nobody"}).status == 422
        at_rest(names["pool"])


@pytest.mark.usefixtures("url")
def test_a_transaction_is_rolled_back_and_its_connection_is_back_when_the_route_fails() -> None:
    names = run(programs()[RECIPES][0])
    transaction = names["Transaction"]

    async def fails(tx: Any) -> None:
        await tx.execute("INSERT INTO users (name) VALUES ('rolled back')")
        raise ZeroDivisionError

    fails.__annotations__ = {"tx": transaction}
    names["app"].get("/fails")(fails)
    with asgi(names["app"]) as client:
        assert client.get("/fails").status == 500
        at_rest(names["pool"])
    with Pool() as pool:
        assert pool.query("SELECT 1 FROM users WHERE name = 'rolled back'") == []


def test_a_connection_for_as_long_as_the_response_streams(
    database: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Longer than any buffer, and for a client that leaves in the midst of it, too."""
    monkeypatch.setenv("DATABASE_URL", database.url(options="-csearch_path=many"))
    names = run(programs()[RECIPES][1])
    pool = names["pool"]
    with pool, asgi(names["app"]) as client:
        assert client.get("/api/users.csv").body.startswith(b"1,x")
        eventually(lambda: pool.stats().used == 0, "the give-back")
        for _ in range(2):
            with client.stream("/api/users.csv") as wire:
                assert wire.recv(12) == b"HTTP/1.1 200"
                assert pool.stats().used == 1
            eventually(lambda: pool.stats().used == 0, "the give-back")
    at_rest(pool)
