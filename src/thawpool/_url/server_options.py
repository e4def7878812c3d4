"""The ``options`` string that PostgreSQL reads at the start of a session, like a command line."""

from __future__ import annotations

from typing import Final

__all__ = ["read_settings", "with_search_path"]

#: What the server's own splitting calls white space.
_SPACE: Final = " \t\n\r\v\f"


def read_settings(options: str) -> dict[str, str]:
    """The settings that ``-c name=value``, ``-cname=value`` and ``--name=value`` in it make.

    Names as the server compares them: in small letters, ``-`` as ``_``. Other words, such as Neon's
    ``endpoint=...``, set nothing.
    """
    settings: dict[str, str] = {}
    words = iter(_words(options))
    for word in words:
        if word == "-c":
            assignment = next(words, "")
        elif word.startswith(("-c", "--")):
            assignment = word[2:]
        else:
            continue
        name, mark, value = assignment.partition("=")
        if mark:
            settings[name.lower().replace("-", "_")] = value
    return settings


def with_search_path(options: str, schema: str) -> str:
    """``options`` with ``schema``, quoted as a name, for the search path."""
    name = '"' + schema.replace('"', '""') + '"'
    escaped = "".join("\\" + char if char in _SPACE or char == "\\" else char for char in name)
    return f"{options} -c search_path={escaped}".lstrip()


def _words(options: str) -> list[str]:
    """Split at white space as the server does: a backslash makes any character plain."""
    words: list[str] = []
    word: list[str] = []
    chars = iter(options)
    started = False
    for char in chars:
        if char in _SPACE:
            if started:
                words.append("".join(word))
            word, started = [], False
            continue
        started = True
        word.append(next(chars, "") if char == "\\" else char)
    if started:
        words.append("".join(word))
    return words
