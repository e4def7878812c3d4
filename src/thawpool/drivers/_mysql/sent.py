"""The verdict on a text as it is sent, into which the library has put the parameters already.

Such texts differ each time. Without their literals they are alike again, so that most are judged by a look-up.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from .statements import CACHE_SIZE, LONGEST, stateful

__all__ = ["stateful_as_sent"]

# Both are compiled when they are first asked for, since a cold start rarely needs them.
#: A string in single quotes, or a number. Libraries write nothing else for a parameter but NULL and the like.
_LITERAL: Final = r"(?s)'[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*'|(?<![\w$@])[0-9][\w.]*+"
#: What may hold a single quote that begins no string. Where one of these is left the text is judged whole.
_QUOTING: Final = r"[\"`#']|--|/\*"


def stateful_as_sent(sql: str | bytes | bytearray) -> bool:
    """As ``stateful``, of a text that may never come again."""
    return len(sql) > LONGEST or _verdict(bytes(sql) if isinstance(sql, bytearray) else sql)


@lru_cache(CACHE_SIZE)
def _verdict(sent: str | bytes) -> bool:
    sql = sent if isinstance(sent, str) else sent.decode("utf-8", "replace")
    bare = re.sub(_LITERAL, "0", sql)
    return stateful(sql if re.search(_QUOTING, bare) else bare)
