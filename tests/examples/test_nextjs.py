"""The starter of Next.js, made out of the wheel, installed, built, and asked for the users."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from tests.examples.conftest import Installed
from tests.examples.databases import database, people
from tests.examples.site import Site, site
from tests.support.next_app import Edge

pytestmark = [
    pytest.mark.needs("vercel"),
    pytest.mark.timeout(600),  # the first one installs and builds the app
]


@pytest.fixture(scope="module")
def app(next_app: Path, edge: Edge, installed: Installed) -> Iterator[Site]:
    with database("postgresql") as made, site(next_app, edge, made, installed.packages) as running:
        made.fill(people(120))
        yield running


def ask(app: Site, path: str, body: object = None) -> Any:
    request = Request(app.url + path, None if body is None else json.dumps(body).encode())
    with urlopen(request, timeout=30) as answer:
        return json.load(answer)


@pytest.mark.parametrize("route", ["/api/users", "/api/users-js", "/api/users-js-app"])
def test_each_route_has_the_first_fifty_users(app: Site, route: str) -> None:
    page = ask(app, route)
    assert [(user["name"], user["email"]) for user in page["users"]] == people(50)
    assert page["next"] == page["users"][-1]["id"]


def test_the_others_follow(app: Site) -> None:
    after: int | None = 0
    names: list[str] = []
    while after is not None:
        page = ask(app, f"/api/users?after={after}")
        after = page["next"]
        names += (user["name"] for user in page["users"])
    assert names == [user.name for user in people(120)]


def test_one_is_added(app: Site) -> None:
    user = ask(app, "/api/users", {"name": "Ada", "email": "ada@example.com"})
    assert ask(app, f"/api/users?after={user['id'] - 1}") == {"users": [user], "next": None}


def test_the_function_is_told_its_deadline_and_gives_its_connections_back(app: Site) -> None:
    assert ask(app, "/api/time").keys() == {"time"}
    app.function.rest()
    assert 1 <= app.database.connections() <= 10, "5 of Python's pool, 5 of JavaScript's"
