"""The function as a process of its own: started, restarted when it dies, frozen and thawed."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress

from .client import fetch
from .errors import DemoError

__all__ = ["FunctionProcess"]


class FunctionProcess:
    """Runs ``worker.py``. The listening socket is held here, so it survives the process and its freezes.

    The child leads a process group of its own: a Ctrl-C in the terminal reaches the supervisor alone, and
    should the supervisor be killed while the child is stopped, the kernel continues and hangs up the group.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = {**os.environ, **environment}
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._child: asyncio.subprocess.Process | None = None
        self._watcher: asyncio.Task[None] | None = None
        self.port: int = self._socket.getsockname()[1]
        self.frozen = False
        self.starts = 0

    @property
    def pid(self) -> int:
        assert self._child is not None
        return self._child.pid

    async def start(self) -> None:
        """Start the process and wait until it answers.

        Raises:
            DemoError: it ended first; what it had to say is on standard error.
        """
        child = await self._spawn()
        ready = asyncio.create_task(fetch(self.port, "/demo/stats", timeout=30))
        ended = asyncio.create_task(child.wait())
        done, pending = await asyncio.wait({ready, ended}, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        if ready not in done:
            raise DemoError(
                f"the function's process ended at once, with exit code {child.returncode}: see what it printed above"
            )
        self._watcher = asyncio.create_task(self._watch(child))

    async def _spawn(self) -> asyncio.subprocess.Process:
        fd = self._socket.fileno()
        command = [sys.executable, "-m", "thawpool.demo.worker", str(fd)]
        self._child = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, pass_fds=[fd], env=self._environment, process_group=0
        )
        self.starts += 1
        return self._child

    async def _watch(self, child: asyncio.subprocess.Process) -> None:
        while True:
            await child.wait()
            self.frozen = False
            await asyncio.sleep(0.2)  # a function that dies as soon as it starts must not spin
            child = await self._spawn()

    def freeze(self) -> None:
        """Stop the process as a platform does between requests; its sockets stay open."""
        self._signal(signal.SIGSTOP)
        self.frozen = True

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)
        self.frozen = False

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):  # it died; the watcher starts another
            os.kill(self.pid, number)

    async def close(self) -> None:
        """End the process, stopped or not, and free its port."""
        if self._watcher is not None:
            self._watcher.cancel()
        if self._child is not None and self._child.returncode is None:
            self._signal(signal.SIGKILL)
            await self._child.wait()
        self._socket.close()
