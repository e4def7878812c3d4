"""Tests here break something real: a connection, a server, a process, a thread, a task."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.api.flavours import FLAVOURS, pytest_pyfunc_call
from tests.support.loops import LoopFlavour
from tests.support.stale_proxy import StaleProxy

from thawpool.testing.postgres import Postgres

__all__ = ["flavour", "link", "pytest_pyfunc_call"]


@pytest.fixture(params=FLAVOURS)
def flavour(request: pytest.FixtureRequest) -> LoopFlavour:
    """Each kind of pool in turn; with ``LOOPS`` on either event loop."""
    return LoopFlavour(request.param)


@pytest.fixture
def link(postgres: Postgres) -> Iterator[StaleProxy]:
    """The network between a pool and ``postgres``."""
    with StaleProxy("127.0.0.1", postgres.port) as proxy:
        yield proxy
