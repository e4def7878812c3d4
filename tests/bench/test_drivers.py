"""The question about drivers: all that thawpool has, each beside a connection that answers the same."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest
from bench.contenders import EVERY
from bench.contenders.drivers import Address
from bench.questions import drivers
from bench.sampling import Results
from bench.stage import address_of

from thawpool.drivers import ADAPTERS

SQL = "SELECT 1 AS one, 'a' AS letter"
ROW = {"one": 1, "letter": "a"}
#: psycopg has both flavours.
NAMES = [f"{name} async" if is_async and name == "psycopg" else name for name, is_async in ADAPTERS]


def needed_by(name: str) -> list[pytest.MarkDecorator]:
    parts = ["mysqlclient"] * (name == "mysqlclient") + ["mariadb"] * (
        EVERY[f"thawpool {name}"].server == "mysql"
    )
    return [pytest.mark.needs(part) for part in parts]


@pytest.fixture
def addresses(request: pytest.FixtureRequest) -> Any:
    """Where the server of a system is, started if it is asked for."""
    fixtures = {"postgresql": "postgres", "mysql": "mariadb"}
    return lambda system: address_of(request.getfixturevalue(fixtures[system]).url())


def test_every_driver_is_asked_of_in_both_forms() -> None:
    assert sorted(drivers.PEERS) == sorted(NAMES)
    rows = [sample.row for sample in drivers.samples()]
    for name in NAMES:
        assert {f"thawpool {name}", f"thawpool {name} query()"} < set(rows)


@pytest.mark.parametrize("name", [pytest.param(name, marks=needed_by(name)) for name in NAMES])
def test_a_held_connection_answers_as_the_pool_does(name: str, addresses: Any) -> None:
    address = addresses(EVERY[f"thawpool {name}"].server)
    assert asyncio.run(answers(f"thawpool {name}", address)) == [tuple(ROW.values())] * 2
    assert asyncio.run(answers(f"thawpool {name} query()", address)) == [ROW] * 2


async def answers(name: str, address: Address) -> list[Any]:
    """The row that the pool gives, and the one of a connection without it."""

    async def done(answer: Any) -> Any:
        return await answer if inspect.isawaitable(answer) else answer

    pool: Any = EVERY[name](address)
    await done(pool.open())
    raw = await done(pool.raw())
    kind = dict if name.endswith("query()") else tuple
    try:
        return [kind(row) for (row,) in (await done(pool.request(SQL)), await done(pool.raw_rows(raw, SQL)))]
    finally:
        await done(raw.close())
        await done(pool.close())


def test_the_summary_has_a_line_for_every_driver_and_says_why_one_has_no_figures() -> None:
    metrics = {"ns": 2100.0, "SELECT 1: ratio": 0.98, "50 rows: ratio": 1.04, "ratio": 2.5}
    taken: list[dict[str, Any]] = [
        {"round": 1, "place": 0, "case": "threads", "row": "thawpool pymysql", "metrics": metrics},
        {"round": 1, "place": 1, "case": "threads", "row": "thawpool mysqlclient", "error": "no MySQLdb"},
        {"round": 1, "place": 2, "case": "threads", "row": "DBUtils PyMySQL, fast", "metrics": metrics},
    ]
    summary = drivers.tables(Results(taken))[0]
    lines = {row[0]: list(row[1:]) for row in summary.rows}
    assert set(NAMES) < lines.keys()
    assert lines["pymysql"] == [
        "0.980",
        "1.040",
        "-",
        "2.10",
        "-",
        "DBUtils PyMySQL",
        "0.980",
        "1.040",
        "2.10",
    ]
    assert lines["mysqlclient"][:4] == ["no MySQLdb", "", "", ""]
    assert all(len(row) == len(summary.head) for row in summary.rows)
