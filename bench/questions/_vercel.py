"""A function under Vercel's own Python runtime, with this process in the place of Vercel's host.

The tests have a host that can freeze a function and wait for the end of a request. This one hears of requests too, since
the runtime says it, but only reads it away: to understand it would cost as much as the requests themselves.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import socket
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ..stage import BenchError, end
from ._web import CPUS, PATIENCE, Server, Site

__all__ = ["VercelServer", "vercel"]

START = "from vercel_runtime.vc_init import vc_handler"
#: What a request has, in seconds: Vercel's ``maxDuration``.
DURATION = 300


def vercel(folder: Path, entrypoint: str, words: str) -> Site:
    """The function in the file ``entrypoint`` below ``folder``, whose ``app`` is served."""
    environment = {
        "VERCEL": "1",
        "VERCEL_ENV": "production",
        "VERCEL_REGION": "iad1",
        "PYTHONPATH": str(folder),
        "__VC_HANDLER_MODULE_NAME": entrypoint.removesuffix(".py").replace("/", "."),
        "__VC_HANDLER_ENTRYPOINT": entrypoint,
        "__VC_HANDLER_ENTRYPOINT_ABS": str(folder / entrypoint),
        "__VC_HANDLER_VENDOR_DIR": "_vendor",
        "__VC_HANDLER_VARIABLE_NAME": "app",
    }
    return Site([sys.executable, "-c", START], words, environment, server=VercelServer)


class VercelServer(Server):
    """The runtime chooses its port, and tells it to the host."""

    def _start(self, database: str) -> None:
        self._folder = tempfile.mkdtemp(prefix="vercel-", dir="/tmp")  # short, for the socket's sake
        self._conn: socket.socket | None = None
        self._reader: threading.Thread | None = None
        path = os.path.join(self._folder, "ipc")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen(1)
            self._process = self._spawn({"DATABASE_URL": database, "VERCEL_IPC_PATH": path})
            try:
                self._listen(listener)
            except BaseException:
                self.close()
                raise

    def _listen(self, listener: socket.socket) -> None:
        """Wait until the runtime serves, and from then on read away what it says."""
        deadline = time.monotonic() + PATIENCE
        while not select.select([listener], [], [], 0.05)[0]:
            self._check(deadline)
        self._conn, _ = listener.accept()
        said = b""
        while b'"server-started"' not in said or not said.endswith(b"\0"):
            self._check(deadline)
            if select.select([self._conn], [], [], 0.05)[0]:
                said += self._conn.recv(65_536)
        started = next(each for each in said.split(b"\0") if b'"server-started"' in each)
        self.port = int(json.loads(started)["payload"]["httpPort"])
        self._reader = threading.Thread(
            target=_read_away, args=(self._conn,), name="vercel-host", daemon=True
        )
        self._reader.start()

    def _check(self, deadline: float) -> None:
        """Go on waiting, unless the process has ended, which ``tree`` tells, or the time is up."""
        if self.tree.is_running() and time.monotonic() > deadline:
            raise BenchError(f"the runtime does not listen within {PATIENCE:.0f} s: {self._last_words()}")

    def close(self) -> None:
        end(self._process)
        if self._reader is not None:
            self._reader.join()
        if self._conn is not None:
            self._conn.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._log.close()

    @property
    def headers(self) -> dict[str, str]:
        """What Vercel adds for its runtime. All requests have one name here: nobody asks which one has ended."""
        until = datetime.now(UTC) + timedelta(seconds=DURATION)
        return {
            "x-vercel-internal-invocation-id": "iad1::bench",
            "x-vercel-internal-request-id": "1",
            "x-vercel-internal-deadline": f"{until:%Y-%m-%dT%H:%M:%S}Z",
        }


def _read_away(conn: socket.socket) -> None:
    """Read until the runtime ends, on the CPU of those who ask: the server has the other for itself."""
    if len(CPUS) > 1:
        os.sched_setaffinity(0, {CPUS[1]})
    try:
        while conn.recv(65_536):
            pass
    except ConnectionError:
        pass  # it was ended in the middle of a word
