"""Which statements leave state or a transaction behind, as far as their text tells."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sqltext.mysql.statements import ENDING, EVERYDAY, LEAVES, MYSQL_ONLY, OPENING
from tests.sqltext.texts import FIXED

from thawpool.drivers._mysql import ends_transaction, opens_transaction, stateful, statements


@pytest.mark.parametrize("sql", EVERYDAY + MYSQL_ONLY)
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
        "SELECT get_lock\n('a', 1)",
        "SELECT 1 -- the rest is code\n; SET @a = 1",
        "SELECT 1 # the rest is code\n; SET @a = 1",
        "SELECT 1 --\0, get_lock('a', 1)",
    ],
)
def test_line_ends_are_seen(sql: str) -> None:
    assert stateful(sql)


def test_a_carriage_return_ends_no_comment() -> None:
    assert not stateful("SELECT 1 -- \r, get_lock('a', 1)")


@pytest.mark.parametrize("sql", ["", ";", " ; -- nothing\n", "/* ; */"])
def test_nothing_leaves_nothing(sql: str) -> None:
    assert not stateful(sql)
    assert not opens_transaction(sql)
    assert not ends_transaction(sql)


@pytest.mark.parametrize("sql", OPENING)
def test_what_may_open_a_transaction_is_noticed(sql: str) -> None:
    assert opens_transaction(sql)


@pytest.mark.parametrize("sql", ENDING)
def test_what_ends_a_transaction_is_known(sql: str) -> None:
    assert ends_transaction(sql)


@pytest.mark.parametrize("sql", EVERYDAY + MYSQL_ONLY)
def test_everyday_statements_open_none_but_those_that_say_so(sql: str) -> None:
    assert opens_transaction(sql) == sql.startswith(("BEGIN", "START"))
    assert ends_transaction(sql) == (sql.startswith(("COMMIT", "ROLLBACK")) and "TO" not in sql)


@pytest.mark.parametrize(
    "sql",
    [
        "ROLLBACK TO a",
        "ROLLBACK WORK TO SAVEPOINT a",
        "COMMIT; SELECT 1",
        "COMMIT AND CHAIN",
        "/*! COMMIT */",
    ],
)
def test_what_looks_like_an_end_is_none(sql: str) -> None:
    assert not ends_transaction(sql)


def test_a_long_text_is_not_read() -> None:
    assert not stateful("COMMIT" + " " * 100)
    long = "COMMIT" + " " * statements.LONGEST
    assert stateful(long)
    assert opens_transaction(long)
    assert not ends_transaction(long)


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
        ["select", "f", "1f", "(", ")", ".", ",", ";", "@", ":=", "into", "as", "with", "set", "statement", "for", "on",
         "explain", "create", "index", "temporary", "get_lock", "last_insert_id", "'", '"a"', "`a`", "`", "--", "#", "/*",
         "/*!", "*/", "\n", ".5", "next", "value", "commit", "and", "chain"]
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
    assert stateful(f"USE a; {sql}")
    assert opens_transaction(f"BEGIN; {sql}")


@FIXED
@given(st.lists(st.sampled_from(EVERYDAY), max_size=4), st.sampled_from(LEAVES))
def test_one_change_among_many_statements_is_noticed(everyday: list[str], change: str) -> None:
    assert stateful("\n;".join([*everyday, change]))
