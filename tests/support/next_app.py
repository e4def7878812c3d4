"""A Next.js app as it runs in production: built, served by ``next start``, its Python routes on Vercel's runtime."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from tests.support.node import find_node
from tests.support.vercel import VercelFunction
from tests.support.waiting import eventually

from thawpool.testing._home import free_port
from thawpool.testing._processes import pause_tree, resume_tree

__all__ = ["Edge", "NextServer", "build"]

NEXT = "node_modules/next/dist/bin/next"
#: What a connection says of itself, not of the message.
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "date", "server"}
#: Runs a command until this process, which holds the other end of its standard input, is done or gone.
GUARD = '"$@" </dev/null & child=$!; read -r _; kill -KILL $child; wait'


def build(folder: Path, origin: str) -> None:
    """Install the packages of the lock file, and build the app; its Python routes are at ``origin``.

    Raises:
        AssertionError: it failed, with what was said.
    """
    node = find_node()
    environ = {**node.environment(), "PYTHON_ORIGIN": origin}
    for command in ([*node.npm, "ci", "--no-audit", "--no-fund"], [str(node.program), NEXT, "build"]):
        done = subprocess.run(
            command,
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}"


class NextServer:
    """``next start`` of a built app, on a free loopback port."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._environ = environ

    def __enter__(self) -> Self:
        node = find_node()
        self.port = free_port()
        self._output = tempfile.TemporaryFile()
        command = [str(node.program), NEXT, "start", "-H", "127.0.0.1", "-p", str(self.port)]
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", GUARD, "guard", *command],
            cwd=self._folder,
            env={**node.environment(), **self._environ},
            stdin=subprocess.PIPE,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            eventually(self._listens, "next start", within=30)
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        resume_tree(self._guard.pid)
        self._guard.communicate()
        if error is not None:
            self._output.seek(0)
            error.add_note(f"next start wrote:\n{self._output.read().decode(errors='replace')}")
        self._output.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def freeze(self) -> None:
        """Stop it, as a platform does between two requests."""
        pause_tree(self._guard.pid)

    def thaw(self) -> None:
        resume_tree(self._guard.pid)

    def _listens(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            return True
        return False


class Edge(ThreadingHTTPServer):
    """Where a build sends its Python routes: passes each request on to ``function``, as Vercel's own proxy does.

    A build has this address in it, and outlives the functions of several tests.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Forward)
        self._function: VercelFunction | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @contextmanager
    def before(self, function: VercelFunction) -> Iterator[None]:
        """Pass requests on to this function."""
        self._function = function
        try:
            yield
        finally:
            self._function = None

    @property
    def function(self) -> VercelFunction:
        assert self._function is not None, "there is no function"
        return self._function

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client may go away, as Next.js does when it ends."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.01,), name="edge", daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.shutdown()
        self.server_close()


class _Forward(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Edge

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
        try:
            answer = self.server.function.request(self.command, self.path, body or None, headers)
        except (OSError, http.client.HTTPException) as error:
            self.send_error(502, str(error))
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("content-length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_POST = do_GET

    def log_message(self, *arguments: object) -> None: ...
