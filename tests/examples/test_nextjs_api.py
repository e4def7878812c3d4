"""The Python routes of the Next.js app, under a real server and over both databases."""

from __future__ import annotations

import importlib.util
import json
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.examples.databases import SYSTEMS, Database, User, database, people
from tests.integrations.serving import Client, Reply, asgi

from thawpool.config import URL_VARIABLES

API = Path(__file__).parents[2] / "examples" / "nextjs" / "api" / "index.py"
AWAY = (500, {"error": "Database connection failed"})
ADA = {"name": "Ada", "email": "ada@example.com"}


@contextmanager
def serving(url: str | None) -> Iterator[Client]:
    """The app, imported anew, with this DATABASE_URL."""
    spec = importlib.util.spec_from_file_location("nextjs_api", API)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with pytest.MonkeyPatch.context() as environ:
        for variable in URL_VARIABLES:
            environ.delenv(variable, raising=False)
        if url is not None:
            environ.setenv("DATABASE_URL", url)
        with asgi(module.app) as client:
            yield client


@pytest.fixture(scope="module")
def nowhere() -> Iterator[Client]:
    """The app without a database: what it answers there is answered before it asks for one."""
    with serving(None) as client:
        yield client


@pytest.fixture(scope="module", params=SYSTEMS)
def served(request: pytest.FixtureRequest) -> Iterator[tuple[Client, Database]]:
    with database(request.param) as made, serving(made.url) as client:
        client.get("/api/users")  # so that its pool knows this database
        yield client, made


@pytest.fixture
def users(served: tuple[Client, Database]) -> Database:
    """The app's database, in which nobody is yet."""
    _, made = served
    made.fill([])
    return made


@pytest.fixture
def client(served: tuple[Client, Database], users: Database) -> Client:
    """The app on ``users``."""
    running, _ = served
    return running


def get(client: Client, path: str) -> tuple[int, Any]:
    return told(client.get(path))


def post(client: Client, body: object) -> tuple[int, Any]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return told(client.request("POST", "/api/users", data))


def told(reply: Reply) -> tuple[int, Any]:
    return reply.status, reply.json


# -- the list ------------------------------------------------------------------------------------


def test_users_come_in_pages_of_fifty_by_keyset(client: Client, users: Database) -> None:
    users.fill(people(120))
    users.run("DELETE FROM users WHERE id IN (3, 50, 51)")
    pages = []
    after: int | None = 0
    while after is not None:
        _, page = get(client, f"/api/users?after={after}")
        pages.append(page["users"])
        after = page["next"]
    assert [len(page) for page in pages] == [50, 50, 17]
    ids = [user["id"] for page in pages for user in page]
    assert ids == [number for number in range(1, 121) if number not in (3, 50, 51)]
    assert pages[0][0] == {"id": 1, "name": "Person 1", "email": "person1@example.com"}


@pytest.mark.parametrize("count,following", [(0, None), (1, None), (50, None), (51, 50)])
def test_only_a_page_that_others_follow_has_a_next(
    client: Client, users: Database, count: int, following: int | None
) -> None:
    users.fill(people(count))
    _, page = get(client, "/api/users")
    assert len(page["users"]) == min(count, 50)
    assert page["next"] == following


def test_a_page_after_the_last_user_is_empty(client: Client, users: Database) -> None:
    users.fill(people(3))
    assert get(client, f"/api/users?after={2**31 - 1}") == (200, {"users": [], "next": None})


@pytest.mark.parametrize("after", ["", "-1", "x", "1.5", "1e3", "٣", " 1", str(2**31), "9" * 100, "1 OR 1=1"])
def test_a_page_after_nobody_is_bad_input(nowhere: Client, after: str) -> None:
    wrong = {"error": "Invalid input", "fields": {"after": "must be the id of a user"}}
    assert get(nowhere, f"/api/users?after={quote(after)}") == (422, wrong)


# -- a new user ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        'Ada "Countess" O\'Lovelace \\',
        "Zoë 🧊👩‍👩‍👧 さくら",
        "<script>alert(1)</script> &amp;",
        "%s %(name)s {0} $1 ?; DROP TABLE users; --",
        "x" * 100,
        "🧊" * 100,
    ],
    ids=["quotes", "emoji", "markup", "code", "long", "long in bytes"],
)
def test_any_name_is_kept_as_it_is(client: Client, users: Database, name: str) -> None:
    status, created = post(client, {"name": f"  {name}\n", "email": " Ada@Example.com "})
    assert (status, created) == (201, {"id": created["id"], "name": name, "email": "ada@example.com"})
    assert get(client, "/api/users") == (200, {"users": [created], "next": None})
    assert users.users() == [User(name, "ada@example.com")]


NO_OBJECT = {"body": "must be a JSON object with name and email"}


