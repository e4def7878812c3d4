"""Markdown, as far as the lesson uses it, in a terminal of any width, with colours or without."""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterator

__all__ = ["Terminal"]

_ITEM = re.compile(r"(-|\d+\.) ")
#: Stands for a space at which no line may break: one within `code`.
_FIXED = "\0"


class Terminal:
    """Standard output, for people."""

    def __init__(self) -> None:
        # A name in the reader's own file may have letters that this terminal has not.
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="backslashreplace")
        self.width = min(max(shutil.get_terminal_size().columns, 45), 100)
        self._coloured = (
            sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        )

    def title(self, text: str) -> None:
        print(self._styled("1", text), end="\n\n", flush=True)

    def good(self, text: str) -> None:
        print(self._styled("32", text), flush=True)

    def bad(self, text: str) -> None:
        print(self._styled("31", text), flush=True)

    def line(self, text: str = "") -> None:
        """A line as it is: a path, a command, a line of code."""
        print(text, flush=True)

    def text(self, markdown: str, *, label: str = "") -> None:
        """Paragraphs, lists and code, and an empty line; ``label`` leads the first paragraph."""
        if label:
            print(self._styled("1", label))
        for number, block in enumerate(_blocks(markdown)):
            if number:
                print()
            print("\n".join(self._lines(block)))
        print(flush=True)

    def _lines(self, block: list[str]) -> Iterator[str]:
        if block[0].startswith("```"):
            for line in block[1:-1]:
                yield self._styled("36", f"    {line}".rstrip())
            return
        for item in _items(block):
            mark = _ITEM.match(item)
            indent = " " * (mark.end() if mark else 0)
            fixed = re.sub(r"`[^`]*`", lambda found: found[0].replace(" ", _FIXED), item)
            wrapped = textwrap.wrap(
                fixed, self.width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
            )
            for line in wrapped:
                yield self._inline(line.replace(_FIXED, " "))

    def _inline(self, line: str) -> str:
        if not self._coloured:
            return line
        return re.sub(r"`([^`]*)`", lambda found: self._styled("36", found[1]), line)

    def _styled(self, style: str, text: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if self._coloured and text else text


def _blocks(markdown: str) -> Iterator[list[str]]:
    """What empty lines part, but within code."""
    block: list[str] = []
    fenced = False
    for line in markdown.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        if not line and not fenced:
            if block:
                yield block
            block = []
        else:
            block.append(line)
    if block:
        yield block


def _items(block: list[str]) -> list[str]:
    """A paragraph as one long line; a list as one for each item."""
    items: list[str] = []
    for line in block:
        if items and not _ITEM.match(line):
            items[-1] += f" {line.strip()}"
        else:
            items.append(line)
    return items
