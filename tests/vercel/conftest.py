"""Functions under Vercel's runtime: one of each kind for all tests, and others for one test alone."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from tests.vercel.sites import KINDS, Site

from thawpool.testing.mariadb import MariaDB
from thawpool.testing.postgres import Postgres

Launch = Callable[..., Site]


#: One for each of the three ways in which Vercel runs a function, for tests that start one of their own.
EACH = pytest.mark.parametrize("kind", ["asgi-asyncpg", "wsgi", "handler"])
ALL = [
    pytest.param(name, marks=pytest.mark.needs("mariadb")) if kind.scheme.startswith("mysql") else name
    for name, kind in KINDS.items()
    if name != "asyncio.run"
]


@pytest.fixture(scope="package", params=ALL)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A function of each kind, shared by all tests that leave it as they found it: well, awake, and at rest."""
    with Site(request.param, _server(request, request.param)) as running:
        yield running


@pytest.fixture
def launch(request: pytest.FixtureRequest) -> Iterator[Launch]:
    """Start functions for one test alone: ``launch(kind, server=the shared one, ...)``, the rest as of ``Site``."""
    with ExitStack() as stack:

        def start(kind: str, server: Postgres | MariaDB | None = None, **options: Any) -> Site:
            made = Site(kind, server or _server(request, kind), **options)
            request.node.funcargs[f"launched {id(made)}"] = made
            return stack.enter_context(made)

        yield start


def _server(request: pytest.FixtureRequest, kind: str) -> Any:
    return request.getfixturevalue("mariadb" if KINDS[kind].scheme.startswith("mysql") else "postgres")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """A failure carries what the functions of its test wrote."""
    try:
        return (yield)
    except BaseException as error:
        for value in item.funcargs.values():  # type: ignore[attr-defined]
            if isinstance(value, Site):
                error.add_note(f"the function wrote:\n{value.function.output}")
        raise
