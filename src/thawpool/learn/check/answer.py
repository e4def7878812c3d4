"""The reader's file, run in a process of its own that cannot hang, crash or talk over the check."""

from __future__ import annotations

import json
import os
import re
import signal
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from .server import Server

__all__ = ["Answer", "Ended", "Outcome", "Place"]

#: Beyond the limit of a command, until its process is ended from outside, should it not have ended itself.
_GRACE = 3.0


class Place(NamedTuple):
    """A line of the reader's file."""

    line: int
    function: str | None = None

    @classmethod
    def of(cls, facts: Mapping[str, Any] | None) -> Place | None:
        return None if facts is None else cls(facts["line"], facts["function"])


class Outcome(NamedTuple):
    """What became of one call: a value as ``child`` describes it, or an error."""

    returned: Mapping[str, Any] | None
    raised: str | None
    message: str
    place: Place | None

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Outcome:
        return cls(
            facts.get("returned"), facts.get("raised"), facts.get("message", ""), Place.of(facts.get("place"))
        )


class Ended(Exception):
    """The process ended, or was ended, while it did something.

    Attributes:
        how: "time" if it took too long, else what ended it: an exit or a signal, in words.
        doing: the command.
        place: the line that it was in, if known.
    """

    def __init__(self, how: str, doing: str, place: Place | None) -> None:
        super().__init__(how)
        self.how = how
        self.doing = doing
        self.place = place


class Answer:
    """A context manager: the process lives as long as its block.

    Args:
        file: what the reader wrote.
        url: its ``DATABASE_URL``.
        server: where it comes from.
        limit: seconds that one command may take.
    """

    def __init__(self, file: Path, url: str, server: Server, limit: float) -> None:
        self.file = file.resolve()
        self.limit = limit
        self._nursery = server.nursery
        self._given_up = False
        # All closed with the process, in __exit__.
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        hear, command = os.pipe()
        reply, say = os.pipe()
        self._commands = open(command, "w", encoding="utf-8")  # noqa: SIM115
        self._replies = open(reply, encoding="utf-8")  # noqa: SIM115
        try:
            streams = (hear, say, self._said.fileno())
            self._pid: int | None = self._nursery.bear(self.file, url, server.allowed, streams)
        finally:
            os.close(hear)
            os.close(say)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._kill()
        self._buried()
        with suppress(BrokenPipeError):
            self._commands.close()
        self._replies.close()
        self._said.close()

    def load(self) -> Outcome:
        return Outcome.of(self._do("load"))

    def functions(self) -> dict[str, Any]:
        return self._do("functions")

    def call(self, name: str, remaining: float) -> Outcome:
        """One request; ``remaining`` seconds are left to it."""
        return Outcome.of(self._do("call", name=name, remaining=remaining))

    def burst(self, name: str, count: int, remaining: float) -> None:
        """Begin ``count`` requests at once."""
        self._do("burst", name=name, count=count, remaining=remaining)

    def gather(self) -> list[Outcome]:
        """Wait for the burst."""
        return [Outcome.of(facts) for facts in self._do("gather")["outcomes"]]

    def look(self) -> dict[str, Any]:
        """What was seen of it so far."""
        return self._do("look")

    def printed(self) -> str:
        """What the file has printed."""
        return re.split(
            r"^(?:Timeout \(|Fatal Python error)", self._output(), maxsplit=1, flags=re.MULTILINE
        )[0].strip()

    def _do(self, what: str, **arguments: Any) -> dict[str, Any]:
        command = json.dumps({"do": what, "limit": self.limit, **arguments})
        # It ends itself at the limit; this is for one that has lost the means to.
        last_resort = threading.Timer(self.limit + _GRACE, self._give_up)
        last_resort.daemon = True
        last_resort.start()
        try:
            with suppress(BrokenPipeError):
                self._commands.write(command + "\n")
                self._commands.flush()
            line = self._replies.readline()
        finally:
            last_resort.cancel()
        if not line:
            raise self._ended(what)
        facts: dict[str, Any] = json.loads(line)
        if "ended" in facts:
            raise Ended(facts["ended"], what, Place.of(facts["place"]))
        return facts

    def _ended(self, doing: str) -> Ended:
        code = self._buried()
        output = self._output()
        # faulthandler's lines, at the limit and at a crash: the innermost comes first.
        found = re.search(rf'File "{re.escape(str(self.file))}", line (\d+) in (\S+)', output)
        place = Place(int(found[1]), found[2]) if found else None
        if self._given_up or "Timeout (" in output:
            return Ended("time", doing, place)
        return Ended(signal.Signals(-code).name if code < 0 else f"exit code {code}", doing, place)

    def _buried(self) -> int:
        """Wait for its end; its exit code, or 0 if that was known before."""
        pid, self._pid = self._pid, None
        return 0 if pid is None else self._nursery.bury(pid)

    def _output(self) -> str:
        self._said.seek(0)
        return self._said.read().decode("utf-8", "replace")

    def _give_up(self) -> None:
        self._given_up = True
        self._kill()

    def _kill(self) -> None:
        """End it with whatever it started. Its id is its own until it is buried."""
        if self._pid is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._pid, signal.SIGKILL)
