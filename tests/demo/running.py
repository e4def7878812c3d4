"""The demo as a person starts it: a command in a terminal of its own, with a temporary folder of its own."""

from __future__ import annotations

import http.client
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

import pytest

__all__ = ["SYSTEMS", "Answer", "Demo", "run", "until"]

#: What the demo can start, for tests that hold for each.
SYSTEMS = ("postgresql", pytest.param("mysql", marks=pytest.mark.needs("mariadb")))


class Answer(NamedTuple):
    status: int
    body: Any
    seconds: float


class Demo:
    """``thawpool demo --port 0`` as a child process; ``system`` is what it starts, if not the default."""

    def __init__(self, *options: str, system: str | None = None) -> None:
        if system is not None:
            options = (*options, "--database", system)
        # As /tmp itself: short enough for a socket's path, and open to the user that the database runs as.
        self.folder = Path(tempfile.mkdtemp(prefix="demo-", dir="/tmp"))
        self.folder.chmod(0o1777)
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "thawpool", "demo", "--port", "0", *options],
            env={**os.environ, "TMPDIR": str(self.folder), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            text=True,
            process_group=0,
        )
        self._output = ""
        self._reading = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self.process.poll() is None:
            self.stop()
        assert self.process.stdout is not None
        self.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def port(self) -> int:
        """The page's port; the first to ask waits until the demo is up."""
        return int(self.line(r"page +http://127\.0\.0\.1:(\d+)/"))

    @property
    def function(self) -> int:
        """The process id that the function was started with."""
        return int(self.line(r"function +process (\d+)"))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def line(self, pattern: str) -> str:
        """Wait for a line on standard output; returns its first group."""
        end = time.monotonic() + 30
        with self._reading:
            while (found := re.search(pattern, self._output)) is None:
                self._output += self._read(end)
        return found[1]

    def _read(self, end: float) -> str:
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, end - time.monotonic()))
        assert ready, f"nothing more within 30 s than: {self._output}"
        piece = os.read(self.process.stdout.fileno(), 65536).decode()
        assert piece, f"the demo ended, with code {self.process.wait()}: {self._output}"
        return piece

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal and wait for the end; returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(20)

    def request(self, method: str, path: str, headers: dict[str, str] | None = None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=40)
        began = time.monotonic()
        try:
            connection.request(method, path, headers=headers or {})
            reply = connection.getresponse()
            text = reply.read().decode()
        finally:
            connection.close()
        is_json = reply.headers.get_content_type() == "application/json"
        return Answer(reply.status, json.loads(text) if is_json else text, time.monotonic() - began)

    def get(self, path: str) -> Answer:
        return self.request("GET", path)

    def act(self, name: str) -> Answer:
        """Press a button and wait until it is done."""
        return self.request("POST", f"/act/{name}", {"X-Thawpool-Demo": "1"})

    def text(self, name: str) -> str:
        """Press a button; returns what it says when it is done."""
        answer = self.act(name)
        assert answer.status == 200, answer
        return str(answer.body["text"])

    @contextmanager
    def during(self, name: str) -> Iterator[None]:
        """Press a button and do something else meanwhile."""
        presser = threading.Thread(target=self.act, args=(name,))
        presser.start()
        try:
            yield
        finally:
            presser.join()

    @contextmanager
    def events(self) -> Iterator[Iterator[tuple[str, Any]]]:
        """What the page is told, as pairs of name and data."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("GET", "/events")
        reply = connection.getresponse()

        def read() -> Iterator[tuple[str, Any]]:
            while line := reply.readline():
                name = line.decode().removeprefix("event: ").strip()
                data = json.loads(reply.readline().decode().removeprefix("data: "))
                reply.readline()
                yield name, data

        try:
            yield read()
        finally:
            connection.close()

    def sample(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first sample for which something holds."""
        with self.events() as events:
            for name, data in events:
                if name == "sample" and wanted(data):
                    found: dict[str, Any] = data
                    return found
        raise AssertionError("the stream ended")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself."""
    command = [sys.executable, "-m", "thawpool", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def until(condition: Callable[[], bool], what: str, seconds: float = 10) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.02)
