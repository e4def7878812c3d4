"""What a text of SQL consists of, in words that are the same for all servers."""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias, final

__all__ = ["Kind", "Token"]


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
