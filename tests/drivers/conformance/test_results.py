"""Several results of one statement, and tables of a library's that a borrower changes in place."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.drivers.conformance.case import Case, over

PROCEDURE = "conformance_results"


@pytest.fixture
def procedure(case: Case) -> Iterator[str]:
    """A procedure with two results of its own."""
    case.outside.run(
        f"CREATE PROCEDURE {PROCEDURE}(n INT) BEGIN SELECT n AS x; SELECT n + 1 AS y, 2 AS z; END"
    )
    yield PROCEDURE
    case.outside.run(f"DROP PROCEDURE {PROCEDURE}")


@over(system="mysql", every_server=True)
async def test_a_procedure_may_be_called_again_and_again(case: Case, procedure: str) -> None:
    pool = case.pool(max_size=1)
    for number in range(4):
        assert await pool.query(f"CALL {procedure}(%s)", (number,)) == [{"x": number}]
        assert await pool.query("SELECT 'mine' AS whose") == [{"whose": "mine"}]
    stats = pool.stats()
    assert (stats.opened, stats.retired) == (1, {})


@over(system="mysql")
async def test_a_procedure_in_a_transaction(case: Case, procedure: str) -> None:
    pool = case.pool(max_size=1)
    async with pool.transaction() as tx:
        for number in range(3):
            assert await tx.query(f"CALL {procedure}(%s)", (number,)) == [{"x": number}]
    assert await pool.query("SELECT 'mine' AS whose") == [{"whose": "mine"}]


#: Where a library keeps the tables of its converters, and the key of one for texts there.
TABLES = {
    "pymysql": ("decoders", 253),
    "aiomysql": ("decoders", 253),
    "pg8000": ("pg_types", 25),
    "toy": ("decoders", 253),
}


@over()
async def test_a_table_that_was_changed_in_place_is_as_before(case: Case) -> None:
    if case.driver not in TABLES:
        return
    table, key = TABLES[case.driver]
    pool = case.pool(max_size=1)
    async with pool.connection() as conn:
        converters = getattr(conn, table)
        converters |= {key: lambda value: "LEAK"}
    assert await pool.query("SELECT 'a' AS a") == [{"a": "a"}]
    async with pool.connection() as conn:
        getattr(conn, table)[key] = lambda value: "LEAK"
    assert await pool.query("SELECT 'a' AS a") == [{"a": "a"}]
