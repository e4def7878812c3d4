"""A function under Vercel's own Python runtime, with this process in the place of Vercel's host.

```python
with VercelFunction("tests/vercel/functions", "api/asgi.py", environ={"DATABASE_URL": url}) as function:
    answer = function.get("/users", deadline=2.0)
    function.ended(answer.request_id)
    function.freeze()
```

The host starts the process, sends it requests over HTTP with the headers that Vercel adds, and hears over a
Unix socket which request has begun and which is over. When all are over the process may be frozen.
"""

from __future__ import annotations

import base64
import http.client
import itertools
import json
import os
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Self

from tests.support.waiting import eventually
from tests.support.wall_clock import WallClock

__all__ = ["Answer", "Stream", "VercelFunction"]

#: Vercel starts a function by importing this.
_START = "from vercel_runtime.vc_init import vc_handler"
#: What ends a function whose host was killed: the host holds the other end of its standard input.
_GUARD = 'read -r _ || { kill -KILL "$1"; rm -rf -- "$2"; }'
#: How long a function may take until it listens, in seconds.
_START_TIMEOUT = 30.0
#: A connection that is not there after so many seconds was dropped.
_DROPPED = 0.1
#: https://vercel.com/changelog/vercel-functions-now-support-graceful-shutdown
_GRACE = 0.5


class Answer(NamedTuple):
    """What a request got.

    Attributes:
        request_id: names the request to the host, for ``ended`` and ``logs``.
        seconds: from before it was sent until its answer was whole.
    """

    status: int
    headers: http.client.HTTPMessage
    body: bytes
    request_id: int
    seconds: float

    def json(self) -> Any:
        return json.loads(self.body)

    def __repr__(self) -> str:
        return f"<{self.status} to request {self.request_id} in {self.seconds:.3f} s: {self.body[:500]!r}>"


class Stream(NamedTuple):
    """A response of which only the head has come; ``response.read1()`` waits for the next piece."""

    response: http.client.HTTPResponse
    request_id: int


