"""Contenders that obey, from the side that gives the orders; and samples that are taken together."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Any

from thawpool.testing.postgres import Postgres

from ..contenders import CONTENDERS, EVERY, Address, NodeContender, Setting, label
from ..sampling import Metrics, Sample
from ..stage import ROOT, BenchError, Stage, address_of, end, make_mariadb, node

__all__ = ["Actor", "Cast", "Outcome", "Together", "all_rows", "servers", "setting_of", "together_answered"]

#: Seconds for a process to start, and for an order that does not depend on a fault.
PATIENCE = 30.0
#: How many clients a server of such a question takes.
CLIENTS = 500

Outcome = Metrics | BenchError
Cast = dict[str, "Actor"]


def all_rows(system: str | None = None) -> dict[str, tuple[str, Setting]]:
    """Every contender at its defaults and at its safest: the rows of the questions about faults."""
    settings: tuple[Setting, ...] = ("default", "safe")
    return {
        label(name, setting): (name, setting)
        for name, kind in CONTENDERS.items()
        for setting in settings
        if kind.words(setting) and system in (None, kind.server)
    }


def setting_of(row: str) -> str:
    name, setting = all_rows()[row]
    return EVERY[name].words(setting)


@contextmanager
def servers() -> Iterator[dict[str, Any]]:
    """Servers of the question's own, by their system, to be broken: an error where there is none."""
    found: dict[str, Any] = {}
    settings = {"max_connections": str(CLIENTS)}
    with Postgres(settings=settings, auth="scram-sha-256") as postgres:
        found["postgresql"] = postgres
        try:
            mariadb = make_mariadb(settings)
        except BenchError as error:
            found["mysql"] = error
            yield found
            return
        with mariadb as found["mysql"]:
            yield found


class Together:
    """Samples that are taken at once: they mostly wait, and one at a time it would take an hour.

    The first that is asked for has all of a round taken, the others find theirs.
    """

    def __init__(self, take_all: Callable[[Stage], Mapping[tuple[str, str], Outcome]]) -> None:
        self._take_all = take_all
        self._taken: dict[tuple[str, str], Outcome] = {}

    def take(self, sample: Sample, stage: Stage) -> Metrics:
        if (sample.case, sample.row) not in self._taken:
            self._taken = dict(self._take_all(stage))
        outcome = self._taken.pop((sample.case, sample.row))
        if isinstance(outcome, BenchError):
            raise outcome
        return outcome


class Actor:
    """A contender's process."""

    def __init__(self, row: str, server: Any) -> None:
        self.name, self.setting = all_rows()[row]
        kind = EVERY[self.name]
        if isinstance(server, BenchError):
            raise server
        self.address: Address = address_of(server.url())
        task = {"contender": self.name, "setting": self.setting}
        if issubclass(kind, NodeContender):
            task |= {"question": "obey", "package": kind.package, "address": self.address}  # type: ignore[dict-item]
            command = [*node(), str(ROOT / "bench/node/child.mjs"), json.dumps(task)]
        else:
            function = "bench.questions._actor:obey"
            command = [sys.executable, "-m", "bench.child", function, json.dumps(task)]
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # closed by end()
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,
        )
        #: Answers that have come, by pool; that of the process itself has no name.
        self._answers: dict[str, deque[dict[str, Any]]] = {}
        self._arrived = threading.Condition()
        self._over = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            answer = json.loads(line)
            with self._arrived:
                self._answers.setdefault(answer.get("pool", ""), deque()).append(answer)
                self._arrived.notify_all()
        with self._arrived:
            self._over = True
            self._arrived.notify_all()

    def ready(self) -> None:
        self.answer("", PATIENCE)

    def order(self, pool: str, do: str, **what: Any) -> None:
        line = json.dumps({"pool": pool, "do": do, **what}) + "\n"
        assert self._process.stdin is not None
        try:
            # Past the buffer: an order that nobody will read must leave nothing to flush.
            os.write(self._process.stdin.fileno(), line.encode())
        except BrokenPipeError:
            pass  # it has ended: whoever waits for the answer is told

    def answer(self, pool: str, patience: float) -> dict[str, Any]:
        """The next answer of ``pool``.

        Raises:
            TimeoutError: none within ``patience`` seconds.
            BenchError: the order failed, or the process has ended.
        """
        with self._arrived:
            answers = self._answers.setdefault(pool, deque())
            if not self._arrived.wait_for(lambda: answers or self._over, max(0.0, patience)):
                raise TimeoutError
            if not answers:
                raise BenchError(f"its process ended: {self._last_words()}")
            answer = answers.popleft()
        if "error" in answer:
            raise BenchError(f"{answer['did']}: {answer['error']}")
        return answer

    def requests(self, pool: str, until: float) -> tuple[list[dict[str, Any]], float | None]:
        """What came of the requests that were ordered, and how long the pool was idle before them.

        Those that have not ended at the time ``until`` are left out, and so is the idle time then.
        """
        found: list[dict[str, Any]] = []
        while True:
            try:
                answer = self.answer(pool, until - monotonic())
            except TimeoutError:
                return found, None
            if "request" not in answer:
                return found, answer["idle"]
            found.append(answer)

    def freeze(self) -> None:
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self._process.pid, signal.SIGCONT)

    def end(self) -> None:
        if self._errors.closed:
            return
        if self._process.returncode is None:
            end(self._process)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._reader.join()
        self._process.stdout.close()
        self._errors.close()

    def _last_words(self) -> str:
        self._process.wait()
        self._errors.seek(0)
        lines = [line.strip() for line in self._errors.read().decode(errors="replace").splitlines()]
        telling = [line for line in lines if "rror:" in line] or [f"code {self._process.returncode}"]
        return telling[-1][:120]


def together_answered(
    cast: Cast, act: Callable[[Actor], Any], failed: dict[str, BenchError], *, drop: bool = True
) -> None:
    """``act`` with each actor at once, each in a thread. Who fails is noted, ended and out of the cast."""
    outcomes: queue.SimpleQueue[tuple[str, BenchError]] = queue.SimpleQueue()

    def attempt(row: str, actor: Actor) -> None:
        try:
            act(actor)
        except TimeoutError:
            outcomes.put((row, BenchError("no answer")))
        except BenchError as error:
            outcomes.put((row, error))

    _run(threading.Thread(target=attempt, args=each, daemon=True) for each in cast.items())
    while not outcomes.empty():
        row, error = outcomes.get()
        failed[row] = error
        if drop:
            cast.pop(row).end()


def _run(threads: Iterable[threading.Thread]) -> None:
    started = list(threads)
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()


@contextmanager
def cast_of(rows: Iterable[str], running: Mapping[str, Any], failed: dict[str, BenchError]) -> Iterator[Cast]:
    """A process for each row, all ready; they are gone in the end."""
    cast: Cast = {}
    try:
        for row in rows:
            try:
                cast[row] = Actor(row, running[EVERY[all_rows()[row][0]].server])
            except BenchError as error:
                failed[row] = error
        together_answered(cast, Actor.ready, failed)
        yield cast
    finally:
        for actor in cast.values():
            actor.end()
