"""PostgreSQL's lexical rules: a text becomes tokens that, joined, are the text again.

Everything that has to know what is code and what is merely quoted stands on this: which statements
leave state behind, and where a placeholder is. The rules are those of the server's own scanner with
``standard_conforming_strings`` on, the default since 2010.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from .._tokens import Kind, Token

__all__ = ["code", "tokens"]

# What a name may begin with and go on with: letters, "_" and all that is not ASCII; then digits, too; then "$", too.
# Said by what is left out, since a set that reaches beyond ASCII takes milliseconds to compile.
_NAME: Final = r"[^\0-@\[-^`{-\x7f]"
_REST: Final = r"[^\0-/:-@\[-^`{-\x7f]*+"
_WORD: Final = rf"{_NAME} [^\0-\#%-/:-@\[-^`{{-\x7f]*+"
_SPACE: Final = r"[ \t\n\r\f\v]"
# An E'' string goes on in the next line: there, too, a backslash escapes a quote.
_MORE: Final = rf"(?:[ \t\f\v]++|--[^\n\r]*+)*[\n\r](?:{_SPACE}++|--[^\n\r]*+[\n\r])*'"

#: Nothing here backtracks far. Single characters repeat possessively, and what follows a group cannot match
#: inside it: a closing quote looks ahead for a second one. Possessive groups would say that more shortly,
#: but Python up to 3.11.4 matches them wrongly (gh-106052).
_TOKEN: Final = re.compile(
    rf"""
    (?P<SPACE>{_SPACE}++)
  | (?P<COMMENT>--[^\n\r]*+)
  | (?P<nested>/\*)
  | (?P<quote>(?: [uU]& | [eEbBxXnN] )? ['"] | \$ (?: {_NAME} {_REST} )? \$)
  | (?P<WORD>{_WORD})
  | (?P<NUMBER>(?: 0[xXoObB][0-9A-Fa-f_]++ | [0-9][0-9_]*+ (?: \.(?!\.) [0-9_]*+ )? | \.[0-9][0-9_]*+ )
      (?: [eE] [+-]? [0-9][0-9_]*+ )? )
  | (?P<PARAM>\$[0-9]++)
  | (?P<CAST>::)
  | (?P<OPERATOR>(?: (?!--|/\*) [-+*/<>=~!@\#%^&|`?] )+)
  | (?P<SIGN>.)
    """,
    re.VERBOSE | re.DOTALL,
)
#: What a quote or a dollar quote begins. Compiled when the first text with one is read, since a cold start pays for it.
_QUOTED: Final = rf"""(?sx)
    (?P<STRING>
        [eE]' [^'\\]*+ (?: (?: \\. | '' | '{_MORE} ) [^'\\]*+ )* ' (?! ' | {_MORE} )
      | (?: [uU]& | [bBxXnN] )? ' [^']*+ (?: '' [^']*+ )* ' (?!')
      | \$(?P<tag> (?: {_NAME} {_REST} )? )\$ .*? \$(?P=tag)\$
    )
  | (?P<QUOTED>(?: [uU]& )? " [^"]*+ (?: "" [^"]*+ )* " (?!"))
  | (?P<BROKEN>.*)
"""
_KINDS: Final = {kind.name: kind for kind in Kind}


def tokens(sql: str) -> Iterator[Token]:
    """Every token of ``sql``. Never fails, and loses nothing: joined, they are ``sql``."""
    at = 0
    while at < len(sql):
        for match in _TOKEN.finditer(sql, at):
            name = match.lastgroup
            if name == "nested" or name == "quote":
                kind, at = (_comment if name == "nested" else _quotation)(sql, match.start())
                yield kind, sql[match.start() : at]
                break
            yield _KINDS[name], match[0]  # type: ignore[index]  # every alternative has a name
        else:
            return


def code(sql: str) -> Iterator[Token]:
    """The tokens of ``sql`` without white space and comments."""
    for token in tokens(sql):
        if token[0] is not Kind.SPACE and token[0] is not Kind.COMMENT:
            yield token


def _quotation(sql: str, at: int) -> tuple[Kind, int]:
    """What begins at ``at`` with a quote, and where it ends."""
    match = re.compile(_QUOTED).match(sql, at)
    assert match is not None  # the last alternative takes anything
    return _KINDS[match.lastgroup], match.end()  # type: ignore[index]


def _comment(sql: str, at: int) -> tuple[Kind, int]:
    """Where the ``/*`` comment ends that begins at ``at``: comments in comments are beyond a regular expression."""
    nesting = re.compile(r"/\*|\*/")
    depth = 0
    while True:
        match = nesting.search(sql, at)
        if match is None:
            return Kind.BROKEN, len(sql)
        depth += 1 if match[0] == "/*" else -1
        at = match.end()
        if not depth:
            return Kind.COMMENT, at
