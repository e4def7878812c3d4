"""The suite that every driver passes: each test over each driver, in threads and asyncio, before real servers."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from tests.drivers.conformance.case import Case, case
from tests.drivers.conformance.outside import Outside, Server
from tests.support.pools import pytest_pyfunc_call
from tests.support.stale_proxy import StaleProxy

__all__ = ["case", "link", "other_table", "own", "pytest_pyfunc_call", "quick_collections", "table", "tables"]


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


@pytest.fixture(scope="module")
def tables() -> Iterator[dict[str, Outside]]:
    """By "server table" the tables that the tests of a file have made, dropped at its end."""
    made: dict[str, Outside] = {}
    yield made
    for name, outside in made.items():
        outside.run(f"DROP TABLE {name.split()[1]}")


@pytest.fixture
def table(case: Case, tables: dict[str, Outside]) -> str:
    """An empty table with a column of each type."""
    return an_empty_table(case, tables, "conformance_rows")


@pytest.fixture
def other_table(case: Case, tables: dict[str, Outside]) -> str:
    """Another one."""
    return an_empty_table(case, tables, "conformance_others")


def an_empty_table(case: Case, tables: dict[str, Outside], name: str) -> str:
    key = f"{case.server.port} {name}"
    if key in tables:
        tables[key].run(f"DELETE FROM {name}")
    else:
        tables[key] = case.outside
        tables[key].run(f"CREATE TABLE {name} ({case.dialect.columns})")
    return name
