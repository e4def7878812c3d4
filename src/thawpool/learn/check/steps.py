"""Each step's judgement: what the answer must have done, seen by running it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from . import complaints
from .answer import Answer
from .complaints import Complaint, Wrong
from .server import Server
from .trial import CALLS, CROWD, LIMIT, POOL, Trial

__all__ = ["STEPS", "Check", "Verdict"]

_SEEN = f"{CALLS} calls in a row used 1 connection, {CROWD} at once {LIMIT}, and all were given back."


class Verdict(NamedTuple):
    """What is wrong, or None; and what was seen of a right answer."""

    complaint: Complaint | None
    seen: str


class Check:
    """Judges one file.

    Args:
        file: what the reader wrote.
        server: the running server of the lesson.
        limit: seconds that any one act of the file may take.
    """

    def __init__(self, file: Path, server: Server, *, limit: float = 5.0) -> None:
        self._file = file
        self._server = server
        self._limit = limit
        #: What the file itself printed, last time it ran.
        self.printed = ""

    def step(self, number: int) -> Verdict:
        """Whether the answer to this step is right."""
        try:
            return Verdict(None, STEPS[number - 1](self))
        except Wrong as wrong:
            return Verdict(wrong.complaint, "")

    @contextmanager
    def running(self, database: int = 0) -> Iterator[Trial]:
        """The file, loaded, with DATABASE_URL set to one of the server's databases."""
        home = self._server.databases[database]
        home.fill()
        with Answer(self._file, home.url, self._server, self._limit) as answer:
            trial = Trial(answer, home, self._limit)
            try:
                trial.load()
                yield trial
            finally:
                self.printed = answer.printed()

    # -- the steps -------------------------------------------------------------------------------

    def pool(self) -> str:
        """One pool, at module scope, that holds 5 connections at most."""
        with self.running() as trial:
            stray = trial.stray_dial()
            if stray is None:
                peak = trial.crowd(POOL)
                if peak != LIMIT:
                    raise Wrong(complaints.wrong_size(peak, CROWD, trial.pool_place))
                return f"{CROWD} queries at once held {peak} connections at the server."
            # It asks another database than the lesson's, which is step 2's matter: here its own word counts.
            if (size := trial.answer.look()["max_size"]) != LIMIT:
                raise Wrong(complaints.size_said(size, trial.pool_place))
            return f"It is made for {size} connections. It asks {stray}, of which step 2 has more to say."

    def url(self) -> str:
        """The pool asks the database that DATABASE_URL names, and another if it names another."""
        first, moved = self._server.databases
        for number, database in enumerate((first, moved)):
            with self.running(number) as trial:
                before = [each.opened() for each in (first, moved)]
                if stray := trial.stray_dial():
                    raise Wrong(complaints.another_database(stray, database.address, trial.pool_place))
                after = [each.opened() for each in (first, moved)]
                if number == 1 and after[0] > before[0]:
                    raise Wrong(complaints.old_database(trial.pool_place))
                if after[number] == before[number]:
                    raise Wrong(complaints.no_connection(trial.pool_place))
        return "DATABASE_URL was changed to another database, and the pool followed."

    def query(self) -> str:
        """get_users() answers with the rows, over one pool that outlives it, and gives back what it takes."""
        with self.running() as trial:
            trial.lasts("get_users", trial.are_users)
            trial.gives_back_on_error("get_users")
        return f"{_SEEN} A query that failed cost none."

    def route(self) -> str:
        """handler() answers 200 with the users, and 500 while the database is away."""
        with self.running() as trial:
            trial.lasts("handler", trial.is_answer)
            self._server.stop()
            try:
                trial.fails_well("handler")
            finally:
                self._server.start()
            trial.recovers("handler")
        return f"{_SEEN} With the database stopped it answered 500, and 200 as soon as it was back."


STEPS = (Check.pool, Check.url, Check.query, Check.route)
