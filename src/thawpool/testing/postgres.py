"""Real PostgreSQL servers as children of this process.

```python
with Postgres() as server:
    pool = Pool(server.url())
    server.kill()      # a crash
    server.start()     # the same port, the same data
```

A server listens on loopback only, keeps its data in a temporary folder without fsync, and never outlives
this process, however that ends. The second server of a kind starts in a fraction of a second: ``initdb``
runs once and its result is copied.
"""

from __future__ import annotations

import ctypes
import os
import re
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self
from urllib.parse import quote, urlencode

from ._binaries import Source, find_postgres, runnable
from ._home import Home, free_port, home
from ._processes import kill_tree, pause_tree, resume_tree

__all__ = ["Postgres", "Source", "find_postgres"]

Auth = Literal["trust", "scram-sha-256"]
Mode = Literal["smart", "fast", "immediate"]

_SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
_START_TIMEOUT = 60.0
_START_TRIES = 100
#: The superuser's password under ``scram-sha-256``, made anew in each process.
_PASSWORD = secrets.token_urlsafe(12)
_BASIC_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "timezone": "UTC",
    "lc_messages": "C",
    # In the data folder, so that nothing stays in /dev/shm after a kill.
    "dynamic_shared_memory_type": "mmap",
}


class Postgres:
    """One PostgreSQL server.

    Args:
        bin_dir: the folder of ``postgres`` and ``initdb``; by default what ``find_postgres()`` finds.
        settings: lines for postgresql.conf. ``ALTER SYSTEM`` can still change them.
        tls: accept TLS too, with a certificate for ``localhost`` and 127.0.0.1 issued by ``ca_file``.
            Needs the ``trustme`` package, and a PostgreSQL with TLS (the embedded wheel has none).
        auth: how clients prove who they are: "trust" asks for nothing.

    Raises:
        FileNotFoundError: no PostgreSQL here; the message says what to install.
    """

    def __init__(
        self,
        bin_dir: str | os.PathLike[str] | None = None,
        *,
        settings: Mapping[str, str] | None = None,
        tls: bool = False,
        auth: Auth = "trust",
    ) -> None:
        self._home: Home = home()
        self._bin_dir = runnable(find_postgres() if bin_dir is None else Path(bin_dir), self._home.account)
        self._settings = {**_BASIC_SETTINGS, **(settings or {})}
        self._tls = tls
        self._auth: Auth = auth
        self._folder: Path | None = None
        self._port: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._paused = False
        self._closed = False

    def __repr__(self) -> str:
        state = f"port {self._port}" if self.running else "not running"
        return f"<Postgres {self.version}, {state}>"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def version(self) -> int:
        """The major version."""
        text = subprocess.run([self._bin_dir / "postgres", "-V"], check=True, capture_output=True, text=True)
        found = re.search(r"\d+", text.stdout)
        assert found is not None
        return int(found[0])

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
        """The process id of the postmaster."""
        return self._running().pid

    @property
    def folder(self) -> Path:
        """The temporary folder: the Unix socket, ``data``, ``log``, and the certificates under TLS."""
        if self._folder is None:
            raise RuntimeError("this server has never been started: call start() first")
        return self._folder

    @property
    def ca_file(self) -> Path:
        """The certificate to trust, for ``sslrootcert``."""
        return self.folder / "ca.pem"

    @property
    def log(self) -> str:
        """What the server has logged so far."""
        return (self.folder / "log").read_text(errors="replace")

    def url(
        self,
        user: str = "postgres",
        database: str = "postgres",
        *,
        password: str | None = None,
        host: str = "127.0.0.1",
        **query: object,
    ) -> str:
        """The URL to connect with; ``query`` is appended, percent-encoded.

        The superuser's password is filled in where ``auth`` asks for one.
        """
        if password is None and user == "postgres" and self._auth != "trust":
            password = _PASSWORD
        secret = "" if password is None else f":{quote(password, safe='')}"
        options = f"?{urlencode(query, quote_via=quote)}" if query else ""
        return f"postgresql://{quote(user, safe='')}{secret}@{host}:{self.port}/{quote(database, safe='')}{options}"

    def start(self) -> Self:
        """Start the server and wait until it accepts connections; nothing if it runs already.

        Raises:
            RuntimeError: it did not come up; the message has the end of its log. Or it was closed.
        """
        if self._closed:
            raise RuntimeError("this server was closed and its data removed: make a new Postgres")
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
            if "shared memory block" in failure:
                time.sleep(0.05)  # the backends of a postmaster that was killed alone are still leaving
            elif self._port or "Address already in use" not in failure:
                break  # a free port is only found, not held: another may have taken it first
        raise RuntimeError(f"PostgreSQL did not start: {failure[-2000:].strip()}")

    def stop(self, mode: Mode = "fast", *, timeout: float = 30.0) -> None:
        """Shut the server down and wait for it; nothing if it is down.

        Args:
            mode: "smart" refuses new clients and waits for the last to leave; "fast" rolls back and
                disconnects them, each being told 57P01; "immediate" leaves without telling anyone.
            timeout: how long to wait, in seconds; 0 to ask and return at once.

        Raises:
            TimeoutError: it was still up after ``timeout``; it goes on shutting down.
        """
        if not self.running:
            self._reap()
            return
        self.resume()
        process = self._running()
        process.send_signal(_SIGNALS[mode])
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            if timeout:
                raise TimeoutError(f"PostgreSQL did not stop ({mode}) within {timeout} s") from None
        else:
            self._reap()

    def restart(self, mode: Mode = "fast") -> None:
        """``stop(mode)`` and ``start()``, on the same port with the same data."""
        self.stop(mode)
        self.start()

    def kill(self) -> None:
        """SIGKILL the server with all its backends, as a power cut would; ``start()`` recovers the data."""
        process = self._running()
        lines = self._pid_file()
        kill_tree(process.pid)
        process.wait()
        self._paused = False
        self._reap()
        if len(lines) > 6:
            _remove_segment(lines[6])
        for leftover in (self.folder / "data" / "postmaster.pid", *self.folder.glob(".s.PGSQL.*")):
            leftover.unlink(missing_ok=True)

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

    def _pid_file(self) -> list[str]:
        """postmaster.pid: the id in line 1, the shared memory in line 7, the state in line 8."""
        try:
            return (self.folder / "data" / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _launch(self, folder: Path, port: int) -> str:
        """Start the server's process and wait until it is ready; what it logged if it ended instead."""
        log = folder / "log"
        seen = log.stat().st_size if log.exists() else 0
        command = [
            str(self._bin_dir / "postgres"),
            "-D",
            f"{folder}/data",
            "-k",
            str(folder),
            "-p",
            str(port),
        ]
        process = self._process = self._home.serve(folder, command, log)
        deadline = time.monotonic() + _START_TIMEOUT
        while process.poll() is None:
            lines = self._pid_file()
            if len(lines) > 7 and lines[0] == str(process.pid) and lines[7].strip() in ("ready", "standby"):
                return ""
            if time.monotonic() > deadline:
                kill_tree(process.pid)
            time.sleep(0.005)
        self._reap()
        return log.read_bytes()[seen:].decode(errors="replace") or f"it ended at once, see {log}"

    def _prepare(self) -> Path:
        folder = self._home.folder()
        template = _template(self._home, self._bin_dir, self._auth)
        self._home.run(["cp", "-R", str(template), str(folder / "data")], "copying a data folder")
        settings = {**self._settings, **(self._write_certificates(folder) if self._tls else {})}
        lines = (f"{name} = '{_escape(value)}'\n" for name, value in settings.items())
        with open(folder / "data" / "postgresql.conf", "a", encoding="utf-8") as file:
            file.writelines(lines)
        return folder

    def _write_certificates(self, folder: Path) -> dict[str, str]:
        try:
            import trustme
        except ImportError as error:
            raise RuntimeError(
                "Postgres(tls=True) makes its certificates with trustme: install it"
            ) from error
        authority = trustme.CA()
        issued = authority.issue_cert("localhost", "127.0.0.1")
        write = self._home.write
        write(folder / "ca.pem", authority.cert_pem.bytes().decode())
        chain = write(folder / "server.crt", "".join(pem.bytes().decode() for pem in issued.cert_chain_pems))
        key = write(folder / "server.key", issued.private_key_pem.bytes().decode())
        return {"ssl": "on", "ssl_cert_file": str(chain), "ssl_key_file": str(key)}


def _template(home: Home, bin_dir: Path, auth: Auth) -> Path:
    """A data folder fresh from initdb, made once per PostgreSQL and kind of authentication."""
    with home.lock:
        known = home.templates.get((bin_dir, auth))
        if known is not None:
            return known
        folder = home.folder()
        password = home.write(folder / "password", _PASSWORD)
        options = ["-U", "postgres", "-A", auth, f"--pwfile={password}", "-E", "UTF8", "--locale=C", "-N"]
        # Segments of 1 MB instead of 16: less to copy for every server made from this.
        command = [str(bin_dir / "initdb"), "-D", f"{folder}/data", *options, "--wal-segsize=1"]
        home.run(command, "initdb")
        password.unlink()
        home.templates[bin_dir, auth] = folder / "data"
        return folder / "data"


def _escape(value: str) -> str:
    """A value as postgresql.conf quotes it."""
    return value.replace("\\", "\\\\").replace("'", "''")


def _remove_segment(line: str) -> None:
    """Remove the System V shared memory that a killed server left: its last line says key and id."""
    identifier = line.split()[-1:]
    if identifier and identifier[0].isdigit():
        remove = 0  # IPC_RMID
        ctypes.CDLL(None).shmctl(int(identifier[0]), remove, None)
