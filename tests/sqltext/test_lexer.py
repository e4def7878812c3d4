"""The lexer loses nothing, fails on nothing, and agrees with the server about where things end."""

from __future__ import annotations

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sqltext.texts import FIXED, FRAGMENTS, LITERALS

from thawpool.drivers._postgresql.text import code, tokens
from thawpool.drivers._tokens import Kind
from thawpool.testing.postgres import Postgres

S, C, T, Q, W, N, P, OP, G = (
    Kind.SPACE, Kind.COMMENT, Kind.STRING, Kind.QUOTED, Kind.WORD, Kind.NUMBER, Kind.PARAM, Kind.OPERATOR, Kind.SIGN
)  # fmt: skip


@pytest.mark.parametrize(
    "sql, expected",
    [
        ("a b", [(W, "a"), (S, " "), (W, "b")]),
        ("'it''s'", [(T, "'it''s'")]),
        ("'a'b", [(T, "'a'"), (W, "b")]),
        (r"'\'", [(T, r"'\'")]),
        (r"E'\'' x", [(T, r"E'\''"), (S, " "), (W, "x")]),
        (r"e'\\'x", [(T, r"e'\\'"), (W, "x")]),
        ("E'a'\n '\\'' x", [(T, "E'a'\n '\\''"), (S, " "), (W, "x")]),
        ("E'a' -- c\n -- d\n 'b'", [(T, "E'a' -- c\n -- d\n 'b'")]),
        ("E'a' 'b'", [(T, "E'a'"), (S, " "), (T, "'b'")]),
        ("fooE'x'", [(W, "fooE"), (T, "'x'")]),
        ("U&'a' u&\"b\" B'1' x'F' N'n'", [(T, "U&'a'"), (S, " "), (Q, 'u&"b"'), (S, " "), (T, "B'1'"), (S, " "), (T, "x'F'"), (S, " "), (T, "N'n'")]),
        ("U & 'a'", [(W, "U"), (S, " "), (OP, "&"), (S, " "), (T, "'a'")]),
        ('"a""b".c', [(Q, '"a""b"'), (G, "."), (W, "c")]),
        ("$$a'$$", [(T, "$$a'$$")]),
        ("$t$ $$ $t2$ $t$x", [(T, "$t$ $$ $t2$ $t$"), (W, "x")]),
        ("a$b$c", [(W, "a$b$c")]),
        ("$1$2", [(P, "$1"), (P, "$2")]),
        ("$é$x$é$", [(T, "$é$x$é$")]),
        ("-- x\ny", [(C, "-- x"), (S, "\n"), (W, "y")]),
        ("-- x\ry", [(C, "-- x"), (S, "\r"), (W, "y")]),
        ("/* a /* b */ c */d", [(C, "/* a /* b */ c */"), (W, "d")]),
        ("1*/* c */-1", [(N, "1"), (OP, "*"), (C, "/* c */"), (OP, "-"), (N, "1")]),
        ("1--2", [(N, "1"), (C, "--2")]),
        ("a<@b", [(W, "a"), (OP, "<@"), (W, "b")]),
        ("a::b:c", [(W, "a"), (Kind.CAST, "::"), (W, "b"), (G, ":"), (W, "c")]),
        ("1.5e-3 .5 0xFf 1_000", [(N, "1.5e-3"), (S, " "), (N, ".5"), (S, " "), (N, "0xFf"), (S, " "), (N, "1_000")]),
        ("a[1]", [(W, "a"), (G, "["), (N, "1"), (G, "]")]),
        ("größe_1", [(W, "größe_1")]),
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
        "E'a\\'",
        '"',
        'U&"a',
        "U&'",
        "b'",
        "$$ $",
        "$a$ $b$",
        "$a$ $A$",
        "/* /* */",
        "/*",
        "E'a'\n'",
    ],
)
def test_what_never_ends_is_broken(sql: str) -> None:
    *_, (kind, text) = tokens(f"x {sql}")
    assert kind is Kind.BROKEN
    assert sql.endswith(text)


def test_code_is_without_spaces_and_comments() -> None:
    assert [text for _, text in code(" a /* b */ -- c\n 'd' ")] == ["a", "'d'"]


@FIXED
@given(st.text() | FRAGMENTS)
def test_nothing_is_lost(sql: str) -> None:
    found = list(tokens(sql))
    assert "".join(text for _, text in found) == sql
    assert all(text for _, text in found)


def test_a_long_text_takes_no_longer_than_its_length() -> None:
    for text in (
        "'" + "''" * 50_000,
        "/*" * 50_000,
        "$a" * 50_000,
        "E'" + "\\'" * 50_000,
        "E'a'" + "\n--\n" * 30_000,
    ):
        assert "".join(part for _, part in tokens(text)) == text


@FIXED
@given(st.lists(st.lists(LITERALS, min_size=1, max_size=4).map(", ".join), min_size=1, max_size=3))
def test_the_server_sees_the_same_statements(postgres: Postgres, selects: list[str]) -> None:
    sql = "; ".join(f"SELECT {values}" for values in selects)
    separators = sum(token == (Kind.SIGN, ";") for token in tokens(sql))
    with psycopg.connect(postgres.url(), autocommit=True) as conn:
        results = conn.pgconn
        results.send_query(sql.encode())
        count = 0
        while (result := results.get_result()) is not None:
            assert result.status == psycopg.pq.ExecStatus.TUPLES_OK, (sql, result.error_message)
            count += 1
    assert count == separators + 1 == len(selects)
