"""The process that forks answers, by itself."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from tests.learn.reader import answer

from thawpool.learn.check.nursery import Nursery
from thawpool.learn.errors import LearnError


def test_it_forks_one_after_another_and_tells_how_each_ended(tmp_path: Path) -> None:
    file = tmp_path / "users.py"
    file.write_text(answer("right_query"))
    nursery = Nursery()
    with open(os.devnull, "rb") as nothing, open(tmp_path / "said", "wb") as said:
        streams = nothing.fileno(), said.fileno(), said.fileno()
        first = nursery.bear(file, "postgresql://h/d", [], streams)
        assert nursery.bury(first) == 0, "it had nothing to do"
        reading, writing = os.pipe()
        second = nursery.bear(file, "postgresql://h/d", [], (reading, *streams[1:]))
        os.killpg(second, signal.SIGKILL)
        assert nursery.bury(second) == -signal.SIGKILL
        os.close(reading)
        os.close(writing)
    nursery.close()


def test_its_own_end_is_told_in_a_sentence(tmp_path: Path) -> None:
    nursery = Nursery()
    nursery._process.kill()
    with pytest.raises(LearnError, match="the check's own process was killed: check again"):
        nursery.bury(1)
    nursery.close()


def test_a_module_beside_the_file_does_not_stand_in_for_one_of_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "socket.py").write_text("raise SystemExit('not this one')")
    monkeypatch.chdir(tmp_path)
    test_it_forks_one_after_another_and_tells_how_each_ended(tmp_path)
