"""Scenarios of node-postgres' pg-pool tests, over every flavour."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest
from tests.api.flavours import Flavour
from tests.conftest import ProxyFactory
from tests.scenarios.sessions import end_sessions, sessions

from thawpool import PoolTimeout
from thawpool.testing.postgres import Postgres

ONE = [{"n": 1}]


async def test_node_releases_newly_connected_clients_if_the_queued_already_timed_out(
    flavour: Flavour, postgres: Postgres, proxy: ProxyFactory
) -> None:
    """The dial would succeed too late: nothing of it stays behind, here or at the server."""
    wire, name = proxy(), f"late-{flavour.name}"
    wire.accept_silently()
    pool = flavour.pool(wire.url(postgres.url(application_name=name)), max_size=1)
    with pytest.raises(PoolTimeout):
        await pool.query("SELECT 1", timeout=0.2)
    wire.resume()
    await flavour.until(lambda: wire.connections == 0 and sessions(postgres, name) == 0)
    assert pool.stats().total == 0
    assert await pool.query("SELECT 1 AS n") == ONE


async def test_node_error_from_idle_client(
    flavour: Flavour, postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    """The death of an idle connection is no event: no exception anywhere, no warning, no failed query."""
    name = f"dead-{flavour.name}"
    pool = flavour.pool(postgres.url(application_name=name), max_size=2)
    await pool.warm(2)
    with caplog.at_level(logging.WARNING):
        assert end_sessions(postgres, name) == 2
        assert await pool.query("SELECT 1 AS n") == ONE
    assert caplog.records == []


PROGRAM = {
    "threads": """
from thawpool import Pool
pool = Pool({url!r})
print(pool.query("SELECT 1 AS n"))
""",
    "asyncio": """
import asyncio
from thawpool import AsyncPool
pool = AsyncPool({url!r})
async def main():
    print(await pool.query("SELECT 1 AS n"))
asyncio.run(main())
""",
}


def test_node_program_can_exit_when_idle(flavour: Flavour, postgres: Postgres) -> None:
    """A pool that nobody closed keeps no program alive, and has nothing to complain of at its end."""
    name = f"exit-{flavour.name}"
    url = flavour.url(postgres.url(application_name=name))
    program = PROGRAM["asyncio" if flavour.is_async else "threads"].format(url=url)
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=30
    )
    assert (ended.returncode, ended.stdout.strip(), ended.stderr) == (0, "[{'n': 1}]", "")
