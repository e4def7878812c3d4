"""Which statements leave state behind, as far as their text tells."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sqltext.statements import EVERYDAY, LEAVES
from tests.sqltext.texts import FIXED

from thawpool.drivers._postgresql import stateful, statements


@pytest.mark.parametrize("sql", EVERYDAY)
def test_everyday_statements_leave_nothing(sql: str) -> None:
    assert not stateful(sql)


@pytest.mark.parametrize("sql", LEAVES)
def test_what_may_leave_something_is_noticed(sql: str) -> None:
    assert stateful(sql)
    assert stateful(f"SELECT 1; {sql}")
    assert stateful(f"/* c */ {sql} -- c")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT set_config\n('a.b', 'c', false)",
        "SELECT 1 -- the rest is code\n; LISTEN a",
        "SELECT 1 --\r;LISTEN a",
        "SELECT E'a'\n'\\'' ; LISTEN a",
        "SELECT 'a'\n'\\' ; LISTEN a --'",
    ],
)
def test_line_ends_are_seen(sql: str) -> None:
    assert stateful(sql)


@pytest.mark.parametrize("sql", ["", ";", " ; -- nothing\n", "/* ; */"])
def test_nothing_leaves_nothing(sql: str) -> None:
    assert not stateful(sql)


def test_a_long_text_is_not_read() -> None:
    assert not stateful("SELECT 1" + " " * 100)
    assert stateful("SELECT 1" + " " * statements.LONGEST)


def test_the_memory_of_verdicts_is_bounded() -> None:
    for number in range(3 * statements.CACHE_SIZE):
        assert not stateful(f"SELECT {number}")
    assert statements._verdict.cache_info().currsize == statements.CACHE_SIZE


@FIXED
@given(st.text())
def test_no_text_is_too_strange(sql: str) -> None:
    stateful(sql)


PIECES = st.lists(
    st.sampled_from(
        ["select", "f", "(", ")", ".", ",", ";", "on", "distinct", "as", "with", "into", "temp", "set", "local",
         "explain", "create", "index", "set_config", "true", "'", '"a"', "$$", "--", "/*", "*/", "\n", "pg_temp", "::"]
    ),
    max_size=14,
).map(" ".join)  # fmt: skip


@FIXED
@given(PIECES)
def test_no_arrangement_of_code_is_too_strange(sql: str) -> None:
    stateful(sql)


@FIXED
@given(PIECES)
def test_a_change_is_noticed_before_whatever_follows(sql: str) -> None:
    assert stateful(f"LISTEN a; {sql}")


@FIXED
@given(st.lists(st.sampled_from(EVERYDAY), max_size=4), st.sampled_from(LEAVES))
def test_one_change_among_many_statements_is_noticed(everyday: list[str], change: str) -> None:
    assert stateful("\n;".join([*everyday, change]))
