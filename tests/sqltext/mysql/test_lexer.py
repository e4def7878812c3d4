"""The lexer loses nothing, fails on nothing, and agrees with the server about where things end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymysql.constants import CLIENT
from tests.sqltext.mysql.sessions import opened
from tests.sqltext.mysql.texts import FRAGMENTS, LITERALS
from tests.sqltext.texts import FIXED

from thawpool.drivers._mysql.text import code, tokens
from thawpool.drivers._tokens import Kind
from thawpool.testing.mariadb import MariaDB

S, C, T, Q, W, N, OP, G, B = (
    Kind.SPACE, Kind.COMMENT, Kind.STRING, Kind.QUOTED, Kind.WORD, Kind.NUMBER, Kind.OPERATOR, Kind.SIGN, Kind.BROKEN
)  # fmt: skip


@pytest.mark.parametrize(
    "sql, expected",
    [
        ("a b", [(W, "a"), (S, " "), (W, "b")]),
        ("'it''s'", [(T, "'it''s'")]),
        (r"'it\'s'", [(T, r"'it\'s'")]),
        (r"'\\'x", [(T, r"'\\'"), (W, "x")]),
        ("'a'b", [(T, "'a'"), (W, "b")]),
        ("'a' 'b'", [(T, "'a'"), (S, " "), (T, "'b'")]),
        (r'"a\"b""c"x', [(T, r'"a\"b""c"'), (W, "x")]),
        ("n'a' X'1F' b'1'", [(T, "n'a'"), (S, " "), (T, "X'1F'"), (S, " "), (T, "b'1'")]),
        ("_utf8mb4'x'", [(W, "_utf8mb4"), (T, "'x'")]),
        ("xn'a'", [(W, "xn"), (T, "'a'")]),
        (r"`a``b\`.c", [(Q, r"`a``b\`"), (G, "."), (W, "c")]),
        ("-- x\ny", [(C, "-- x"), (S, "\n"), (W, "y")]),
        ("--\ny", [(C, "--"), (S, "\n"), (W, "y")]),
        ("-- x\ry", [(C, "-- x\ry")]),
        ("1--2", [(N, "1"), (OP, "--"), (N, "2")]),
        ("1--", [(N, "1"), (C, "--")]),
        ("1---- 2", [(N, "1"), (OP, "--"), (C, "-- 2")]),
        ("a#b\nc", [(W, "a"), (C, "#b"), (S, "\n"), (W, "c")]),
        ("/* a /* b */c", [(C, "/* a /* b */"), (W, "c")]),
        ("/*/ a */b", [(C, "/*/ a */"), (W, "b")]),
        ("1*/* c */-1", [(N, "1"), (OP, "*"), (C, "/* c */"), (OP, "-"), (N, "1")]),
        ("/*!50000 a 'b' */c", [(C, "/*!50000 a 'b' */"), (W, "c")]),
        ("/*M! a */c", [(C, "/*M! a */"), (W, "c")]),
        ("/*+ a' */c", [(C, "/*+ a' */"), (W, "c")]),
        ("@a:=@@b.c", [(G, "@"), (W, "a"), (OP, ":="), (G, "@"), (G, "@"), (W, "b"), (G, "."), (W, "c")]),
        ("a=:b", [(W, "a"), (OP, "="), (G, ":"), (W, "b")]),
        ("a->>'$.b'", [(W, "a"), (OP, "->>"), (T, "'$.b'")]),
        ("1.5e-3 .5 0xFf 0b01 1.", [(N, "1.5e-3"), (S, " "), (N, ".5"), (S, " "), (N, "0xFf"), (S, " "), (N, "0b01"), (S, " "), (N, "1.")]),
        ("1a 0xFg 2e5f", [(W, "1a"), (S, " "), (W, "0xFg"), (S, " "), (W, "2e5f")]),
        ("a.1b", [(W, "a"), (G, "."), (W, "1b")]),
        ("$a größe_1", [(W, "$a"), (S, " "), (W, "größe_1")]),
        ("\0", [(G, "\0")]),
    ],
)  # fmt: skip
def test_tokens(sql: str, expected: list[tuple[Kind, str]]) -> None:
    assert list(tokens(sql)) == expected


@pytest.mark.parametrize(
    "sql",
    [
        "'",
        "'a''",
        r"'a\'",
        '"',
        r'"a\"',
        "`",
        "`a``",
        "x'",
        "/*",
        "/*/",
        "/* /* ",
        "/*!",
        "/*! ' */",
        "/*! '*/' */",
        "/*! /* */ */",
        "/*! -- */",
        "/*! # */",
        r"/*! '\'' */",
    ],
)
def test_what_never_ends_or_nobody_knows_where_is_broken(sql: str) -> None:
    *_, (kind, text) = tokens(f"x {sql}")
    assert kind is B
    assert sql.endswith(text)


def test_code_is_without_spaces_and_comments_save_those_that_are_executed() -> None:
    assert [text for _, text in code(" a /* b */ -- c\n 'd' # e\n /*+ f */ /*! g */")] == [
        "a",
        "'d'",
        "/*! g */",
    ]


@FIXED
@given(st.text() | FRAGMENTS)
def test_nothing_is_lost(sql: str) -> None:
    found = list(tokens(sql))
    assert "".join(text for _, text in found) == sql
    assert all(text for _, text in found)


def test_a_long_text_takes_no_longer_than_its_length() -> None:
    for text in (
        "'" + "''" * 50_000,
        "'" + "\\'" * 50_000,
        "`" + "``" * 50_000,
        "/*" * 50_000,
        "/*!" + "''" * 50_000,
        "/*!" + "/ " * 50_000,
        "1" * 50_000 + "a",
        "-" * 50_000 + " ",
    ):
        assert "".join(part for _, part in tokens(text)) == text


@pytest.fixture(scope="module")
def conn(mariadb: MariaDB) -> Iterator[Any]:
    with opened(mariadb, client_flag=CLIENT.MULTI_STATEMENTS) as conn:
        yield conn


@FIXED
@given(st.lists(st.lists(LITERALS, min_size=1, max_size=4).map(", ".join), min_size=1, max_size=3))
def test_the_server_sees_the_same_statements(conn: Any, selects: list[str]) -> None:
    sql = "; ".join(f"SELECT {values}" for values in selects)
    separators = sum(token == (Kind.SIGN, ";") for token in tokens(sql))
    with conn.cursor() as cursor:
        cursor.execute(sql)
        count = 1
        while cursor.nextset():
            count += 1
    assert count == separators + 1 == len(selects)
