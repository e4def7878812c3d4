"""A real PgBouncer in front of a real server, a child of the test run."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Mapping
from typing import Self

from tests.support.waiting import eventually

from thawpool.testing._home import free_port, home
from thawpool.testing.postgres import Postgres

__all__ = ["PgBouncer"]


class PgBouncer:
    """PgBouncer on a free loopback port. The user ``postgres`` may use its admin console.

    Args:
        server: where to forward to; it must run, and trust its clients.
        pool_mode: "transaction", "session" or "statement".
        settings: further lines for the ``[pgbouncer]`` section.
    """

    def __init__(
        self, server: Postgres, pool_mode: str = "transaction", *, settings: Mapping[str, str] | None = None
    ) -> None:
        self.port = free_port()
        self._folder = home().folder()
        self._log = self._folder / "log"
        users = home().write(self._folder / "users", '"postgres" ""\n')
        options = {
            "listen_addr": "127.0.0.1",
            "listen_port": str(self.port),
            "unix_socket_dir": str(self._folder),
            "auth_type": "trust",
            "auth_file": str(users),
            "admin_users": "postgres",
            "pool_mode": pool_mode,
            "default_pool_size": "4",
            "max_client_conn": "200",
            **(settings or {}),
        }
        lines = "\n".join(f"{name} = {value}" for name, value in options.items())
        text = f"[databases]\n* = host=127.0.0.1 port={server.port}\n[pgbouncer]\n{lines}\n"
        self._config = home().write(self._folder / "config", text)
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres", *, user: str = "postgres") -> str:
        """The URL to connect with; ``database="pgbouncer"`` is the admin console."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def start(self) -> Self:
        program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
        assert program is not None, "no pgbouncer here: mark the test with needs('pgbouncer')"
        process = self._process = home().serve(self._folder, [program, str(self._config)], self._log)
        eventually(lambda: self._listens() or process.poll() is not None, "PgBouncer")
        assert process.poll() is None, f"PgBouncer did not start: {self._log.read_text()}"
        return self

    def stop(self) -> None:
        """End it at once, as a crash would for its clients; nothing if it is down."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            home().ended(self._folder, self._process)
            self._process = None

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
