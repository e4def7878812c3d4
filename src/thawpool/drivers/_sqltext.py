"""PostgreSQL's lexical rules: a text becomes tokens that, joined, are the text again.

Everything that has to know what is code and what is merely quoted stands on this: which statements
leave state behind, and where a placeholder is. The rules are those of the server's own scanner with
``standard_conforming_strings`` on, the default since 2010.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple, final

__all__ = ["Kind", "Token", "code", "tokens"]


@final
class Kind(Enum):
    """What a token is."""

    SPACE = "space"
    COMMENT = "comment"
    STRING = "string"  # '..', E'..', U&'..', B'..', $tag$..$tag$
    QUOTED = "quoted"  # "..", U&".."
    WORD = "word"  # a keyword or an identifier without quotes
    NUMBER = "number"
    PARAM = "param"  # $1
    CAST = "cast"  # ::
    OPERATOR = "operator"
    SIGN = "sign"  # one of ( ) [ ] , ; . : \ or a character that SQL has no use for
    BROKEN = "broken"  # a quote or comment that never ends: the rest of the text


class Token(NamedTuple):
    """A piece of a text."""

    kind: Kind
    text: str


_NAME = r"[A-Za-z_\u0080-\U0010ffff]"
_SPACE = r"[ \t\n\r\f\v]"
# An E'' string goes on in the next line: there, too, a backslash escapes a quote.
_MORE = rf"(?:[ \t\f\v]|--[^\n\r]*)*+[\n\r](?:{_SPACE}|--[^\n\r]*+[\n\r])*+'"

#: Possessive quantifiers throughout: no text makes these patterns backtrack.
_TOKEN = re.compile(
    rf"""
    (?P<SPACE>{_SPACE}++)
  | (?P<COMMENT>--[^\n\r]*+)
  | (?P<nested>/\*)
  | (?P<STRING>
        [eE]' (?:[^'\\] | \\. | '' | '{_MORE})*+ '
      | (?: [uU]& | [bBxXnN] )?+ ' (?:[^'] | '')*+ '
      | \$(?P<tag> (?: {_NAME} (?: {_NAME} | [0-9] )*+ )?+ )\$ .*? \$(?P=tag)\$
    )
  | (?P<QUOTED>(?:[uU]&)?+ " (?:[^"] | "")*+ ")
  | (?P<BROKEN>(?: [uU]& | [eEbBxXnN] )?+ ['"] .* | \$ (?: {_NAME} (?: {_NAME} | [0-9] )*+ )?+ \$ .*)
  | (?P<WORD>{_NAME} (?: {_NAME} | [0-9$] )*+)
  | (?P<NUMBER>(?: 0[xXoObB][0-9A-Fa-f_]++ | [0-9][0-9_]*+ (?: \.(?!\.) [0-9_]*+ )?+ | \.[0-9][0-9_]*+ )
      (?: [eE][+-]?+[0-9][0-9_]*+ )?+ )
  | (?P<PARAM>\$[0-9]++)
  | (?P<CAST>::)
  | (?P<OPERATOR>(?: (?!--|/\*) [-+*/<>=~!@\#%^&|`?] )++)
  | (?P<SIGN>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_NESTING = re.compile(r"/\*|\*/")
_KINDS = {kind.name: kind for kind in Kind}


def tokens(sql: str) -> Iterator[Token]:
    """Every token of ``sql``. Never fails, and loses nothing: joined, they are ``sql``."""
    at, end = 0, len(sql)
    while at < end:
        match = _TOKEN.match(sql, at)
        assert match is not None  # the last alternative takes any character
        kind = _KINDS.get(match.lastgroup or "")
        stop = match.end()
        if kind is None:
            stop = _comment_end(sql, stop)
            kind = Kind.COMMENT if stop else Kind.BROKEN
            stop = stop or end
        yield Token(kind, sql[at:stop])
        at = stop


def code(sql: str) -> list[Token]:
    """The tokens of ``sql`` without white space and comments."""
    return [token for token in tokens(sql) if token.kind not in _SILENT]


_SILENT = (Kind.SPACE, Kind.COMMENT)


def _comment_end(sql: str, at: int) -> int:
    """Where the ``/*`` comment whose inside begins at ``at`` ends; 0 if it never does."""
    depth = 1
    while depth:
        match = _NESTING.search(sql, at)
        if match is None:
            return 0
        depth += 1 if match[0] == "/*" else -1
        at = match.end()
    return at
