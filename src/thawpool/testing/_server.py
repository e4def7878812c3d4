"""What every real server here is: a child of this process on a loopback port, with a temporary folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self
from urllib.parse import quote, urlencode

from ._home import Home, free_port, home
from ._processes import kill_tree, pause_tree, resume_tree

__all__ = ["Server"]

_START_TIMEOUT = 60.0
_START_TRIES = 100


class Server(ABC):
    """One server: its folder, its port, its process, and the ways in which these begin and end.

    A subclass says with which command it runs, what its folder must hold, and how it shows that it is ready.
    """

    #: The signal on which it ends at once with all its children, whatever it is doing.
    _ENDING: ClassVar[signal.Signals]

    def __init__(self) -> None:
        self._home: Home = home()
        self._folder: Path | None = None
        self._port: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._paused = False
        self._closed = False

    def __repr__(self) -> str:
        state = f"port {self._port}" if self.running else "not running"
        return f"<{self._name()}, {state}>"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1, the same through every restart; known from the first start."""
        if self._port is None:
            raise RuntimeError("this server has never been started: call start() first")
        return self._port

    @property
    def running(self) -> bool:
        """Whether the server's process is there, paused or not."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process id of the server, where it has several processes of the one that began the others."""
        return self._running().pid

    @property
    def folder(self) -> Path:
        """The temporary folder: the Unix socket, ``data``, ``log``, and the certificates under TLS."""
        if self._folder is None:
            raise RuntimeError("this server has never been started: call start() first")
        return self._folder

    @property
    def ca_file(self) -> Path:
        """Under TLS, the certificate to trust: it vouches for the server's."""
        return self.folder / "ca.pem"

    @property
    def log(self) -> str:
        """What the server has logged so far."""
        return (self.folder / "log").read_text(errors="replace")

    def start(self) -> Self:
        """Start the server and wait until it accepts connections; nothing if it runs already.

        Raises:
            RuntimeError: it did not come up; the message has the end of its log. Or it was closed.
        """
        if self._closed:
            raise RuntimeError("this server was closed and its data removed: make a new one")
        if self.running:
            return self
        self._reap()
        folder = self._folder = self._folder or self._prepare()
        failure = ""
        for _ in range(_START_TRIES):
            port = self._port or free_port()
            failure = self._launch(folder, port)
            if not failure:
                self._port = port
                return self
            if self._still_leaving(failure):
                time.sleep(0.05)
            elif self._port or "Address already in use" not in failure:
                break  # a free port is only found, not held: another may have taken it first
        raise RuntimeError(f"{self._name()} did not start: {failure[-2000:].strip()}")

    def kill(self) -> None:
        """SIGKILL the server with all its processes, as a power cut would; ``start()`` recovers the data."""
        process = self._running()
        kill_tree(process.pid)
        process.wait()
        self._paused = False
        self._reap()

    def pause(self) -> None:
        """Freeze every process of the server (SIGSTOP): the kernel still accepts, nothing ever answers."""
        pause_tree(self._running().pid)
        self._paused = True

    def resume(self) -> None:
        """Undo ``pause()``; nothing if it is not paused."""
        if self._paused:
            self._paused = False
            resume_tree(self._running().pid)

    def close(self) -> None:
        """Stop the server at once and remove its folder. Safe to call again, and in a forked child."""
        if self._closed or self._home.pid != os.getpid():
            return
        self._closed = True
        if self.running:
            self.kill()
        self._reap()
        if self._folder is not None:
            shutil.rmtree(self._folder)

    @abstractmethod
    def _name(self) -> str:
        """What it is, with its version."""

    @abstractmethod
    def _prepare(self) -> Path:
        """A new folder with all that the server needs."""

    @abstractmethod
    def _command(self, folder: Path, port: int) -> list[str]:
        """What runs it."""

    @abstractmethod
    def _is_ready(self, process: subprocess.Popen[bytes], said: bytes) -> bool:
        """Whether it accepts connections; ``said`` is what it has logged since this start."""

    def _still_leaving(self, failure: str) -> bool:
        """Whether it failed to start since processes of the time before are still on their way out."""
        return False

    def _shut_down(self, number: signal.Signals, timeout: float, how: str = "") -> None:
        """Ask for an orderly end and wait for it. The public ``stop`` says more."""
        if not self.running:
            self._reap()
            return
        self.resume()
        process = self._running()
        process.send_signal(number)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            if timeout:
                raise TimeoutError(f"{self._name()} did not stop{how} within {timeout} s") from None
        else:
            self._reap()

    def _url(
        self,
        scheme: str,
        user: str,
        password: str | None,
        host: str,
        database: str,
        query: Mapping[str, object],
    ) -> str:
        """The URL to connect with, each of its parts percent-encoded."""
        secret = "" if password is None else f":{quote(password, safe='')}"
        options = f"?{urlencode(query, quote_via=quote)}" if query else ""
        place = f"{host}:{self.port}/{quote(database, safe='')}"
        return f"{scheme}://{quote(user, safe='')}{secret}@{place}{options}"

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            raise RuntimeError("the server is not running: call start() first")
        return self._process

    def _reap(self) -> None:
        """Note the end of a process that has stopped, by our doing or its own."""
        if self._process is not None:
            self._process.wait()
            self._home.ended(self.folder, self._process)
            self._process = None

    def _launch(self, folder: Path, port: int) -> str:
        """Start the server's process and wait until it is ready; what it logged if it ended instead."""
        log = folder / "log"
        seen = log.stat().st_size if log.exists() else 0

        def said() -> bytes:
            with open(log, "rb") as file:
                file.seek(seen)
                return file.read()

        command = self._command(folder, port)
        process = self._process = self._home.serve(folder, command, log, ending=self._ENDING)
        deadline = time.monotonic() + _START_TIMEOUT
        while process.poll() is None:
            if self._is_ready(process, said()):
                return ""
            if time.monotonic() > deadline:
                kill_tree(process.pid)
            time.sleep(0.005)
        self._reap()
        return said().decode(errors="replace") or f"it ended at once, see {log}"

    def _write_certificates(self, folder: Path) -> tuple[Path, Path]:
        """Write ``ca.pem``, and the server's certificate and key, whose paths are returned."""
        try:
            import trustme
        except ImportError as error:
            raise RuntimeError(
                f"{type(self).__name__}(tls=True) makes its certificates with trustme: install it"
            ) from error
        authority = trustme.CA()
        issued = authority.issue_cert("localhost", "127.0.0.1")
        write = self._home.write
        write(folder / "ca.pem", authority.cert_pem.bytes().decode())
        chain = write(folder / "server.crt", "".join(pem.bytes().decode() for pem in issued.cert_chain_pems))
        return chain, write(folder / "server.key", issued.private_key_pem.bytes().decode())
