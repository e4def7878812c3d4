"""The servers that tests run against. Each is real, a child of the run, and gone with it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from tests.support.full_backlog import FullBacklog
from tests.support.parts import POSTGRES_15, Parts
from tests.support.pgbouncer import PgBouncer

from thawpool._base import PoolBase
from thawpool.testing.mariadb import MariaDB, find_mysql
from thawpool.testing.postgres import Postgres, find_postgres
from thawpool.testing.proxy import FaultProxy

ProxyFactory = Callable[..., FaultProxy]


def pytest_configure(config: pytest.Config) -> None:
    required = os.environ.get("REQUIRE_ALL", "") not in ("", "0")
    config.pluginmanager.register(Parts(required=required), "thawpool-parts")


@pytest.fixture(autouse=True)
def no_invocation_before() -> Iterator[None]:
    """An invocation changes what later leases of the process are marked with."""
    PoolBase._marks = False
    yield
    PoolBase._marks = False


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """PostgreSQL 18, shared by all tests: none may stop it or leave anything in it."""
    with Postgres(find_postgres("embedded")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres15() -> Iterator[Postgres]:
    """PostgreSQL 15, shared like ``postgres``."""
    with Postgres(POSTGRES_15) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_tls() -> Iterator[Postgres]:
    """PostgreSQL 17 with TLS and passwords (SCRAM), shared like ``postgres``; ``ca_file`` vouches for it."""
    with Postgres(find_postgres("celerp"), tls=True, auth="scram-sha-256") as server:
        yield server


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A fresh PostgreSQL 18 for this test alone: to stop, kill, pause, or fill up."""
    with Postgres(find_postgres("embedded")) as server:
        yield server


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    """MariaDB, shared by all tests: none may stop it or leave anything in it."""
    with MariaDB() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb_tls() -> Iterator[MariaDB]:
    """MariaDB with TLS and passwords, shared like ``mariadb``; ``ca_file`` vouches for it."""
    with MariaDB(tls=True, auth="password") as server:
        yield server


@pytest.fixture
def own_mariadb() -> Iterator[MariaDB]:
    """A fresh MariaDB for this test alone: to stop, kill, pause, or fill up."""
    with MariaDB() as server:
        yield server


@pytest.fixture(scope="session")
def mysql() -> Iterator[MariaDB]:
    """MySQL, shared like ``mariadb``."""
    with MariaDB(find_mysql()) as server:
        yield server


@pytest.fixture
def proxy(postgres: Postgres) -> Iterator[ProxyFactory]:
    """Make fault proxies: ``proxy(server=postgres, record=False)``."""
    with ExitStack() as stack:

        def make(server: Postgres = postgres, *, record: bool = False) -> FaultProxy:
            return stack.enter_context(FaultProxy("127.0.0.1", server.port, record=record))

        yield make


@pytest.fixture(scope="session")
def pgbouncer(postgres: Postgres) -> Iterator[PgBouncer]:
    """PgBouncer in transaction pooling before ``postgres``, shared like it."""
    with PgBouncer(postgres) as pooler:
        yield pooler


@pytest.fixture
def packets_dropped() -> Iterator[FullBacklog]:
    """An address at which connecting hangs: its ``port`` and ``url()``."""
    with FullBacklog() as address:
        yield address
