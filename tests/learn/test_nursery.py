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


def test_the_reader_s_own_databases_are_not_the_answers_to_see(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("POSTGRES_URL", "MYSQL_URL", "PGHOST", "DATABASE_URL"):
        monkeypatch.setenv(name, "somebody's own")
    file = tmp_path / "users.py"
    file.write_text(
        'import os\nprint([name for name in os.environ if os.environ[name] == "somebody\'s own"])\n'
        "print(os.environ['DATABASE_URL'])\n"
    )
    orders = tmp_path / "orders"
    orders.write_text('{"do": "load", "limit": 10}\n')
    nursery = Nursery()
    with open(orders, "rb") as asked, open(os.devnull, "wb") as nothing, open(tmp_path / "out", "wb") as out:
        child = nursery.bear(file, "postgresql://h/d", [], (asked.fileno(), nothing.fileno(), out.fileno()))
        assert nursery.bury(child) == 0
    nursery.close()
    assert (tmp_path / "out").read_text() == "[]\npostgresql://h/d\n"
