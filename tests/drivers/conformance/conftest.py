"""The suite that every driver passes: each test over each driver, in threads and asyncio, before real servers."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from tests.drivers.conformance.case import Case, case
from tests.drivers.conformance.outside import Server
from tests.support.pools import pytest_pyfunc_call
from tests.support.stale_proxy import StaleProxy

__all__ = ["case", "link", "own", "pytest_pyfunc_call", "quick_collections", "table"]


@pytest.fixture(scope="module", autouse=True)
def quick_collections() -> Iterator[None]:
    """Spare the garbage collector what the run holds anyway: many tests here ask it to look for what they lost."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def own(case: Case, request: pytest.FixtureRequest) -> Server:
    """A server of the case's system for this test alone: to stop, pause or change."""
    server: Server = request.getfixturevalue("own_postgres" if case.system == "postgresql" else "own_mariadb")
    return server


@pytest.fixture
def link(case: Case) -> Iterator[StaleProxy]:
    """The network between a pool and the shared server: ``case.pool(link.url(case.server.url()))``."""
    with StaleProxy("127.0.0.1", case.server.port, record=True) as proxy:
        yield proxy


@pytest.fixture
def table(case: Case) -> Iterator[str]:
    """An empty table with a column of each type."""
    name = "conformance_rows"
    case.outside.run(f"CREATE TABLE {name} ({case.dialect.columns})")
    yield name
    case.outside.run(f"DROP TABLE {name}")
