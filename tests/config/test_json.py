"""Rows as JSON."""

from __future__ import annotations

import enum
import ipaddress
import json
import uuid
from collections import OrderedDict, deque
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import asyncpg
import pytest
from psycopg.types.multirange import Multirange
from psycopg.types.range import Range

from thawpool._json import json_default


class Color(enum.Enum):
    RED = "red"
    PRICE = Decimal("1.50")


class Price(Decimal):
    pass


@pytest.mark.parametrize(
    "value, expected",
    [
        (date(2026, 1, 31), "2026-01-31"),
        (time(9, 30), "09:30:00"),
        (datetime(2026, 1, 31, 9, 30, tzinfo=UTC), "2026-01-31T09:30:00+00:00"),
        (datetime(2026, 1, 31, 9, 30, 0, 5, timezone(timedelta(hours=2))), "2026-01-31T09:30:00.000005+02:00"),
        (datetime(2026, 1, 31, 9, 30), "2026-01-31T09:30:00"),  # noqa: DTZ001 - "timestamp without time zone"
        (timedelta(), "PT0S"),
        (timedelta(days=1, hours=2, seconds=0.5), "P1DT2H0.5S"),
        (timedelta(minutes=90), "PT1H30M"),
        (timedelta(days=400), "P400D"),
        (timedelta(seconds=-1.25), "-PT1.25S"),
        (timedelta(microseconds=1), "PT0.000001S"),
        (Decimal("12345678901234567890.10"), "12345678901234567890.10"),
        (Decimal("NaN"), "NaN"),
        (Price("9.90"), "9.90"),
        (uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (b"\x00\xff", "AP8="),
        (bytearray(b"ab"), "YWI="),
        (memoryview(b"abc"), "YWJj"),
        (b"", ""),
        (ipaddress.ip_address("10.0.0.1"), "10.0.0.1"),
        (ipaddress.ip_interface("10.0.0.1/8"), "10.0.0.1/8"),
        (ipaddress.ip_network("2001:db8::/32"), "2001:db8::/32"),
        (Color.RED, "red"),
        (Color.PRICE, "1.50"),
        ({1}, [1]),
        (frozenset({"a"}), ["a"]),
        (deque([1, 2]), [1, 2]),
        (range(3), [0, 1, 2]),
        (MappingProxyType({"a": 1}), {"a": 1}),
        (OrderedDict(a=1), {"a": 1}),
        ({"nested": [{"at": date(2026, 1, 31), "tags": {Decimal(1)}}]}, {"nested": [{"at": "2026-01-31", "tags": ["1"]}]}),
    ],
)  # fmt: skip
def test_a_value(value: Any, expected: Any) -> None:
    assert json.loads(json.dumps(value, default=json_default)) == expected


def test_ranges_of_psycopg() -> None:
    one = Range(1, 5)
    assert json_default(one) == {"lower": 1, "upper": 5, "bounds": "[)"}
    assert json_default(Range(None, Decimal(5), "(]")) == {
        "lower": None,
        "upper": Decimal(5),
        "bounds": "(]",
    }
    assert json_default(Range(empty=True)) == {"lower": None, "upper": None, "bounds": "empty"}
    assert json.loads(json.dumps(Multirange([one]), default=json_default)) == [json_default(one)]


def test_types_of_asyncpg() -> None:
    assert json_default(asyncpg.Range(1, 5)) == {"lower": 1, "upper": 5, "bounds": "[)"}
    assert json_default(asyncpg.Range(empty=True)) == {"lower": None, "upper": None, "bounds": "empty"}
    assert json_default(asyncpg.BitString("0101")) == "0101"
    polygon = asyncpg.Polygon((1, 2), (3, 4))
    assert json.loads(json.dumps(polygon, default=json_default)) == [[1.0, 2.0], [3.0, 4.0]]
    assert json.loads(json.dumps(asyncpg.Circle((1, 2), 3))) == [[1.0, 2.0], 3.0]
    assert json_default(asyncpg.pgproto.pgproto.UUID("0" * 31 + "7")) == str(uuid.UUID(int=7))


@pytest.mark.parametrize("value", [object(), 1j, len, Color], ids=["object", "complex", "function", "class"])
def test_anything_else_is_a_type_error_that_says_what_to_do(value: Any) -> None:
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    with pytest.raises(TypeError) as caught:
        json.dumps({"a": value}, default=json_default)
    assert str(caught.value) == (
        f"{kind} cannot be made JSON: cast the column in SQL (::text), or pass a default= of your own that handles it "
        "and calls json_default for the rest"
    )