class VercelFunction:
    """One instance of a function: it listens when the ``with`` block begins, and is gone when it ends.

    An exception that leaves the block carries what the function wrote, as a note.

    Args:
        root: the folder of the project, which is on the function's ``sys.path``.
        entrypoint: the function's file below ``root``.
        variable: what is served: an ASGI or WSGI application, or a BaseHTTPRequestHandler that must be
            called ``handler``.
        environ: environment variables beside this process's own and Vercel's.
        movable_clock: let ``jump_wall`` move its wall clock. Needs the part ``faketime``, and each look of
            the function at a clock takes some 10 microseconds more.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        entrypoint: str = "api/index.py",
        variable: str = "app",
        *,
        environ: Mapping[str, str] | None = None,
        movable_clock: bool = False,
    ) -> None:
        root = Path(root).resolve()
        self._name = entrypoint
        self._root = root
        self._folder = Path(tempfile.mkdtemp(prefix="vercel-", dir="/tmp"))  # short, for the socket's sake
        self._clock = WallClock(self._folder) if movable_clock else None
        self._environ = {
            **os.environ,
            "VERCEL": "1",
            "VERCEL_ENV": "production",
            "VERCEL_REGION": "iad1",
            "VERCEL_IPC_PATH": str(self._folder / "ipc"),
            "PYTHONPATH": str(root),
            "__VC_HANDLER_MODULE_NAME": entrypoint.removesuffix(".py").replace("/", "."),
            "__VC_HANDLER_ENTRYPOINT": entrypoint,
            "__VC_HANDLER_ENTRYPOINT_ABS": str(root / entrypoint),
            "__VC_HANDLER_VENDOR_DIR": "_vendor",
            "__VC_HANDLER_VARIABLE_NAME": variable,
            **(self._clock.environ if self._clock else {}),
            **(environ or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._request_ids = itertools.count(1)
        # What the reader has heard; it notifies of each message.
        self._heard = threading.Condition()
        self._port = 0
        self._open: set[int] = set()
        self._strangers = 0
        self._ends: dict[int, float] = {}
        self._logs: list[tuple[int, str]] = []
        self._reader: threading.Thread | None = None
        self._written = ""

    # -- its life --------------------------------------------------------------------------------

    def start(self) -> Self:
        """Start the process and wait until it listens.

        Raises:
            AssertionError: it did not; the message has what it wrote.
        """
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(self._folder / "ipc"))
            listener.listen(1)
            self._process = self._spawn()
            try:
                eventually(
                    lambda: select.select([listener], [], [], 0)[0] or not self.running,
                    self._name,
                    within=_START_TIMEOUT,
                )
                if select.select([listener], [], [], 0)[0]:
                    self._hear(listener.accept()[0])
                self._wait(lambda: self._port or not self.running, "the server", _START_TIMEOUT)
            except BaseException:
                self.close()
                raise
        if not self._port:
            self.close()
            raise AssertionError(f"{self._name} did not start, and wrote:\n{self.output}")
        return self

    def close(self) -> None:
        """Kill it, whatever it is doing, and remove what it left. Safe to call again."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._guard.communicate(b"over\n")
            if self._reader is not None:
                self._reader.join()
            self._written = self._read_output()
            self._process = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.close()
        if error is not None:
            error.add_note(f"{self._name} wrote:\n{self.output}")

    @property
    def running(self) -> bool:
        """Whether the process is there, frozen or not."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._running().pid

    @property
    def port(self) -> int:
        """The port on 127.0.0.1 at which it serves HTTP."""
        return self._port

    @property
    def url(self) -> str:
        """Where it serves, without a slash at the end."""
        return f"http://127.0.0.1:{self._port}"

    def freeze(self) -> None:
        """Stop the process as Vercel does between requests. When this returns all its threads stand still."""
        self._running().send_signal(signal.SIGSTOP)
        tasks = Path(f"/proc/{self.pid}/task")
        eventually(lambda: {_state(task) for task in tasks.iterdir()} == {"T"}, "the freeze")

    def thaw(self) -> None:
        self._running().send_signal(signal.SIGCONT)

    def jump_wall(self, seconds: float) -> None:
        """Move its wall clock, forward or back, while its monotonic clock goes on. Jumps add up."""
        assert self._clock is not None, "make it with movable_clock=True"
        self._clock.jump(seconds)

    @property
    def wall_shift(self) -> float:
        """How far its wall clock has been moved, in seconds."""
        return self._clock.shift if self._clock else 0.0

    def end(self) -> int:
        """End it as Vercel ends an instance: SIGTERM, and SIGKILL if it is still there 500 ms later.

        Returns its exit code: the negative number of the signal that ended it.
        """
        self.terminate()
        process = self._running(ended=True)
        try:
            return process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def terminate(self) -> None:
        """Send SIGTERM and leave it at that."""
        self._running().send_signal(signal.SIGTERM)

    def wait(self, within: float = 10.0) -> int:
        """Wait for its end and return its exit code: the negative number of the signal that ended it."""
        try:
            return self._running(ended=True).wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self._name} still runs after {within} s") from None

    # -- requests --------------------------------------------------------------------------------

    def request(
        self,
        method: str,
        path: str,
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        deadline: float | str | None = 30.0,
        within: float = 60.0,
    ) -> Answer:
        """Send one request on a connection of its own and wait for the whole answer. For any thread.

        Args:
            deadline: the seconds that the request has, told to the function as Vercel tells them; a string is sent as
                it is, None sends nothing.
            within: seconds of silence after which this gives up.

        Raises:
            OSError, http.client.HTTPException: no answer came, or not all of it.
        """
        began = time.monotonic()
        with self.stream(method, path, body, headers, deadline=deadline, within=within) as (reply, number):
            data = reply.read()
            return Answer(reply.status, reply.headers, data, number, time.monotonic() - began)

    def get(self, path: str, *, deadline: float | str | None = 30.0, within: float = 60.0) -> Answer:
        """``request("GET", path)``."""
        return self.request("GET", path, deadline=deadline, within=within)

    @contextmanager
    def stream(
        self,
        method: str,
        path: str,
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        deadline: float | str | None = 30.0,
        within: float = 60.0,
    ) -> Iterator[Stream]:
        """Send one request and wait for the head of its response only; the client is gone after the block.

        Arguments and errors as of ``request``.
        """
        number = next(self._request_ids)
        headers = {**self._internal(number, deadline), **(headers or {})}
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=within)
        try:
            connection.sock = self._connect(within)
            with self._heard:
                self._open.add(number)
            connection.request(method, path, body, headers)
            with connection.getresponse() as response:
                yield Stream(response, number)
        finally:
            connection.close()

    def _connect(self, within: float) -> socket.socket:
        """Connect, again and again if need be.

        WSGI apps and handlers are behind a queue of five. What comes while that is full is dropped, and the kernel would try
        again after 1, 3 and 7 seconds.
        """
        end = time.monotonic() + within
        while True:
            try:
                sock = socket.create_connection(("127.0.0.1", self._port), timeout=_DROPPED)
            except TimeoutError:
                if time.monotonic() > end:
                    raise
            else:
                sock.settimeout(within)
                return sock

    def _internal(self, number: int, deadline: float | str | None) -> dict[str, str]:
        """The headers that Vercel adds for its runtime."""
        headers = {
            "x-vercel-internal-invocation-id": f"iad1::{secrets.token_hex(8)}",
            "x-vercel-internal-request-id": str(number),
        }
        if isinstance(deadline, str):
            headers["x-vercel-internal-deadline"] = deadline
        elif deadline is not None:
            end = datetime.fromtimestamp(time.time() + self.wall_shift + deadline, UTC)
            text = end.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            headers["x-vercel-internal-deadline"] = text
        return headers

    # -- what the host hears ---------------------------------------------------------------------

    def ended(self, request_id: int, within: float = 10.0) -> float:
        """Wait until a request is over, its work after the response included. Returns when, as ``time.monotonic()``."""
        self._wait(lambda: request_id in self._ends, f"the end of request {request_id}", within)
        return self._ends[request_id]

    def is_over(self, request_id: int) -> bool:
        """Whether a request is over."""
        return request_id in self._ends

    @property
    def in_flight(self) -> int:
        """How many requests have been sent, by this host or by others past it, and are not over."""
        with self._heard:
            return len(self._open) + self._strangers

    def rest(self, within: float = 10.0) -> None:
        """Wait until every request that was sent is over: from then on the process may be frozen."""
        self._wait(lambda: not self._open and not self._strangers, "the end of all requests", within)

    def logs(self, request_id: int | None = None) -> str:
        """What it has printed and logged through the runtime: in one request, once that is over; in all if None."""
        if request_id is not None:
            self.ended(request_id)
        with self._heard:
            return "".join(text for number, text in self._logs if request_id in (None, number))

    @property
    def output(self) -> str:
        """All that it has written, printed and logged so far."""
        return (self._read_output() or self._written) + self.logs()

    def _wait(self, condition: Callable[[], object], what: str, within: float) -> None:
        end = time.monotonic() + within
        with self._heard:
            while not condition():
                if time.monotonic() > end:
                    raise AssertionError(f"{what} did not come within {within} s")
                self._heard.wait(0.1)  # at the latest: a process that ends says nothing

    def _hear(self, connection: socket.socket) -> None:
        """Begin to read what the runtime says, until it ends."""

        def read() -> None:
            with connection, connection.makefile("rb") as file:
                rest = b""
                while data := file.read1():
                    *messages, rest = (rest + data).split(b"\0")
                    for message in messages:
                        with self._heard:
                            self._note(json.loads(message))
                            self._heard.notify_all()

        self._reader = threading.Thread(target=read, name="vercel-host", daemon=True)
        self._reader.start()

    def _note(self, message: Mapping[str, Any]) -> None:
        kind, payload = message["type"], message["payload"]
        if kind == "server-started":
            self._port = payload["httpPort"]
        elif kind == "handler-started":
            self._strangers += payload["context"]["requestId"] not in self._open
        elif kind == "end":
            number = payload["context"]["requestId"]
            self._strangers -= number not in self._open
            self._open.discard(number)
            self._ends[number] = time.monotonic()
        elif kind == "log":
            text = base64.b64decode(payload["message"]).decode(errors="replace")
            # A record of logging comes without an end of line, what was printed with its own.
            self._logs.append((payload["context"]["requestId"], text if "stream" in payload else f"{text}\n"))

    # -- the process -----------------------------------------------------------------------------

    def _spawn(self) -> subprocess.Popen[bytes]:
        # In sessions of their own: a Ctrl-C in the terminal is for us to act on.
        with open(self._folder / "output", "wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-c", _START],
                env=self._environ,
                cwd=self._root,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "guard", str(process.pid), str(self._folder)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        return process

    def _running(self, *, ended: bool = False) -> subprocess.Popen[bytes]:
        if self._process is None or (not ended and self._process.poll() is not None):
            raise AssertionError(f"{self._name} does not run; it wrote:\n{self.output}")
        return self._process

    def _read_output(self) -> str:
        try:
            return (self._folder / "output").read_text(errors="replace")
        except FileNotFoundError:
            return ""


def _state(task: Path) -> str:
    """The state of a thread, as /proc has it; empty if it has just ended."""
    try:
        return (task / "stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""
