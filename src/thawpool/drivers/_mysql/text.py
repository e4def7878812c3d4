r"""The lexical rules of MySQL and MariaDB: a text becomes tokens that, joined, are the text again.

Everything that has to know what is code and what is merely quoted stands on this: which statements
leave state behind, and where a placeholder is. The rules are those of the servers' own scanner under
their default ``sql_mode``: a backslash escapes (no ``NO_BACKSLASH_ESCAPES``), and ``".."`` is a string
(no ``ANSI_QUOTES``). A session whose mode says otherwise is read wrongly where a text has a backslash
before a quote.

What stands in ``/*! .. */`` or ``/*M! .. */`` is a comment for some servers and code for others. It is
one token, a comment, as long as all of them find the same end to it; where they might not, the rest of
the text is broken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from .._tokens import Kind, Token

__all__ = ["code", "tokens"]

# What a name without quotes is made of: letters, digits, "_", "$" and all that is not ASCII. Said by what is left
# out, since a set that reaches beyond ASCII takes milliseconds to compile.
_NAME: Final = r"[^\0-\#%-/:-@\[-^`{-\x7f]"
# Two dashes begin a comment only before white space, a control character, or the end.
_DASHES: Final = r"--(?:[\0-\x20\x7f]|\Z)"

#: Nothing here backtracks far: single characters repeat possessively, and alternatives differ in their first one.
_TOKEN: Final = re.compile(
    rf"""
    (?P<SPACE>[ \t\n\r\f\v]++)
  | (?P<COMMENT>(?: \# | (?={_DASHES})-- ) [^\n\0]*+)
  | (?P<quote>/\* | [nNxXbB]?' | ["`])
  | (?P<NUMBER>(?: 0[xX][0-9A-Fa-f]++ | 0b[01]++
      | (?: [0-9]++ (?: \.[0-9]*+ )? | \.[0-9]++ ) (?: [eE][+-]?[0-9]++ )? ) (?!{_NAME}) )
  | (?P<WORD>{_NAME}++)
  | (?P<OPERATOR>:= | (?: (?!{_DASHES}|/\*) [-+*/<>=~!%^&|] )+)
  | (?P<SIGN>.)
    """,
    re.VERBOSE | re.DOTALL,
)
#: What a quote or a comment of several lines begins. Compiled when the first text with one is read, since a cold start
#: pays for it.
_QUOTED: Final = r"""(?sx)
    (?P<STRING> [nNxXbB]?' [^'\\]*+ (?: (?: \\. | '' ) [^'\\]*+ )* ' (?!')
      | " [^"\\]*+ (?: (?: \\. | "" ) [^"\\]*+ )* " (?!") )
  | (?P<QUOTED> ` [^`]*+ (?: `` [^`]*+ )* ` (?!`) )
  | (?P<COMMENT> /\* (?!M?!) .*? \*/
      | /\* M?! (?: [^'"`\#*/-] | '[^'\\*]*+' | "[^"\\*]*+" | `[^`*]*+` | \*(?!/) | /(?!\*) | -(?!-) )* \*/ )
  | (?P<BROKEN> .* )
"""
_KINDS: Final = {kind.name: kind for kind in Kind}


def tokens(sql: str) -> Iterator[Token]:
    """Every token of ``sql``. Never fails, and loses nothing: joined, they are ``sql``."""
    at = 0
    while at < len(sql):
        for match in _TOKEN.finditer(sql, at):
            name = match.lastgroup
            if name == "quote":
                quoted = re.compile(_QUOTED).match(sql, match.start())
                assert quoted is not None  # the last alternative takes anything
                yield _KINDS[quoted.lastgroup], quoted[0]  # type: ignore[index]  # every alternative has a name
                at = quoted.end()
                break
            yield _KINDS[name], match[0]  # type: ignore[index]
        else:
            return


def code(sql: str) -> Iterator[Token]:
    """The tokens of ``sql`` without white space and comments, save comments that some servers execute."""
    for token in tokens(sql):
        kind, text = token
        if kind is Kind.SPACE or (kind is Kind.COMMENT and not text.startswith(("/*!", "/*M!"))):
            continue
        yield token
