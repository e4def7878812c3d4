"""``%s``, ``%(name)s`` and ``%%``: what they become, and what is said where they do not fit."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import ChainMap, UserDict, deque
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sqltext.texts import CODE, FIXED, FRAGMENTS, LITERALS

from thawpool.drivers import _placeholders
from thawpool.drivers._placeholders import (
    CACHE_SIZE,
    DOLLAR,
    FORMAT_MYSQL,
    FORMAT_POSTGRESQL,
    LONGEST,
    MOST,
    Compiled,
    compile_placeholders,
)
from thawpool.drivers._postgresql.text import tokens
from thawpool.drivers._tokens import Kind
from thawpool.errors import ParamsError


@pytest.mark.parametrize(
    "sql, text, count",
    [
        ("SELECT 1", "SELECT 1", 0),
        ("SELECT %s", "SELECT $1", 1),
        ("SELECT %s, %s", "SELECT $1, $2", 2),
        ("x=%s AND y=%s", "x=$1 AND y=$2", 2),
        ("(%s,%s)", "($1,$2)", 2),
        ("%s::int", "$1::int", 1),
        ("-%s", "-$1", 1),
        ("LIMIT%s", "LIMIT $1", 1),
        ("%sAND", "$1 AND", 1),
        ("1%s0", "1 $1 0", 1),
        ("%s%s", "$1 $2", 2),
        ("5 %% 2", "5 % 2", 0),
        ("5 %% %s", "5 % $1", 1),
        ("5 %%%s", "5 %$1", 1),
        ("5 %%s", "5 %s", 0),
        ("a <%% %s", "a <% $1", 1),
        ("%s LIKE 'a%'", "$1 LIKE 'a%'", 1),
        ("%s LIKE 'a%%'", "$1 LIKE 'a%'", 1),
        ("format('%s', %s)", "format('%s', $1)", 1),
        ("format('%%s', %s)", "format('%s', $1)", 1),
        ("'%(x)s' || %s", "'%(x)s' || $1", 1),
        ('"%s" = %s', '"%s" = $1', 1),
        ("E'\\'%s' || %s", "E'\\'%s' || $1", 1),
        ("$$%s$$ || %s", "$$%s$$ || $1", 1),
        ("$a$ 50% $a$ || %s", "$a$ 50% $a$ || $1", 1),
        ("/* %s 100% */ %s -- %s", "/* %s 100% */ $1 -- %s", 1),
        ("%s -- 100%\n, %s", "$1 -- 100%\n, $2", 2),
        ("%s 'never ends %s", "$1 'never ends %s", 1),
        ("é%s", "é $1", 1),
    ],
)
def test_positions(sql: str, text: str, count: int) -> None:
    compiled = compile_placeholders(sql)
    assert (compiled.text, compiled.count, compiled.names, compiled.native) == (text, count, None, False)
    assert compiled.arrange(range(count)) == tuple(range(count))


@pytest.mark.parametrize(
    "sql, text, names",
    [
        ("SELECT %(a)s", "SELECT $1", ("a",)),
        ("%(b)s, %(a)s, %(b)s", "$1, $2, $1", ("b", "a")),
        ("%(it is)s '%(x)s'", "$1 '%(x)s'", ("it is",)),
        ("%(größe)s %% %(1)s", "$1 % $2", ("größe", "1")),
    ],
)
def test_names(sql: str, text: str, names: tuple[str, ...]) -> None:
    compiled = compile_placeholders(sql)
    assert (compiled.text, compiled.count, compiled.names, compiled.native) == (
        text,
        len(names),
        names,
        False,
    )
    values = {name: number for number, name in enumerate(names)}
    assert compiled.arrange({**values, "more than is asked for": 1}) == tuple(range(len(names)))


@pytest.mark.parametrize(
    "sql, count",
    [
        ("SELECT $1", 1),
        ("SELECT $2, $1, $2", 2),
        ("SELECT $1::int % 2, 'a%%b', x LIKE '%'", 1),
        ("SELECT '$2', $1 /* $3 */", 1),
    ],
)
def test_the_servers_own_placeholders_pass_untouched(sql: str, count: int) -> None:
    compiled = compile_placeholders(sql)
    assert (compiled.text, compiled.count, compiled.names, compiled.native) == (sql, count, None, True)


@pytest.mark.parametrize(
    "params", [[1, 2], (1, 2), deque([1, 2]), range(1, 3)], ids=lambda p: type(p).__name__
)
def test_any_sequence_will_do(params: Any) -> None:
    assert compile_placeholders("%s %s").arrange(params) == (1, 2)


@pytest.mark.parametrize(
    "params",
    [{"a": 1}, UserDict(a=1), MappingProxyType({"a": 1}), ChainMap({}, {"a": 1})],
    ids=lambda p: type(p).__name__,
)
def test_any_mapping_will_do(params: Any) -> None:
    assert compile_placeholders("%(a)s").arrange(params) == (1,)


def test_a_statement_without_placeholders_needs_no_parameter() -> None:
    compiled = compile_placeholders("SELECT 1")
    assert (
        compiled.arrange(())
        == compiled.arrange([])
        == compiled.arrange({})
        == compiled.arrange({"a": 1})
        == ()
    )


@pytest.mark.parametrize(
    "sql, message",
    [
        ("SELECT 5 % 2", "'%' at character 10"),
        ("SELECT %b", "'%b' at character 8"),
        ("SELECT '%', %t", "'%t' at character 13"),
        ("SELECT %(a)b", "'%(' at character 8"),
        ("SELECT %()s", "'%(' at character 8"),
        ("SELECT %", "'%' at character 8"),
        ("SELECT % /* c */ s", "'%' at character 8"),
        ("%s %(a)s", "mixes placeholders"),
        ("%s $1", "mixes placeholders"),
        ("%(a)s $1", "mixes placeholders"),
        (f"${MOST + 1}", "more than 65535"),
        ("$" + "9" * 5000, "more than 65535"),
        ("%s," * (MOST + 1), "more than 65535"),
    ],
    ids=lambda value: value[:20],
)
def test_texts_that_cannot_be_sent(sql: str, message: str) -> None:
    with pytest.raises(ParamsError, match=re.escape(message)):
        compile_placeholders(sql)


@pytest.mark.parametrize(
    "sql, text, names",
    [
        ("%s%s LIKE 'a%'", "%s %s LIKE 'a%%'", None),
        ("%(b)s, %(a)s, %(b)s", "%s, %s, %s", ("b", "a", "b")),
        ("format('%s %%', %s) %% 5", "format('%%s %%', %s) %% 5", None),
        ("$$%s$$ || %s -- %d", "$$%%s$$ || %s -- %%d", None),
        ("E'\\'%s' || %s", "E'\\'%%s' || %s", None),
        ("1 + 1", "1 + 1", None),
    ],
)
def test_texts_for_drivers_that_format(sql: str, text: str, names: tuple[str, ...] | None) -> None:
    compiled = compile_placeholders(sql, FORMAT_POSTGRESQL)
    assert (compiled.text, compiled.names, compiled.native) == (text, names, False)
    assert compiled.text == "%s".join(piece.replace("%", "%%") for piece in compiled.pieces)


@pytest.mark.parametrize(
    "sql, message",
    [
        ("SELECT $1", "has a $1, which this driver does not know: write %s"),
        ("SELECT $1 % 5", "has a $1"),
        ("SELECT $1, %s", "has a $1"),
        ("%s %(a)s", "use only one of %s and %(name)s"),
        ("5 % 2", "'%' at character 3"),
    ],
)
def test_texts_that_cannot_be_formatted(sql: str, message: str) -> None:
    with pytest.raises(ParamsError, match=re.escape(message)):
        compile_placeholders(sql, FORMAT_POSTGRESQL)


def test_each_style_has_a_memory_of_its_own() -> None:
    assert compile_placeholders("SELECT %s", FORMAT_POSTGRESQL).text == "SELECT %s"
    assert compile_placeholders("SELECT %s").text == "SELECT $1"
    assert compile_placeholders("SELECT %s", FORMAT_POSTGRESQL) is compile_placeholders(
        "SELECT %s", FORMAT_POSTGRESQL
    )
    assert compile_placeholders("'\\' = %s", FORMAT_POSTGRESQL).count == 1
    assert compile_placeholders("'\\' = %s", FORMAT_MYSQL).count == 0, "there the backslash escapes the quote"


@pytest.mark.parametrize(
    "style, foreign", [(DOLLAR, "_mysql"), (FORMAT_POSTGRESQL, "_mysql"), (FORMAT_MYSQL, "_postgresql")]
)
def test_a_style_loads_only_its_servers_rules(style: str, foreign: str) -> None:
    code = (
        "import sys; from thawpool.drivers._placeholders import compile_placeholders; "
        f"compile_placeholders('SELECT %s', {style!r}); "
        f"assert not [name for name in sys.modules if {foreign!r} in name]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


SECRET = "hunter2"


@pytest.mark.parametrize(
    "sql, params, message",
    [
        ("%s", SECRET, r"params is a bare str: write \(value,\)"),
        ("%s", SECRET.encode(), r"params is a bare bytes: write \(value,\)"),
        ("%s" * 7, SECRET, "bare str"),
        ("1", "", "bare str"),
        ("%(a)s", SECRET, "bare str"),
        ("%s", bytearray(b"hunter2"), "bare bytearray"),
        ("%s", {SECRET}, "of type set"),
        ("%s", iter([SECRET]), "of type list_iterator"),
        ("%s", {SECRET: 1}.values(), "of type dict_values"),
        ("%s", 7, "of type int"),
        ("%s", (), "has 1 placeholder and params has 0"),
        ("%s %s", [SECRET], "has 2 placeholders and params has 1"),
        ("1", [SECRET], "no placeholders and params has 1; a %s inside of quotes or comments is text"),
        ("'%s'", [SECRET], "inside of quotes"),
        ("$2", [SECRET], "has 2 placeholders and params has 1"),
        ("%s", {"a": SECRET}, r"has %s and params is a mapping"),
        ("$1", {"a": SECRET}, r"has \$1 and params is a mapping"),
        ("%(a)s %(b)s", [SECRET, SECRET], "params is of type list: give a mapping with 'a', 'b'"),
        ("%(a)s", (), "give a mapping with 'a'"),
        ("%(a)s %(b)s %(c)s", {"b": SECRET}, "params lacks 'a', 'c'"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_parameters_that_do_not_fit(sql: str, params: Any, message: str) -> None:
    with pytest.raises(ParamsError, match=message) as caught:
        compile_placeholders(sql).arrange(params)
    assert SECRET not in str(caught.value)
    assert isinstance(caught.value, (TypeError, ValueError))


def test_a_text_is_compiled_once() -> None:
    assert compile_placeholders("SELECT %s") is compile_placeholders("SELECT %s")


def test_the_memory_of_texts_is_bounded() -> None:
    kept = _placeholders._KEPT[DOLLAR]
    first = compile_placeholders("SELECT 'first', %s")
    for number in range(CACHE_SIZE - 1):
        compile_placeholders(f"SELECT {number}, %s")
    assert compile_placeholders("SELECT 'first', %s") is first
    compile_placeholders("SELECT 'one more', %s")
    assert compile_placeholders("SELECT 'first', %s") is first, "the least recently used goes first"
    assert kept.cache_info().currsize == CACHE_SIZE
    before = kept.cache_info()
    assert compile_placeholders("%s" + " " * LONGEST).count == 1
    assert kept.cache_info() == before, "long texts are not kept"


@FIXED
@given(st.text() | FRAGMENTS | CODE)
def test_only_params_error_is_raised(sql: str) -> None:
    try:
        compiled = compile_placeholders(sql)
    except ParamsError:
        return
    arguments = compiled.arrange(dict.fromkeys(compiled.names, 1) if compiled.names else [1] * compiled.count)
    assert len(arguments) == compiled.count


@FIXED
@given(st.lists(LITERALS, min_size=1, max_size=4))
def test_quoted_text_comes_through(literals: list[str]) -> None:
    """Doubled, every percent sign in quotes and comments is one again; and no placeholder is seen there."""
    compiled = compile_placeholders(", %s, ".join(literals).replace("%", "%%").replace(", %%s, ", ", %s, "))
    assert compiled.text == literals[0] + "".join(f", ${n}, {text}" for n, text in enumerate(literals[1:], 1))
    assert compiled.count == len(literals) - 1


@FIXED
@given(st.lists(LITERALS.filter(lambda text: "%%" not in text), min_size=1, max_size=4))
def test_a_lone_percent_sign_in_quotes_is_itself(literals: list[str]) -> None:
    assert compile_placeholders(", ".join(literals)).text == ", ".join(literals)


@FIXED
@given(CODE | FRAGMENTS)
def test_the_servers_view_holds_as_many_parameters_as_were_counted(sql: str) -> None:
    try:
        compiled = compile_placeholders(sql)
    except ParamsError:
        return
    numbers = [int(text[1:]) for kind, text in tokens(compiled.text) if kind is Kind.PARAM]
    assert max(numbers, default=0) == compiled.count


@FIXED
@given(
    st.recursive(
        st.none() | st.integers() | st.text() | st.binary(),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x) | st.tuples(x),
    )
)
def test_whatever_params_is_it_fits_or_is_refused(params: Any) -> None:
    for sql in ("1", "%s", "%(a)s", "$1"):
        compiled: Compiled = compile_placeholders(sql)
        try:
            arguments = compiled.arrange(params)
        except ParamsError:
            continue
        assert len(arguments) == compiled.count


@pytest.mark.parametrize("style", [DOLLAR, FORMAT_POSTGRESQL, FORMAT_MYSQL])
@pytest.mark.parametrize(
    "sql,params,foreign",
    [("SELECT ?", (1,), "?"), ("SELECT :1", (1,), ":1"), ("SELECT :who", {"who": 1}, ":who")],
)
def test_a_placeholder_of_another_library_is_named(style: Any, sql: str, params: Any, foreign: str) -> None:
    with pytest.raises(
        ParamsError, match=f"the statement has {re.escape(foreign)}, a placeholder of another library"
    ):
        compile_placeholders(sql, style).arrange(params)


@pytest.mark.parametrize("sql", ["SELECT a[1:2]", "SELECT '1'::text", "SELECT @a := 1", "SELECT 1 -- :other"])
def test_a_mapping_may_hold_what_nobody_asks_for(sql: str) -> None:
    assert compile_placeholders(sql).arrange({"text": 1, "a": 2}) == ()