@pytest.mark.parametrize(
    "body,fields",
    [
        (b"", NO_OBJECT),
        (b"name=Ada", NO_OBJECT),
        (b'{"name": "Ada",', NO_OBJECT),
        (b"\xff\xfe\xfd", NO_OBJECT),
        (b"[" * 16_000, NO_OBJECT),
        (b"9" * 16_000, NO_OBJECT),
        ([ADA], NO_OBJECT),
        (None, NO_OBJECT),
        ({}, {"name": "is missing", "email": "is missing"}),
        ({"name": "", "email": None}, {"name": "is missing", "email": "is missing"}),
        ({"name": 1, "email": ["ada@example.com"]}, {"name": "must be text", "email": "must be text"}),
        ({**ADA, "name": " \t"}, {"name": "is blank"}),
        ({**ADA, "name": "x" * 101}, {"name": "is longer than 100 characters"}),
        ({**ADA, "name": "a\0b"}, {"name": "has a control character in it"}),
        ({**ADA, "name": "half of an emoji: \ud83e"}, {"name": "has a control character in it"}),
        ({**ADA, "email": f"{'x' * 243}@example.com"}, {"email": "is longer than 254 characters"}),
        *(
            ({**ADA, "email": email}, {"email": "is not an email address"})
            for email in ("ada", "ada@", "@example.com", "ada@example", "a da@example.com", "a@b@c.d", "a@b.")
        ),
    ],
    ids=lambda value: str(value)[:30] if isinstance(value, bytes) else None,
)
def test_bad_input_is_told_field_by_field(nowhere: Client, body: object, fields: dict[str, str]) -> None:
    assert post(nowhere, body) == (422, {"error": "Invalid input", "fields": fields})


@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "in chunks"])
def test_a_body_of_ten_megabytes_is_refused_and_not_kept(nowhere: Client, chunked: bool) -> None:
    piece = b" " * 65_536
    headers = {} if chunked else {"Content-Length": str(160 * len(piece))}
    connection = HTTPConnection("127.0.0.1", nowhere.port, timeout=30)
    tracemalloc.start()
    try:
        connection.request("POST", "/api/users", (piece for _ in range(160)), headers)
        reply = connection.getresponse()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (reply.status, json.loads(reply.read())) == (413, {"error": "The body is larger than 16 KB"})
    connection.close()
    assert peak < 2_000_000


def test_a_body_just_as_long_as_allowed_is_read(nowhere: Client) -> None:
    for size, status in ((16 * 1024, 422), (16 * 1024 + 1, 413)):
        assert post(nowhere, b"{}" + b" " * (size - 2))[0] == status


def test_an_email_that_exists_is_a_conflict_whatever_its_case(client: Client, users: Database) -> None:
    assert post(client, ADA)[0] == 201
    taken = {"error": "This email exists already", "fields": {"email": "exists already"}}
    assert post(client, {"name": "Another", "email": "ADA@example.com"}) == (409, taken)
    assert post(client, {"name": "Áda", "email": "áda@example.com"})[0] == 201, "an accent makes another"
    assert users.users() == [User("Ada", "ada@example.com"), User("Áda", "áda@example.com")]


def test_of_many_who_add_one_email_at_once_one_does(client: Client, users: Database) -> None:
    with ThreadPoolExecutor(20) as threads:
        statuses = [status for status, _ in threads.map(partial(post, client), [ADA] * 20)]
    assert sorted(statuses) == [201] + [409] * 19
    assert users.users() == [User("Ada", "ada@example.com")]
    assert users.connections() <= 5


@pytest.mark.parametrize(
    "method,path", [("PUT", "/api/users"), ("POST", "/api/time"), ("DELETE", "/api/users")]
)
def test_other_methods_are_not_allowed(nowhere: Client, method: str, path: str) -> None:
    assert nowhere.request(method, path).status == 405


# -- the rest ------------------------------------------------------------------------------------


def test_the_database_tells_the_time(client: Client, users: Database) -> None:
    ((before,),) = users.run("SELECT CURRENT_TIMESTAMP(3)")
    _, said = get(client, "/api/time")
    ((after,),) = users.run("SELECT CURRENT_TIMESTAMP(3)")
    assert before <= datetime.fromisoformat(said["time"]) <= after


def test_the_server_tells_how_many_are_connected(client: Client, users: Database) -> None:
    def count() -> int:
        _, clients = get(client, "/api/connections")
        return sum(one["connections"] for one in clients)

    before = count()
    assert 1 <= before <= 5
    with users.connect():
        assert count() == before + 1


def test_with_the_database_away_each_route_says_so_until_it_is_back(client: Client, users: Database) -> None:
    users.fill(people(1))
    calls = [partial(get, client, path) for path in ("/api/users", "/api/time", "/api/connections")]
    calls.append(partial(post, client, ADA))
    users.server.stop()
    try:
        with ThreadPoolExecutor(len(calls)) as threads:
            assert list(threads.map(lambda call: call(), calls)) == [AWAY] * len(calls)
    finally:
        users.server.start()
    assert [call()[0] for call in calls] == [200, 200, 200, 201]


def test_a_missing_table_is_the_apps_own_error(
    client: Client, users: Database, caplog: pytest.LogCaptureFixture
) -> None:
    users.drop()
    for method, body in (("GET", None), ("POST", json.dumps(ADA).encode())):
        reply = client.request(method, "/api/users", body)
        assert (reply.status, reply.body) == (500, b"Internal Server Error")
    assert get(client, "/api/time")[0] == 200
    assert "users" in caplog.text, "the log says why"


@pytest.mark.parametrize(
    "url,reason",
    [
        (None, "DATABASE_URL"),
        ("", "DATABASE_URL"),
        ("mydb", "DATABASE_URL"),
        ("oracle://scott:s3cret@localhost/orcl", "oracle"),
        ("postgresql://app:s3cret@localhost:x/db", "port"),
    ],
)
def test_a_url_that_leads_nowhere_is_explained_in_the_log_alone(
    url: str | None, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(url) as client:
        reply = client.get("/api/users")
    assert (reply.status, reply.body) == (500, b"Internal Server Error")
    assert reason in caplog.text
    assert "s3cret" not in caplog.text
