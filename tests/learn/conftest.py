"""A reader of the lesson: a folder, a place for the progress, and the command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from tests.learn.reader import Reader

from thawpool.learn.check import run
from thawpool.learn.check.server import Server


@pytest.fixture(scope="session")
def lesson_server() -> Iterator[Server]:
    """The lesson's PostgreSQL, shared by tests that judge files themselves."""
    with Server() as server:
        yield server


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Reader:
    """A new reader in an empty folder, with a terminal of 80 columns."""
    return Reader(tmp_path, monkeypatch, capsys)


@pytest.fixture
def served(lesson_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Checks run on ``lesson_server``, rather than on one that each starts."""
    monkeypatch.setattr(run, "Server", lambda: nullcontext(lesson_server))
