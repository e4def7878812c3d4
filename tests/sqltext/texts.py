"""Texts for tests to try: any at all, and such as are likely to confuse a lexer."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st

__all__ = ["CODE", "FIXED", "FRAGMENTS", "LITERALS"]

#: The same examples on every run.
FIXED = settings(derandomize=True, deadline=None)

_BITS = st.sampled_from(
    ["'", '"', "\\", "$", "$a$", ";", "--", "/*", "*/", "%", "%s", "%%", "%(a)s", "a", "1", " ", "\n", "é"]
)
_INSIDE = st.lists(_BITS, max_size=6).map("".join)

#: Anything, mostly wrong.
FRAGMENTS = st.lists(
    _BITS | st.sampled_from(["E'", "U&'", 'U&"', "$$", "$1", "::", "(", ")", ",", "SELECT ", ".5", "1e3"]),
    max_size=20,
).map("".join)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _escaped(text: str) -> str:
    return "E'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _dollars(text: str) -> str:
    tag = next(tag for tag in ("$$", "$a$", "$q$", "$q1$") if tag not in text + "$")
    return tag + text + tag


def _comment(text: str) -> str:
    return "/* " + text.replace("/*", "/ *").replace("*/", "* /") + " /* nested */ */ 1"


def _line_comment(text: str) -> str:
    return "-- " + text.replace("\n", " ") + "\n1"


def _named(text: str) -> str:
    return '1 AS "n' + text.replace('"', '""') + '"'


#: Values as one may write them after SELECT: each begins and ends where the server says so.
LITERALS = st.one_of(
    *[_INSIDE.map(form) for form in (_quoted, _escaped, _dollars, _comment, _line_comment, _named)]
)

#: Code without quotes, in which every percent sign counts.
CODE = st.lists(
    st.sampled_from(["%s", "%%", "+", "(", ")", " ", "\n", "a", "=", "1", ",", "%(a)s", "%", "$1"])
).map("".join)
