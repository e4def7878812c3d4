"""What a text of SQL consists of, in words that are the same for all servers."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import TypeAlias, final

__all__ = ["Kind", "Token", "pairs_of"]


@final
class Kind(Enum):
    """What a token is. The examples are PostgreSQL's; MySQL's, where they differ, follow after a bar."""

    SPACE = "space"
    COMMENT = "comment"
    STRING = "string"  # '..', E'..', U&'..', B'..', $tag$..$tag$ | '..', "..", x'..', b'..', N'..'
    QUOTED = "quoted"  # "..", U&".." | `..`
    WORD = "word"  # a keyword or an identifier without quotes
    NUMBER = "number"
    PARAM = "param"  # $1 | none
    CAST = "cast"  # :: | none
    OPERATOR = "operator"
    SIGN = "sign"  # one of ( ) [ ] , ; . : \ or a character that SQL has no use for | @, too
    BROKEN = "broken"  # a quote or comment that never ends: the rest of the text


#: What a piece of a text is, and the piece.
Token: TypeAlias = tuple[Kind, str]


def pairs_of(words: Sequence[str]) -> dict[int, int] | None:
    """For each parenthesis the place of its partner; None if one has none."""
    pairs: dict[int, int] = {}
    opened: list[int] = []
    for at, word in enumerate(words):
        if word == "(":
            opened.append(at)
        elif word == ")":
            if not opened:
                return None
            pairs[at] = opened.pop()
            pairs[pairs[at]] = at
    return None if opened else pairs
