"""What an observer hears, in order, and that its own mistakes go no further."""

from __future__ import annotations

import pytest
from tests.api.flavours import Flavour

from thawpool import ConnectFailed
from thawpool.testing.postgres import Postgres


class Log:
    """An observer that writes down what it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, ...]] = []
        self.waits: list[float] = []

    def opened(self, pool: str) -> None:
        self.heard.append((pool, "opened"))

    def open_failed(self, pool: str, error: str) -> None:
        self.heard.append((pool, "open_failed", error))

    def retired(self, pool: str, reason: str) -> None:
        self.heard.append((pool, "retired", reason))

    def thawed(self, pool: str, why: str) -> None:
        self.heard.append((pool, "thawed", why))

    def waited(self, pool: str, seconds: float) -> None:
        self.waits.append(seconds)


async def test_events_arrive_in_order(flavour: Flavour, postgres: Postgres) -> None:
    log = Log()
    pool = flavour.pool(postgres.url(), name="p", observer=log)
    await pool.query("SELECT 1")
    await pool.thaw()
    await pool.query("SELECT 1")
    await pool.expire()
    await pool.close()
    assert log.heard == [("p", "opened"), ("p", "thawed", "signal"), ("p", "retired", "expired")]
    assert len(log.waits) == 2
    assert all(seconds > 0 for seconds in log.waits)


async def test_the_fast_path_reports_nothing(flavour: Flavour, postgres: Postgres) -> None:
    log = Log()
    pool = flavour.pool(postgres.url(), observer=log)
    await pool.warm(1)
    log.heard.clear()
    for _ in range(3):
        async with pool.connection():
            pass
    assert (log.heard, log.waits) == ([], [])


async def test_a_failed_dial_is_reported_by_the_name_of_its_error(
    flavour: Flavour, own_postgres: Postgres
) -> None:
    log = Log()
    pool = flavour.pool(own_postgres.url(), name="p", observer=log)
    own_postgres.stop("immediate")
    with pytest.raises(ConnectFailed):
        await pool.query("SELECT 1")
    assert log.heard == [("p", "open_failed", "ConnectFailed")]


class Broken(Log):
    """One whose every method fails."""

    def opened(self, pool: str) -> None:
        raise ZeroDivisionError

    def waited(self, pool: str, seconds: float) -> None:
        raise ZeroDivisionError


async def test_an_observer_that_fails_is_logged_and_harms_nobody(
    flavour: Flavour, postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    pool = flavour.pool(postgres.url(), observer=Broken())
    assert await pool.query("SELECT 1 AS n") == [{"n": 1}]
    assert "the observer failed at 'opened'" in caplog.text
    assert "the observer failed at 'waited'" in caplog.text
    assert pool.stats().idle == 1
