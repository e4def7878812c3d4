"""A demo to use, and a database of somebody else's: each with PostgreSQL and with MariaDB."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.demo.foreign import Foreign, foreign_mysql, foreign_postgresql
from tests.demo.running import SYSTEMS, Demo


@pytest.fixture(scope="package", params=SYSTEMS)
def demo(request: pytest.FixtureRequest) -> Iterator[Demo]:
    """One demo of a kind for all tests that leave it as they found it: up, and thawed."""
    with Demo(system=request.param) as running:
        yield running


@pytest.fixture(params=SYSTEMS)
def theirs(request: pytest.FixtureRequest) -> Iterator[Foreign]:
    """An empty database on a server that is not the demo's."""
    if request.param == "mysql":
        with foreign_mysql(request.getfixturevalue("mariadb")) as database:
            yield database
    else:
        with foreign_postgresql(request.getfixturevalue("postgres")) as database:
            yield database
