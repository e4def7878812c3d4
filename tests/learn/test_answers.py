"""Right and wrong answers, each run as a reader's: a wrong one gets exactly its complaint, with its line.

An answer is a file in ``answers/``. What a wrong one must be told stands at its head.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import psycopg
import pytest
from tests.learn.reader import ANSWERS, answer

from thawpool.learn.check import complaints
from thawpool.learn.check.complaints import Complaint
from thawpool.learn.check.server import Server
from thawpool.learn.check.steps import Check, Verdict
from thawpool.testing import Postgres

NAMES = sorted(path.name.removesuffix(".py.txt") for path in ANSWERS.glob("*.py.txt"))
RIGHT = [name for name in NAMES if name.startswith("right_")]
WRONG = [name for name in NAMES if name not in RIGHT]
#: What is not the same as in one of the first two.
STEPS = {
    "right_query": (1, 2, 3, 4),
    "right_async": (1, 2, 3, 4),
    "right_connection": (3, 4),
    "right_environ": (1, 4),
    "right_getconn": (3,),
    "right_handler": (4,),
    "right_fork": (3,),
}


class Expected:
    """What the head of a wrong answer says."""

    def __init__(self, text: str) -> None:
        found = re.search(r'\nstep: (\d)\nline: (\d+|None)\ndid: (.*)\n"""', text)
        assert found is not None
        self.step = int(found[1])
        self.line = None if found[2] == "None" else int(found[2])
        self.did = found[3]


def judge(name: str, step: int, server: Server, other: str, folder: Path) -> tuple[Verdict, str]:
    """Run the answer as ``users.py``; the verdict, and the address of the server's first database."""
    file = folder / f"{name}-{step}" / "users.py"
    file.parent.mkdir()
    # "{url}" is the address that DATABASE_URL has at first, "{other}" that of another server: no run has the same.
    text = answer(name).replace("{url}", server.url("lesson")).replace("{other}", other)
    file.write_text(text, encoding="utf-8")
    return Check(file, server, limit=2.5).step(step), server.databases[0].address


class Verdicts:
    """What becomes of each answer: two are run at a time, each on a server of its own, before they are asked for."""

    def __init__(self, elsewhere: str, folder: Path, workers: ThreadPoolExecutor) -> None:
        self.elsewhere = elsewhere
        self._servers: SimpleQueue[Server] = SimpleQueue()
        self._folder = folder
        #: The names of all complaints that there are, and of those that were made.
        self.complaints: set[str] = set()
        self.used: set[str] = set()
        wanted = [(name, step) for name in RIGHT for step in STEPS[name]]
        wanted += [(name, Expected(answer(name)).step) for name in WRONG]
        self._found = {each: workers.submit(self._judge, *each) for each in wanted}

    def __call__(self, name: str, step: int) -> tuple[Verdict, str]:
        return self._found[name, step].result()

    def begin(self, *servers: Server) -> None:
        """The answers may be run on these."""
        for server in servers:
            self._servers.put(server)

    def _judge(self, name: str, step: int) -> tuple[Verdict, str]:
        server = self._servers.get()
        try:
            return judge(name, step, server, self.elsewhere, self._folder)
        finally:
            self._servers.put(server)

    def note(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Note which complaints are made from now on."""
        for name, function in vars(complaints).items():
            if getattr(function, "__annotations__", {}).get("return") == "Complaint":
                self.complaints.add(name)
                monkeypatch.setattr(complaints, name, functools.partial(self._make, name, function))

    def _make(
        self, name: str, function: Callable[..., Complaint], *arguments: Any, **named: Any
    ) -> Complaint:
        self.used.add(name)
        return function(*arguments, **named)


@pytest.fixture(scope="module")
def elsewhere(postgres: Postgres) -> Iterator[str]:
    """A database with users that has nothing to do with the lesson: its URL."""
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute("CREATE DATABASE elsewhere")
        try:
            with psycopg.connect(postgres.url(database="elsewhere")) as conn:
                conn.execute("CREATE TABLE users (id int)")
            yield postgres.url(database="elsewhere")
        finally:
            admin.execute("DROP DATABASE elsewhere WITH (FORCE)")


@pytest.fixture(scope="module")
def verdict(
    lesson_server: Server, elsewhere: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Verdicts]:
    with pytest.MonkeyPatch.context() as monkeypatch, Server() as other, ThreadPoolExecutor(2) as workers:
        verdicts = Verdicts(elsewhere, tmp_path_factory.mktemp("answers"), workers)
        verdicts.note(monkeypatch)
        verdicts.begin(lesson_server, other)
        yield verdicts
        workers.shutdown(cancel_futures=True)


@pytest.mark.parametrize("name,step", [(name, step) for name in RIGHT for step in STEPS[name]])
def test_a_right_answer_is_right(name: str, step: int, verdict: Verdicts) -> None:
    found, _ = verdict(name, step)
    assert found.complaint is None
    assert found.seen


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_answer_is_told_what_it_did_and_where(name: str, verdict: Verdicts) -> None:
    expected = Expected(answer(name))
    found, address = verdict(name, expected.step)
    complaint = found.complaint
    assert complaint is not None
    elsewhere = verdict.elsewhere.rpartition("@")[2]
    assert complaint.did == expected.did.replace("{address}", address).replace("{elsewhere}", elsewhere)
    assert (complaint.place and complaint.place.line) == expected.line
    assert "secret" not in complaint.did + complaint.instead


def test_every_complaint_is_met_by_an_answer(verdict: Verdicts) -> None:
    for name in WRONG:
        verdict(name, Expected(answer(name)).step)
    assert sorted(verdict.complaints - verdict.used) == []
