"""A demo to use, and a database of somebody else's."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from tests.demo.running import Demo

from thawpool.testing.postgres import Postgres


@pytest.fixture(scope="package")
def demo() -> Iterator[Demo]:
    """One demo for all tests that leave it as they found it: up, and thawed."""
    with Demo() as running:
        yield running


@pytest.fixture
def url(postgres: Postgres) -> Iterator[str]:
    """An empty database on a server that is not the demo's."""
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute("CREATE DATABASE theirs")
        yield postgres.url(database="theirs", application_name="theirs")
        admin.execute("DROP DATABASE theirs WITH (FORCE)")
