"""How far the reader is, kept in one small file between two commands.

It is ``thawpool/learn.json`` in ``$XDG_STATE_HOME``, by default in ``~/.local/state``: so the commands work from any folder.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from .errors import LearnError
from .lesson import questions, steps

__all__ = ["Progress"]


class Progress:
    """What is kept.

    Attributes:
        file: what the reader writes; None before the lesson has begun.
        done: how many steps were found right.
        answers: by number of the question, the letter last given.
    """

    def __init__(self) -> None:
        self.file: Path | None = None
        self.done = 0
        self.answers: dict[int, str] = {}

    @staticmethod
    def place() -> Path:
        """Where it is kept."""
        home = os.environ.get("XDG_STATE_HOME", "")
        # The XDG specification: a relative path is to be ignored.
        if os.path.isabs(home):
            return Path(home) / "thawpool" / "learn.json"
        try:
            base = Path.home() / ".local" / "state"
        except RuntimeError as error:
            raise LearnError(
                "you have no home folder to keep your progress in: set XDG_STATE_HOME to one"
            ) from error
        return base / "thawpool" / "learn.json"

    @classmethod
    def load(cls) -> Progress:
        """What was kept, or a fresh start.

        Raises:
            LearnError: it cannot be read, or holds something else.
        """
        place = cls.place()
        try:
            kept = json.loads(place.read_text(encoding="utf-8"))
            return cls._of(kept)
        except FileNotFoundError:
            return cls()
        except OSError as error:
            raise LearnError(f"your progress, {place}, cannot be read: {error.strerror}") from error
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise LearnError(
                f"your progress, {place}, is damaged: begin anew with `thawpool learn reset` (your users.py stays)"
            ) from error

    @classmethod
    def _of(cls, kept: Any) -> Progress:
        progress = cls()
        progress.file = None if kept["file"] is None else Path(kept["file"])
        progress.done = kept["done"]
        progress.answers = {int(number): letter for number, letter in kept["answers"].items()}
        if progress.done not in range(len(steps()) + 1) or isinstance(progress.done, bool):
            raise ValueError(progress.done)
        if not all(
            number in range(1, len(questions()) + 1) and letter in "abcd"
            for number, letter in progress.answers.items()
        ):
            raise ValueError(progress.answers)
        return progress

    def save(self) -> None:
        """Keep it: the old or the new, never half of one.

        Raises:
            LearnError: it cannot be written.
        """
        place = self.place()
        kept = {
            "file": None if self.file is None else str(self.file),
            "done": self.done,
            "answers": self.answers,
        }
        building = place.with_name(f"{place.name}.{os.getpid()}")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            building.write_text(json.dumps(kept) + "\n", encoding="utf-8")
            building.replace(place)
        except OSError as error:
            with suppress(OSError):
                building.unlink(missing_ok=True)
            raise LearnError(f"your progress cannot be kept in {place}: {error.strerror}") from error

    @classmethod
    def forget(cls) -> None:
        """Remove what is kept; nothing if there is nothing.

        Raises:
            LearnError: it cannot be removed.
        """
        try:
            cls.place().unlink(missing_ok=True)
        except OSError as error:
            raise LearnError(f"your progress, {cls.place()}, cannot be removed: {error.strerror}") from error

    @property
    def finished(self) -> bool:
        return self.done == len(steps())

    @property
    def steps(self) -> str:
        return f"{self.done} / {len(steps())} steps"

    @property
    def right(self) -> int:
        """How many questions were answered right."""
        return sum(self.answers.get(question.number) == question.answer for question in questions())

    @property
    def practice(self) -> str:
        return f"{self.right} / {len(questions())} right"
