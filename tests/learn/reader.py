"""Somebody who does the lesson in this process."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from thawpool.__main__ import main

__all__ = ["ANSWERS", "Reader", "Said", "answer"]

ANSWERS = Path(__file__).parent / "answers"


def answer(name: str) -> str:
    """The text of one of the answers."""
    return (ANSWERS / f"{name}.py.txt").read_text(encoding="utf-8")


class Said(NamedTuple):
    code: int
    out: str
    err: str


class Reader:
    """Types commands."""

    def __init__(
        self, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.folder = home / "work"
        self.folder.mkdir()
        self.file = self.folder / "users.py"
        self.progress = home / "state" / "thawpool" / "learn.json"
        self._capsys = capsys
        monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
        monkeypatch.setenv("COLUMNS", "80")
        monkeypatch.chdir(self.folder)

    def types(self, *arguments: str) -> Said:
        """Run ``thawpool learn`` with these arguments."""
        try:
            code = main(["learn", *arguments])
        except SystemExit as wrong_usage:  # argparse's way to end
            code = int(wrong_usage.code or 0)
        said = self._capsys.readouterr()
        return Said(code, said.out, said.err)
