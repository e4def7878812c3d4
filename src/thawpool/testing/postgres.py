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
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from ._binaries import Source, find_postgres, runnable
from ._home import Home
from ._server import Server

__all__ = ["Postgres", "Source", "find_postgres"]

Auth = Literal["trust", "scram-sha-256"]
Mode = Literal["smart", "fast", "immediate"]

_SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
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


class Postgres(Server):
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

    _ENDING = signal.SIGQUIT

    def __init__(
        self,
        bin_dir: str | os.PathLike[str] | None = None,
        *,
        settings: Mapping[str, str] | None = None,
        tls: bool = False,
        auth: Auth = "trust",
    ) -> None:
        super().__init__()
        self._bin_dir = runnable(find_postgres() if bin_dir is None else Path(bin_dir), self._home.account)
        self._settings = {**_BASIC_SETTINGS, **(settings or {})}
        self._tls = tls
        self._auth: Auth = auth

    @property
    def version(self) -> int:
        """The major version."""
        text = subprocess.run([self._bin_dir / "postgres", "-V"], check=True, capture_output=True, text=True)
        found = re.search(r"\d+", text.stdout)
        assert found is not None
        return int(found[0])

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
        return self._url("postgresql", user, password, host, database, query)

    def stop(self, mode: Mode = "fast", *, timeout: float = 30.0) -> None:
        """Shut the server down and wait for it; nothing if it is down.

        Args:
            mode: "smart" refuses new clients and waits for the last to leave; "fast" rolls back and
                disconnects them, each being told 57P01; "immediate" leaves without telling anyone.
            timeout: how long to wait, in seconds; 0 to ask and return at once.

        Raises:
            TimeoutError: it was still up after ``timeout``; it goes on shutting down.
        """
        self._shut_down(_SIGNALS[mode], timeout, f" ({mode})")

    def restart(self, mode: Mode = "fast") -> None:
        """``stop(mode)`` and ``start()``, on the same port with the same data."""
        self.stop(mode)
        self.start()

    def kill(self) -> None:
        """SIGKILL the server with all its backends, as a power cut would; ``start()`` recovers the data."""
        lines = self._pid_file()
        super().kill()
        if len(lines) > 6:
            _remove_segment(lines[6])
        for leftover in (self.folder / "data" / "postmaster.pid", *self.folder.glob(".s.PGSQL.*")):
            leftover.unlink(missing_ok=True)

    def _name(self) -> str:
        return f"PostgreSQL {self.version}"

    def _pid_file(self) -> list[str]:
        """postmaster.pid: the id in line 1, the shared memory in line 7, the state in line 8."""
        try:
            return (self.folder / "data" / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _command(self, folder: Path, port: int) -> list[str]:
        return [str(self._bin_dir / "postgres"), "-D", f"{folder}/data", "-k", str(folder), "-p", str(port)]

    def _is_ready(self, process: subprocess.Popen[bytes], said: bytes) -> bool:
        lines = self._pid_file()
        return len(lines) > 7 and lines[0] == str(process.pid) and lines[7].strip() in ("ready", "standby")

    def _still_leaving(self, failure: str) -> bool:
        # The backends of a postmaster that was killed alone.
        return "shared memory block" in failure

    def _prepare(self) -> Path:
        folder = self._home.folder()
        template = _template(self._home, self._bin_dir, self._auth)
        self._home.run(["cp", "-R", str(template), str(folder / "data")], "copying a data folder")
        settings = dict(self._settings)
        if self._tls:
            chain, key = self._write_certificates(folder)
            settings |= {"ssl": "on", "ssl_cert_file": str(chain), "ssl_key_file": str(key)}
        lines = (f"{name} = '{_escape(value)}'\n" for name, value in settings.items())
        with open(folder / "data" / "postgresql.conf", "a", encoding="utf-8") as file:
            file.writelines(lines)
        return folder


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
