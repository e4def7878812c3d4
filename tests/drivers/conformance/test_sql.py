"""The same statements and parameters mean the same on every driver."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from tests.drivers.conformance.case import EVERY_SERVER, Case, over

from thawpool import ParamsError, PoolError

ROW: dict[str, Any] = {
    "i": -7,
    "t": 'it\'s 100% \\ "quoted" %s %(name)s \n\t grüße 🐘🐬',
    "b": bytes(range(256)) + b"'\\%s",
    "d": date(2024, 2, 29),
    "ts": datetime(1999, 12, 31, 23, 59, 59, 123456),  # noqa: DTZ001  the column has none
    "n": Decimal("12345678.9012"),
    "yes": True,
    "x": None,
}
COLUMNS = ", ".join(ROW)
MARKS = ", ".join(["%s"] * len(ROW))


def insert(table: str) -> str:
    return f"INSERT INTO {table} ({COLUMNS}) VALUES ({MARKS})"


@EVERY_SERVER
async def test_values_of_each_type_come_back_as_they_went(case: Case, table: str) -> None:
    pool = case.pool()
    assert await pool.execute(insert(table), tuple(ROW.values())) == 1
    names = ", ".join(f"%({name})s" for name in ROW)
    assert await pool.execute(f"INSERT INTO {table} ({COLUMNS}) VALUES ({names})", ROW) == 1
    rows = await pool.query(f"SELECT {COLUMNS} FROM {table}")
    assert rows == [ROW, ROW]
    assert {name: type(value) for name, value in rows[0].items() if name != "yes"} == {
        name: type(value) for name, value in ROW.items() if name != "yes"
    }


@EVERY_SERVER
@pytest.mark.parametrize("name", ["i", "t", "d", "ts", "n", "yes"])
async def test_a_row_is_found_by_each_type_of_parameter(case: Case, table: str, name: str) -> None:
    pool = case.pool()
    await pool.execute(insert(table), list(ROW.values()))
    found = f"SELECT i FROM {table} WHERE {name} = %s"
    assert await pool.query(found, (ROW[name],)) == [{"i": -7}]
    assert await pool.query(
        f"SELECT i FROM {table} WHERE {name} = %(it)s AND i = %(i)s", {"it": ROW[name], "i": -7}
    )


@pytest.mark.parametrize("value", [None, False, 0, 2**31 - 1, -(2**31)])
@over()
async def test_small_and_large_numbers_and_none(case: Case, table: str, value: Any) -> None:
    pool = case.pool()
    await pool.execute(f"INSERT INTO {table} (i) VALUES (%s)", (None if value is None else int(value),))
    assert await pool.query(f"SELECT i FROM {table}") == [{"i": value}]


@over()
async def test_percent_signs(case: Case, table: str) -> None:
    pool = case.pool()
    for text in ("100%", "100s", "it"):
        await pool.execute(f"INSERT INTO {table} (t) VALUES (%s)", (text,))
    assert await pool.query(f"SELECT t FROM {table} WHERE t LIKE '100%%' AND t <> %s", ("100s",)) == [
        {"t": "100%"}
    ]
    assert await pool.query(f"SELECT t FROM {table} WHERE t LIKE 'i%'") == [{"t": "it"}]
    assert await pool.query(f"SELECT '%s' AS mark, 'a%%b' AS two, t FROM {table} WHERE t = %s", ("it",)) == [
        {"mark": "%s", "two": "a%b", "t": "it"}
    ]
    assert await pool.query("SELECT '%s' AS mark, '%%' AS two") == [{"mark": "%s", "two": "%%"}]
    assert await pool.query(f"SELECT t FROM {table} WHERE t LIKE %s AND 7 %% 4 = 3", ("%0%",)) == [
        {"t": "100%"},
        {"t": "100s"},
    ]


@over()
async def test_a_name_may_come_twice_and_out_of_order(case: Case, table: str) -> None:
    pool = case.pool()
    sql = f"INSERT INTO {table} (t, i, x) VALUES (%(text)s, %(number)s, %(text)s)"
    assert await pool.execute(sql, {"number": 7, "text": "it", "unused": 1}) == 1
    assert await pool.query(f"SELECT t, i, x FROM {table}") == [{"t": "it", "i": 7, "x": "it"}]


@over()
@pytest.mark.parametrize("params", ["text", (1, 2), (), {"other": 1}])
async def test_parameters_that_do_not_fit_never_reach_the_server(case: Case, table: str, params: Any) -> None:
    pool = case.pool()
    with pytest.raises(ParamsError):
        await pool.query(f"SELECT i FROM {table} WHERE i = %s", params)
    assert await pool.query("SELECT 1 AS one") == [{"one": 1}]
    assert pool.stats().total == 1


@over()
async def test_text_of_a_parameter_is_never_sql(case: Case, table: str) -> None:
    pool = case.pool()
    for text in ("'); DELETE FROM x; --", "\\'; --", "\\", "%", "$1", "\\\\' OR 1=1 #", "x' OR 'x'='x"):
        await pool.execute(f"INSERT INTO {table} (t) VALUES (%s)", (text,))
        assert await pool.query(f"SELECT t FROM {table} WHERE t = %s", (text,)) == [{"t": text}]


@EVERY_SERVER
async def test_what_the_verbs_return(case: Case, table: str) -> None:
    pool = case.pool()
    assert await pool.query(f"SELECT i FROM {table}") == []
    assert await pool.query_one(f"SELECT i FROM {table}") is None
    assert await pool.execute(f"INSERT INTO {table} (i) VALUES (1), (2), (3)") == 3
    assert await pool.query_one(f"SELECT i FROM {table} ORDER BY i") == {"i": 1}
    assert await pool.query(f"SELECT i FROM {table} ORDER BY i DESC") == [{"i": 3}, {"i": 2}, {"i": 1}]
    assert await pool.execute(f"UPDATE {table} SET i = i + 1 WHERE i > %s", (1,)) == 2
    assert await pool.execute(f"SELECT i FROM {table}") == 3
    assert await pool.query(f"DELETE FROM {table} WHERE i = 1") == []  # a statement without rows
    assert await pool.execute(f"DELETE FROM {table}") == 2
    assert pool.stats().opened == 1


@over()
async def test_a_row_that_was_written_to_its_own_value_counts(case: Case, table: str) -> None:
    pool = case.pool()
    await pool.execute(f"INSERT INTO {table} (i) VALUES (1), (2)")
    assert await pool.execute(f"UPDATE {table} SET i = 1") == 2


@over()
async def test_two_columns_of_one_name_are_an_error(case: Case) -> None:
    pool = case.pool()
    with pytest.raises(PoolError, match=r"named 'n'.*different names with AS"):
        await pool.query("SELECT 1 AS n, 2 AS n")
    assert await pool.query("SELECT 1 AS n") == [{"n": 1}]
    assert pool.stats().opened == 1


@over()
async def test_many_rows(case: Case, table: str) -> None:
    pool = case.pool()
    await pool.execute(f"INSERT INTO {table} (i) VALUES {', '.join(f'({n})' for n in range(1000))}")
    rows = await pool.query(
        f"SELECT a.i * 1000 + b.i AS n FROM {table} a, {table} b WHERE a.i < 20 ORDER BY 1"
    )
    assert rows == [{"n": n} for n in range(20_000)]


@over()
async def test_a_large_value_goes_and_comes(case: Case) -> None:
    pool = case.pool()
    assert await pool.query(case.dialect.length, ("x" * 3_000_000,)) == [{"n": 3_000_000}]
    rows = await pool.query("SELECT repeat('x', 3000000) AS t")
    assert len(rows[0]["t"]) == 3_000_000
