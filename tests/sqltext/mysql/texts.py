"""Texts for tests to try: such as are likely to confuse a lexer of MySQL's."""

from __future__ import annotations

from hypothesis import strategies as st

__all__ = ["FRAGMENTS", "LITERALS"]

_BITS = st.sampled_from(
    [
        "'",
        '"',
        "`",
        "\\",
        ";",
        "--",
        "-- ",
        "#",
        "/*",
        "*/",
        "!",
        "%",
        "%s",
        "%%",
        "%(a)s",
        "a",
        "1",
        " ",
        "\n",
        "é",
    ]
)
_INSIDE = st.lists(_BITS, max_size=6).map("".join)

#: Anything, mostly wrong.
FRAGMENTS = st.lists(
    _BITS | st.sampled_from(["n'", "x'", "/*!", "/*M!", "/*!99999", "@", ":=", "$1", "(", ")", ",", "SELECT ", ".5", "1e3"]),
    max_size=20,
).map("".join)  # fmt: skip


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _escaped(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _comment(text: str) -> str:
    return "/* " + text.replace("*/", "* /") + " */ 1"


def _line_comment(text: str) -> str:
    return "-- " + text.replace("\n", " ") + "\n1"


def _hash_comment(text: str) -> str:
    return "#" + text.replace("\n", " ") + "\n1"


def _executed(text: str) -> str:
    """Executed by some: empty or a number for each."""
    return "1 /*!" + ("99999" if "a" in text else "") + " + 1 */"


def _named(text: str) -> str:
    return "1 AS `n" + text.replace("`", "``") + "n`"


#: Values as one may write them after SELECT: each begins and ends where the server says so.
LITERALS = st.one_of(
    *[
        _INSIDE.map(form)
        for form in (_quoted, _escaped, _comment, _line_comment, _hash_comment, _executed, _named)
    ]
)
