"""Rows as JSON: ``json.dumps(rows, default=json_default)`` over what real columns hold."""

from __future__ import annotations

import json

import pytest
from tests.api.flavours import Flavour

from thawpool import json_default
from thawpool.testing.postgres import Postgres

COLUMNS = {
    "1::int": 1,
    "1.50::numeric": "1.50",
    "'NaN'::numeric": "NaN",
    "'2026-01-31'::date": "2026-01-31",
    "'09:30:01.5'::time": "09:30:01.500000",
    "'2026-01-31 09:30'::timestamp": "2026-01-31T09:30:00",
    "'2026-01-31 09:30+00'::timestamptz": "2026-01-31T09:30:00+00:00",
    "'1 day 2 hours 0.5 seconds'::interval": "P1DT2H0.5S",
    "'12345678-1234-5678-1234-567812345678'::uuid": "12345678-1234-5678-1234-567812345678",
    "'\\x00ff'::bytea": "AP8=",
    "'{1,2}'::int[]": [1, 2],
    "'[1,5)'::int4range": {"lower": 1, "upper": 5, "bounds": "[)"},
    "'empty'::int4range": {"lower": None, "upper": None, "bounds": "empty"},
    "'10.0.0.0/8'::cidr": "10.0.0.0/8",
    "'127.0.0.1'::inet": "127.0.0.1",
    "NULL::text": None,
    '\'["a", {"b": 1}]\'::jsonb': ["a", {"b": 1}],
}


@pytest.mark.parametrize("expression", COLUMNS)
async def test_a_column_as_json(flavour: Flavour, postgres: Postgres, expression: str) -> None:
    rows = await flavour.pool(postgres.url()).query(f"SELECT {expression} AS value")
    assert json.loads(json.dumps(rows, default=json_default)) == [{"value": COLUMNS[expression]}]


def test_what_is_not_known_says_what_to_do() -> None:
    with pytest.raises(TypeError, match=r"builtins\.object cannot be made JSON: cast the column in SQL"):
        json.dumps([{"value": object()}], default=json_default)
