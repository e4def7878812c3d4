"""The same text means the same through each driver of MySQL's, and reaches the server as it was meant."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias

import aiomysql
import asyncmy
import mysql.connector
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sqltext.mysql.sessions import opened
from tests.sqltext.mysql.texts import FRAGMENTS, LITERALS
from tests.sqltext.texts import CODE, FIXED

from thawpool.drivers._placeholders import FORMAT_MYSQL, MOST, compile_placeholders
from thawpool.errors import ParamsError
from thawpool.testing.mariadb import MariaDB

Params: TypeAlias = Sequence[object] | Mapping[str, object]
Row: TypeAlias = "tuple[Any, ...]"
#: Runs a statement with parameters and returns its one row.
Run: TypeAlias = Callable[[str, Params], Row]

NOON = datetime.fromisoformat("2026-02-28T12:00:00")
#: Statement, parameters, and the one row that comes back.
CASES: list[tuple[str, Params, Row]] = [
    ("SELECT %s", (1,), (1,)),
    ("SELECT %s, %s", ["a", "b"], ("a", "b")),
    ("SELECT %(b)s, %(a)s, %(b)s", {"a": 1, "b": "x"}, ("x", 1, "x")),
    ("SELECT 7 %% %s", (4,), (3,)),
    ("SELECT 7%%%s", (4,), (3,)),
    ("SELECT %s LIKE 'a%%'", ("ab",), (1,)),
    ("SELECT %s LIKE 'a%'", ("ab",), (1,)),
    ("SELECT '%s', '%%s', '%(a)s', '%d', %s", (1,), ("%s", "%s", "%(a)s", "%d", 1)),
    ("SELECT '%s', %(a)s", {"a": "%(a)s %s %%"}, ("%s", "%(a)s %s %%")),
    ('SELECT "100%", "it\\"s %s", %s', (1,), ("100%", 'it"s %s', 1)),
    ("SELECT 'it\\'s %s', 'it''s %s', '\\\\', %s", ("it's \\",), ("it's %s", "it's %s", "\\", "it's \\")),
    ("SELECT `%s`.`n%%` FROM (SELECT %s AS `n%`) AS `%s`", (1,), (1,)),
    ("SELECT %s -- 100% of %s\n, %s # %d\n", (1, 2), (1, 2)),
    ("SELECT %s /* 5% of %s */, %s /*! + 1 */, '/* %s'", (1, 2), (1, 3, "/* %s")),
    ("SELECT %s--%s", (3, 2), (5,)),
    ("SELECT 1 WHERE 1=%s", (1,), (1,)),
    ("SELECT 1 AS a WHERE%sAND%s", (1, 1), (1,)),
    ("SELECT%s", ("a",), ("a",)),
    ("SELECT CAST(%s AS datetime), %s", (NOON, None), (NOON, None)),
    ("SELECT CAST(%s AS date), %s + 0", (NOON.date(), Decimal("1.50")), (NOON.date(), Decimal("1.50"))),
    ("SELECT 'a%%b', 'c%d'", (), ("a%b", "c%d")),
    ("SELECT 'größe %', %s", ("größe %s",), ("größe %", "größe %s")),
]  # fmt: skip


#: aiomysql cannot write bytes by itself, since PyMySQL took back what it borrows for that.
BYTES: tuple[str, Params, Row] = ("SELECT HEX(%s), '%s'", (b"\x00'%s\xff",), ("00272573FF", "%s"))


def formatting(execute: Callable[[str, tuple[object, ...]], Row]) -> Run:
    """For a driver that puts the parameters into the text by ``%``."""

    def run(sql: str, params: Params) -> Row:
        compiled = compile_placeholders(sql, FORMAT_MYSQL)
        return execute(compiled.text, compiled.arrange(params))

    return run


def blocking(conn: Any) -> Run:
    def execute(text: str, arguments: tuple[object, ...]) -> Row:
        with closing(conn.cursor()) as cursor:
            cursor.execute(text, arguments)
            return tuple(cursor.fetchone())

    return formatting(execute)


@pytest.fixture
def pymysql_run(mariadb: MariaDB) -> Iterator[Run]:
    with opened(mariadb) as conn:
        yield blocking(conn)


@pytest.fixture
def mysqlclient_run(mariadb: MariaDB) -> Iterator[Run]:
    import MySQLdb

    with closing(
        MySQLdb.connect(host="127.0.0.1", port=mariadb.port, user="root", charset="utf8mb4")
    ) as conn:
        yield blocking(conn)


@pytest.fixture
def connector_run(mariadb: MariaDB) -> Iterator[Run]:
    """It puts a parameter in place of each ``%s``, quoted ones included, and knows no ``%%``: it gets whole texts."""
    where = {"host": "127.0.0.1", "port": mariadb.port, "user": "root", "use_pure": True}
    with closing(mysql.connector.connect(**where)) as conn, closing(conn.cursor()) as any_cursor:
        cursor: Any = any_cursor
        literals = cursor._process_params

        def run(sql: str, params: Params) -> Row:
            compiled = compile_placeholders(sql, FORMAT_MYSQL)
            first, *others = compiled.pieces
            text = first.encode()
            for literal, piece in zip(literals(compiled.arrange(params)), others, strict=True):
                # Bytes, or what has a text that is a literal.
                text += b"%b%b" % (
                    literal if hasattr(literal, "decode") else str(literal).encode(),
                    piece.encode(),
                )
            cursor.execute(text)
            return tuple(cursor.fetchone())

        yield run


@pytest.fixture(params=[asyncmy, aiomysql], ids=["asyncmy", "aiomysql"])
def async_run(mariadb: MariaDB, request: pytest.FixtureRequest) -> Iterator[Run]:
    library = request.param
    with ExitStack() as stack:
        runner = stack.enter_context(asyncio.Runner())
        conn = runner.run(connected(library, mariadb.port))
        stack.callback(conn.close)

        async def execute(text: str, arguments: tuple[object, ...]) -> Row:
            async with conn.cursor() as cursor:
                await cursor.execute(text, arguments)
                return tuple(await cursor.fetchone())

        yield formatting(lambda text, arguments: runner.run(execute(text, arguments)))


async def connected(library: Any, port: int) -> Any:
    return await library.connect(host="127.0.0.1", port=port, user="root", charset="utf8mb4")


@pytest.mark.parametrize("sql, params, row", [*CASES, BYTES])
def test_pymysql(pymysql_run: Run, sql: str, params: Params, row: Row) -> None:
    assert pymysql_run(sql, params) == row


@pytest.mark.needs("mysqlclient")
@pytest.mark.parametrize("sql, params, row", [*CASES, BYTES])
def test_mysqlclient(mysqlclient_run: Run, sql: str, params: Params, row: Row) -> None:
    assert mysqlclient_run(sql, params) == row


@pytest.mark.parametrize("sql, params, row", [*CASES, BYTES])
def test_mysql_connector(connector_run: Run, sql: str, params: Params, row: Row) -> None:
    assert connector_run(sql, params) == row


@pytest.mark.parametrize("sql, params, row", CASES)
def test_asyncio(async_run: Run, sql: str, params: Params, row: Row) -> None:
    assert async_run(sql, params) == row


@pytest.mark.parametrize(
    "sql, text, names",
    [
        ("SELECT %s", "SELECT %s", None),
        ("%s%s", "%s %s", None),
        ("LIMIT%s,%s", "LIMIT %s,%s", None),
        ("1%s0 x%s.y", "1 %s 0 x %s .y", None),
        ("%(b)s %(a)s %(b)s", "%s %s %s", ("b", "a", "b")),
        ("'%s' `%s` \"%s\" /* %s */ %s", "'%%s' `%%s` \"%%s\" /* %%s */ %s", None),
        ("'100%' '100%%' 5 %% 2", "'100%%' '100%%' 5 %% 2", None),
        ("%s /*! LIMIT %s */", "%s /*! LIMIT %%s */", None),
        ("%s /*! '*/ %s", "%s /*! '*/ %%s", None),
        ("%s --%s", "%s --%s", None),
        ("%s -- %s", "%s -- %%s", None),
        ("$1", "$1", None),
    ],
)
def test_texts(sql: str, text: str, names: tuple[str, ...] | None) -> None:
    compiled = compile_placeholders(sql, FORMAT_MYSQL)
    assert (compiled.text, compiled.names, compiled.native) == (text, names, False)
    assert compiled.text == "%s".join(piece.replace("%", "%%") for piece in compiled.pieces)
    values = range(compiled.count)
    assert compiled.arrange(dict(zip(names, values, strict=True)) if names else values) is not None


@pytest.mark.parametrize(
    "sql, message",
    [
        ("SELECT 5 % 2", "'%' at character 10"),
        ("SELECT %d", "'%d' at character 8"),
        ("%s %(a)s", r"mixes placeholders: use only one of %s and %\(name\)s"),
    ],
)
def test_texts_that_cannot_be_sent(sql: str, message: str) -> None:
    with pytest.raises(ParamsError, match=message):
        compile_placeholders(sql, FORMAT_MYSQL)


def test_a_text_may_have_any_number_of_parameters() -> None:
    assert compile_placeholders("%s," * (MOST + 1), FORMAT_MYSQL).count == MOST + 1


@FIXED
@given(st.text() | FRAGMENTS | CODE)
def test_what_python_makes_of_it_is_the_pieces_and_the_arguments(sql: str) -> None:
    try:
        compiled = compile_placeholders(sql, FORMAT_MYSQL)
    except ParamsError:
        return
    arguments = compiled.arrange(dict.fromkeys(compiled.names, 1) if compiled.names else [1] * compiled.count)
    assert compiled.text % arguments == "1".join(compiled.pieces)


@FIXED
@given(st.lists(LITERALS, min_size=1, max_size=4))
def test_quoted_text_comes_through(literals: list[str]) -> None:
    sql = ", %s, ".join(literal.replace("%", "%%") for literal in literals)
    assert compile_placeholders(sql, FORMAT_MYSQL).pieces == (
        (literals[0],)
        if len(literals) == 1
        else (f"{literals[0]}, ", *[f", {text}, " for text in literals[1:-1]], f", {literals[-1]}")
    )
