"""asyncpg's records as dicts, of whatever shape they are."""

from __future__ import annotations

import pytest
from tests.support.loops import LoopFlavour

from thawpool import AsyncPool
from thawpool.testing.postgres import Postgres


@pytest.fixture
def pool(flavour: LoopFlavour, postgres: Postgres) -> AsyncPool:
    return flavour.pool(postgres.url(), max_size=1)


@pytest.mark.parametrize("width", [1, 2, 32, 33, 300])
async def test_any_number_of_columns(pool: AsyncPool, flavour: LoopFlavour, width: int) -> None:
    columns = ", ".join(f"row * 1000 + {at} AS column_{at}" for at in range(width))
    for _ in range(2):
        assert await pool.query(f"SELECT {columns} FROM generate_series(1, 3) row") == [
            {f"column_{at}": row * 1000 + at for at in range(width)} for row in (1, 2, 3)
        ]


async def test_no_columns_and_no_rows(pool: AsyncPool, flavour: LoopFlavour) -> None:
    for _ in range(2):
        assert await pool.query("SELECT FROM generate_series(1, 2)") == [{}, {}]
        assert await pool.query("SELECT 1 AS a WHERE false") == []
        assert await pool.query("SET LOCAL TRANSACTION READ ONLY") == []


async def test_a_columns_name_is_never_taken_for_code(pool: AsyncPool, flavour: LoopFlavour) -> None:
    names = [
        "?column?",
        "records",
        "k1",
        "k0: 1}] + [{",
        "'); raise SystemExit(",
        '"',
        "\\",
        "{",
        "schön",
        "a\nb",
    ]
    columns = ", ".join(f"{at} AS " + '"' + name.replace('"', '""') + '"' for at, name in enumerate(names))
    for _ in range(2):
        assert await pool.query(f"SELECT {columns}") == [{name: at for at, name in enumerate(names)}]


async def test_statements_of_one_shape_keep_their_own_names(pool: AsyncPool, flavour: LoopFlavour) -> None:
    for _ in range(2):
        assert await pool.query("SELECT 1 AS a, 2 AS b") == [{"a": 1, "b": 2}]
        assert await pool.query("SELECT 3 AS b, 4 AS a") == [{"b": 3, "a": 4}]


@pytest.mark.parametrize("more", [0, 40])
async def test_json_beside_columns_of_other_types(pool: AsyncPool, flavour: LoopFlavour, more: int) -> None:
    columns = "".join(f", {at} AS column_{at}" for at in range(more))
    sql = """SELECT '{"a": [1]}'::jsonb AS doc, NULL::json AS none, ARRAY['1', NULL]::json[] AS docs, '[]' AS text"""
    expected = {"doc": {"a": [1]}, "none": None, "docs": [1, None], "text": "[]"}
    for _ in range(2):
        assert await pool.query(sql + columns) == [{**expected, **{f"column_{at}": at for at in range(more)}}]
