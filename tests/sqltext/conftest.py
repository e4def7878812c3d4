"""Sessions on each PostgreSQL that is here, and a role with few rights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, TypeAlias

import psycopg
import pytest

from thawpool.testing.postgres import Postgres

__all__ = ["Open"]

Open: TypeAlias = Callable[..., "psycopg.Connection[Any]"]
ROLE = "sqltext_app"


@pytest.fixture(
    scope="module",
    params=["postgres", pytest.param("postgres15", marks=pytest.mark.needs("postgres15"))],
)
def server(request: pytest.FixtureRequest) -> Iterator[Postgres]:
    """Each server, with an ordinary role ``sqltext_app`` that is a member of ``sqltext_app_reader``."""
    server: Postgres = request.getfixturevalue(request.param)
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {ROLE} LOGIN; CREATE ROLE {ROLE}_reader; GRANT {ROLE}_reader TO {ROLE}")
        yield server
        admin.execute(f"DROP ROLE {ROLE}; DROP ROLE {ROLE}_reader")


@pytest.fixture
def opened(server: Postgres) -> Iterator[Open]:
    """Open sessions: ``opened()`` for the superuser, ``opened(ROLE)`` for the ordinary role."""
    with ExitStack() as stack:

        def open_session(user: str = "postgres", **query: Any) -> psycopg.Connection[Any]:
            url = server.url(user, **query)
            return stack.enter_context(psycopg.connect(url, autocommit=True, prepare_threshold=None))

        yield open_session
