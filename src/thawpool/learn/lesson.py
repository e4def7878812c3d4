"""The lesson's texts, read from ``text/``: the terminal and the docs page show the same.

Each is a Markdown file. A step or question begins with lines ``name: value`` between two ``---``; then come sections,
each under a ``##`` of its own. They are plain ASCII, so that every terminal can show them.
"""

from __future__ import annotations

import functools
import re
from importlib.resources import files
from typing import NamedTuple

__all__ = ["Question", "Step", "code", "intro", "practice_intro", "questions", "starting_file", "steps"]


class Step(NamedTuple):
    """One step; all but the number and title is Markdown."""

    number: int
    title: str
    goal: str
    why: str
    hint: str
    solution: str


class Question(NamedTuple):
    """One question of the practice; ``choices`` by letter, ``answer`` the letter of the right one."""

    number: int
    title: str
    level: str
    answer: str
    text: str
    choices: dict[str, str]
    solution: str
    quick_check: str
    hint: str
    mistakes: str


class _Page(NamedTuple):
    facts: dict[str, str]
    text: str
    sections: dict[str, str]


@functools.cache
def steps() -> tuple[Step, ...]:
    """The four steps, in their order."""
    return tuple(_step(number) for number in range(1, 5))


@functools.cache
def questions() -> tuple[Question, ...]:
    """The ten questions, from easy to hard."""
    return tuple(_question(number) for number in range(1, 11))


def intro() -> str:
    return _read("intro.md").strip()


def practice_intro() -> str:
    return _read("practice.md").strip()


def starting_file() -> str:
    """``users.py`` as the reader gets it."""
    return _read("users.py.txt")


def code(text: str) -> list[str]:
    """The code in a text, block by block."""
    return re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def _step(number: int) -> Step:
    page = _page(f"step-{number}.md")
    of = page.sections
    return Step(number, page.facts["title"], of["Goal"], of["Why"], of["Hint"], of["Solution"])


def _question(number: int) -> Question:
    page = _page(f"question-{number:02}.md")
    of = page.sections
    return Question(
        number,
        page.facts["title"],
        page.facts["level"],
        page.facts["answer"],
        page.text,
        {letter: of[letter] for letter in "abcd"},
        of["Solution"],
        of["Quick check"],
        of["Hint"],
        of["Common mistakes"],
    )


def _page(name: str) -> _Page:
    _, head, body = _read(name).split("---\n", 2)
    facts = dict(line.split(": ", 1) for line in head.splitlines())
    text, *sections = re.split(r"^## (.+)\n", body, flags=re.MULTILINE)
    titles, texts = sections[::2], sections[1::2]
    return _Page(
        facts, text.strip(), {title: text.strip() for title, text in zip(titles, texts, strict=True)}
    )


def _read(name: str) -> str:
    return (files(__package__) / "text" / name).read_text(encoding="utf-8")
