"""A text as it is sent, parameters put in, is judged as the text that was written, or more strictly."""

from __future__ import annotations

import pymysql.converters
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from thawpool.drivers._mysql import stateful, stateful_as_sent, statements

#: What statements are made of, and what makes it hard to tell where a string ends.
PIECES = (
    "SELECT ", "1", "0x1F", "'a'", "''", "'\\'", "'it''s'", "'", '"', '"b"', "`c`", "`", "\\", "# ", "-- ", "/*", "*/", "\n",
    "@x", " := ", "@x := 1", "; ", "SET @y = 2", "GET_LOCK('a', 1)", "(", ")", "USE d", " INTO @z", "é", "_utf8'x'", "N'y'",
    "a1", "1e5", ", ", "SLEEP(1)", "/*!50000 SET @w = 1 */",
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


@given(TEXTS)
@example("SELECT \"it's\"; SET @x='1'")
@example("SELECT 'a\\'; SET @x = 1; -- '")
@example("SELECT 1 -- it's\n; SET @x = '1'")
@example("SELECT `it's`; SET @x = '1'")
@settings(max_examples=2000)
def test_nothing_that_leaves_state_hides_in_what_looks_like_a_literal(text: str) -> None:
    assert stateful_as_sent(text) or not stateful(text)
    assert stateful_as_sent(text.encode()) == stateful_as_sent(text)


@pytest.mark.parametrize(
    "template",
    ["SELECT * FROM t WHERE a = %s", "INSERT INTO t VALUES (%s, %s)", "UPDATE t SET a = %s WHERE b IN (%s)"],
)
@given(value=st.one_of(st.text(max_size=40), st.integers(), st.floats(allow_nan=False, allow_infinity=False)))
def test_a_parameter_does_not_change_the_verdict(template: str, value: object) -> None:
    literal = pymysql.converters.escape_item(value, "utf8mb4")
    assert not stateful_as_sent(template.replace("%s", literal))


def test_texts_that_differ_by_their_literals_are_read_once() -> None:
    before = statements._verdict.cache_info().misses
    for number in range(50):
        assert not stateful_as_sent(f"SELECT a, 'x{number}' FROM once WHERE id = {number}")
    assert statements._verdict.cache_info().misses == before + 1


def test_a_long_text_is_not_read() -> None:
    assert stateful_as_sent("SELECT 1" + " " * statements.LONGEST)
