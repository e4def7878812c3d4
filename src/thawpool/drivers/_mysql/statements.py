"""Does a statement's own text leave state behind in its session, which a reset must clear?

Judged from the text alone, without the server's catalog: what a view, trigger, default or stored function
with the name of a built-in one does inside is not seen. Everything that is not surely harmless counts as
stateful. What each statement replaces anyway is no state: LAST_INSERT_ID(), ROW_COUNT(), FOUND_ROWS() of a
plain SELECT, warnings.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Final

from .._tokens import Kind, pairs_of
from .text import code
from .words import CLEAN, DROPPED, HARMLESS, NAMING

__all__ = ["CACHE_SIZE", "LONGEST", "ends_transaction", "opens_transaction", "stateful"]

#: How many verdicts are kept; that of the least recently used text goes first.
CACHE_SIZE: Final = 512
#: Longer texts, in characters, are not read and count as stateful: a reset costs less than reading them.
LONGEST: Final = 16_384

#: What is assumed of a text that cannot be read: it may do anything.
_UNKNOWN: Final = (True, True, False)
#: Words that leave something wherever they stand: the count that FOUND_ROWS() tells long after.
_LASTING: Final = "sql_calc_found_rows"
_CTE_BODIES: Final = ("select", "table", "values", "with", "(")


def stateful(sql: str) -> bool:
    """Whether ``sql``, one statement or several, may leave state behind. False only when surely not.

    A text that was judged before costs one look-up.
    """
    return len(sql) > LONGEST or _verdict(sql)[0]


def opens_transaction(sql: str) -> bool:
    """Whether after ``sql`` a transaction may be open that was not before. False only when surely not.

    For a session in autocommit, and a driver that does not tell the server's own word on it. What turns
    autocommit off counts.
    """
    return len(sql) > LONGEST or _verdict(sql)[1]


def ends_transaction(sql: str) -> bool:
    """Whether after ``sql`` surely none is open: its last statement is COMMIT or ROLLBACK, and no new one is chained."""
    return len(sql) <= LONGEST and _verdict(sql)[2]


@lru_cache(CACHE_SIZE)
def _verdict(sql: str) -> tuple[bool, bool, bool]:
    """The answers to the three questions."""
    leaves = opens = ends = False
    statement: list[str] = []
    for kind, text in (*code(sql), (Kind.SIGN, ";")):
        if kind is Kind.BROKEN or kind is Kind.COMMENT:  # a comment that some servers execute
            return _UNKNOWN
        if text != ";":
            # Words in lower case, as the server has them; what is quoted keeps its quotes.
            statement.append(text.lower() if kind is Kind.WORD and text.isascii() else text)
        elif statement:
            pairs = pairs_of(statement)
            if pairs is None:
                return _UNKNOWN
            start = _start(statement, pairs)
            opens = opens or _opens(statement[start:])
            ends = _ends(statement[start:])
            leaves = leaves or _changes(statement, start, pairs)
            statement.clear()
    return leaves, opens, ends


def _start(words: list[str], pairs: dict[int, int]) -> int:
    """Where the command begins: after SET STATEMENT a = 1 FOR, which is undone at its end, and after parentheses."""
    at = 0
    if words[:2] == ["set", "statement"]:
        while at < len(words) and words[at] != "for":
            at = pairs.get(at, at) + 1
        at = at + 1 if at < len(words) else 0
    while words[at : at + 1] == ["("]:  # (SELECT ..) UNION ..
        at += 1
    return at


def _opens(words: list[str]) -> bool:
    """Whether a command may leave a transaction open."""
    command, *rest = words or [""]
    if command in ("commit", "rollback"):
        return ("and", "chain") in pairwise(rest)
    return command in ("begin", "start") or command not in CLEAN


def _ends(words: list[str]) -> bool:
    return words[:1] in (["commit"], ["rollback"]) and "to" not in words and not _opens(words)


def _changes(words: list[str], start: int, pairs: dict[int, int]) -> bool:
    """Whether one statement may change its session."""
    return (
        _command_changes(words[start:])
        or any(_assigns(words, at) for at in range(len(words)))
        or any(_calls(words, at, pairs) for at, word in enumerate(words) if word == "(")
    )


def _command_changes(words: list[str]) -> bool:
    """Whether the command is of a kind that changes its session."""
    command, *rest = words or [""]
    first = rest[0] if rest else ""
    match command:
        case "begin":  # BEGIN NOT ATOMIC .. is a program
            return first not in ("", "work")
        case "start":
            return first != "transaction"
        case "create":
            return "temporary" in rest[:4]
        case "alter":  # the session has settings of its database's
            return first in ("database", "schema")
        case "drop":
            return first not in DROPPED
    return command not in CLEAN


def _assigns(words: list[str], at: int) -> bool:
    """Whether the word at ``at`` begins something that stays: a variable, the place of a sequence."""
    word = words[at]
    if word == "into":
        return words[at + 1 : at + 2] == ["@"]
    return word in (":=", _LASTING) or words[at : at + 2] == ["next", "value"]


def _calls(words: list[str], at: int, pairs: dict[int, int]) -> bool:
    """Whether the parenthesis at ``at`` is that of a call which may change the session."""
    start = at - 1
    if start <= 0 or not _is_name(words[start]):
        return False  # the statement's first word, as in VALUES (1), or no name at all
    while start > 1 and words[start - 1] == "." and _is_name(words[start - 2]):
        start -= 2
    before = words[start - 1] if start else ""
    if before in NAMING or _names_columns(words, at, pairs) or (before == "on" and _is_index(words)):
        return False
    if start != at - 1:
        return True  # a stored function
    if before == ")":
        return False  # FROM (SELECT ..) name (a, b)
    name = words[start]
    if name == "last_insert_id":
        return words[at + 1] != ")"
    return name not in HARMLESS


def _is_name(word: str) -> bool:
    """Whether a word can name a function. Names may have digits only, after a point; in some modes ".." is one."""
    return word[0].isalnum() or word[0] in '_$`"' or word[0] > "\x7f" or (word[0] == "." and word != ".")


def _is_index(words: list[str]) -> bool:
    """Whether this is CREATE INDEX, where ON comes before a name."""
    return words[0] == "create" and "index" in words[1:5]


def _names_columns(words: list[str], at: int, pairs: dict[int, int]) -> bool:
    """Whether the parenthesis holds the column names of a WITH query: name (a, b) AS (SELECT .."""
    after = pairs[at] + 1
    return words[after : after + 2] == ["as", "("] and words[after + 2] in _CTE_BODIES
