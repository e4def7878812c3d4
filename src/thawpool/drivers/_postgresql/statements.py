"""Does a statement's own text leave state behind in its session, which a reset must clear?

Judged from the text alone, without the server's catalog: what a view, trigger, default, policy, operator
or cast does inside is not seen. Everything that is not surely harmless counts as stateful.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Final

from .._tokens import Kind, pairs_of
from .text import code
from .words import CLEAN, HARMLESS, NAMING

__all__ = ["CACHE_SIZE", "LONGEST", "stateful", "stateful_as_sent"]

#: How many verdicts are kept; that of the least recently used text goes first.
CACHE_SIZE: Final = 512
#: Longer texts, in characters, are not read and count as stateful: a reset costs less than reading them.
LONGEST: Final = 16_384

_TEMPORARY: Final = ("temp", "temporary")
#: Settings that end with their transaction, but change how the texts in it are to be read: where CREATE TABLE
#: puts a table, and where a string ends.
_MISLEADING: Final = ("search_path", "standard_conforming_strings", "schema")
_CTE_BODIES: Final = ("select", "table", "with", "(")
_CTE_CHANGES: Final = (("insert", "into"), ("delete", "from"), ("merge", "into"), ("values", "("))


def stateful(sql: str) -> bool:
    """Whether ``sql``, one statement or several, may leave state behind. False only when surely not.

    A text that was judged before costs one look-up.
    """
    return len(sql) > LONGEST or _verdict(sql)


def stateful_as_sent(sql: str | bytes | bytearray) -> bool:
    """The same of a text as a library sends it."""
    return len(sql) > LONGEST or _verdict(
        sql if isinstance(sql, str) else bytes(sql).decode("utf-8", "replace")
    )


@lru_cache(CACHE_SIZE)
def _verdict(sql: str) -> bool:
    statement: list[str] = []
    for kind, text in code(sql):
        if kind is Kind.BROKEN:
            return True
        if text == ";":
            if _changes(statement):
                return True
            statement.clear()
        else:
            # Words in lower case, as the server has them; what is quoted keeps its quotes.
            statement.append(text.lower() if kind is Kind.WORD and text.isascii() else text)
    return _changes(statement)


def _changes(words: list[str]) -> bool:
    """Whether one statement may change its session."""
    pairs = pairs_of(words)
    if pairs is None:
        return True
    return (
        _command_changes(words, pairs)
        or any(_temporary(words, at) for at in range(len(words)))
        or any(_calls(words, at, pairs) for at, word in enumerate(words) if word == "(")
    )


def _command_changes(words: list[str], pairs: dict[int, int]) -> bool:
    """Whether the statement is of a kind that changes its session."""
    at, end = 0, len(words)
    if words[:1] == ["explain"]:
        at = pairs[1] + 1 if words[1:2] == ["("] else 1
        while at < end and words[at] in ("analyze", "analyse", "verbose"):
            at += 1
    while at < end and words[at] == "(":  # (SELECT ..) UNION ..
        at += 1
    command, *rest = words[at:] or [""]
    first, second = (*rest, "", "")[:2]
    match command:
        case "":
            return end > 0
        case "set":  # SET local.x = 1 is a setting of somebody's own
            misleading = _plain(second) in _MISLEADING if second else False
            return (
                first not in ("local", "transaction", "constraints")
                or second in (".", "=", "to")
                or misleading
            )
        case "create":
            kind = next((word for word in rest if word not in ("or", "replace", "local", "global")), "")
            return kind in (*_TEMPORARY, "extension")
        case "alter":
            return first == "extension"
        case "declare":
            return ("with", "hold") in pairwise(rest)
    return command not in CLEAN


def _temporary(words: list[str], at: int) -> bool:
    """Whether the word at ``at`` speaks of temporary objects."""
    word = words[at]
    if word == "into":
        return words[at + 1 : at + 2] != [] and (
            words[at + 1] in (*_TEMPORARY, "local", "global") and words[at - 1] not in ("insert", "merge")
        )
    return word.strip('"').startswith(("pg_temp", "pg_toast_temp")) or word[:3] in ('u&"', 'U&"')


def _calls(words: list[str], at: int, pairs: dict[int, int]) -> bool:
    """Whether the parenthesis at ``at`` is that of a call which may change the session."""
    start = at - 1
    if start <= 0 or not _is_name(words[start]):
        return False  # the statement's first word, as in VALUES (1), or no name at all
    while start > 1 and words[start - 1] == "." and _is_name(words[start - 2]):
        start -= 2
    before = words[start - 1] if start else ""
    if before in NAMING or before == "::" or _names_columns(words, at, pairs):
        return False
    if _is_index(words) and before in ("on", "using"):
        return False
    if start == at - 1:
        if before == ")" and words[pairs[start - 1] - 1] not in ("on", "operator"):
            return False  # FROM f(x) name (a, b); but DISTINCT ON (a) f(x) is a call
    elif start != at - 3 or _plain(words[start]) != "pg_catalog":
        return True
    name = _plain(words[at - 1])
    if name == "set_config":
        name, comma = (*words[at + 1 : at + 3], "", "")[:2]
        known = name[:1] == "'" and comma == "," and name[1:-1].strip().lower() not in _MISLEADING
        return not known or words[pairs[at] - 2 : pairs[at]] != [",", "true"]
    return name not in HARMLESS


def _is_name(word: str) -> bool:
    return word[0].isalpha() or word[0] in '_"' or word[0] > "\x7f"


def _plain(word: str) -> str:
    """The name that a word stands for."""
    return word[1:-1].replace('""', '"') if word[0] == '"' else word


def _is_index(words: list[str]) -> bool:
    """Whether this is CREATE INDEX, where ON and USING come before names."""
    return words[:2] == ["create", "index"] or words[:3] == ["create", "unique", "index"]


def _names_columns(words: list[str], at: int, pairs: dict[int, int]) -> bool:
    """Whether the parenthesis holds the column names of a WITH query: name (a, b) AS (SELECT .."""
    after = pairs[at] + 1
    if words[after : after + 1] != ["as"]:
        return False
    after += 1
    while words[after : after + 1] in (["not"], ["materialized"]):
        after += 1
    body, second, third = (*words[after : after + 3], "", "", "")[:3]
    return body == "(" and (second in _CTE_BODIES or (second, third) in _CTE_CHANGES)
