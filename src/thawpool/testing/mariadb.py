"""Real MariaDB and MySQL servers as children of this process.

```python
with MariaDB() as server:
    pool = Pool(server.url())
    server.kill()      # a crash
    server.start()     # the same port, the same data
```

A server listens on loopback only, reads no configuration of the machine, keeps its data in a temporary folder
without fsync, and never outlives this process, however that ends. The second server of a kind starts in a
fraction of a second: the data folder is made once and copied.

Where no MariaDB is installed but MySQL 8 or newer is, that is started instead; ``MariaDB(find_mysql())``
always starts MySQL. ``flavour`` says which it is.
"""

from __future__ import annotations

import functools
import os
import re
import secrets
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from ._binaries import find_mariadb, find_mysql, mariadb_program, open_to
from ._server import Server

__all__ = ["MariaDB", "find_mariadb", "find_mysql"]

Auth = Literal["trust", "password"]
Flavour = Literal["mariadb", "mysql"]

#: The superuser's password under ``auth="password"``, made anew in each process.
_PASSWORD = secrets.token_urlsafe(12)
_BASIC_SETTINGS = {
    "bind_address": "127.0.0.1",
    "skip_name_resolve": "1",
    "character_set_server": "utf8mb4",
    "performance_schema": "OFF",
    "innodb_buffer_pool_size": "16M",
    "innodb_data_file_path": "ibdata1:5M:autoextend",
    "innodb_autoextend_increment": "1",
    "innodb_use_native_aio": "0",
    # The log is written at each commit, so that a kill loses none, but nothing waits for the disk.
    "innodb_flush_log_at_trx_commit": "2",
    "innodb_flush_method": "nosync",
}
_FLAVOURED_SETTINGS: dict[Flavour, dict[str, str]] = {
    "mariadb": {
        "debug_no_sync": "1",
        "innodb_log_file_size": "4M",
        "innodb_temp_data_file_path": "ibtmp1:1M:autoextend",
    },
    "mysql": {
        "disable_log_bin": "1",
        "mysqlx": "OFF",
        "auto_generate_certs": "OFF",
        "innodb_log_buffer_size": "1M",
        "loose_innodb_redo_log_capacity": "8M",  # unknown before 8.0.30
        # Packages name a folder that only their own user may enter, without which no server starts.
        "secure_file_priv": "NULL",
    },
}
#: Run at each start until one has succeeded, hence the IF NOT EXISTS. Without name resolution, who comes
#: by TCP is known by his address only: he is not root@localhost.
_SETUP = """\
CREATE DATABASE IF NOT EXISTS test;
CREATE USER IF NOT EXISTS root@127.0.0.1;
GRANT ALL PRIVILEGES ON *.* TO root@127.0.0.1 WITH GRANT OPTION;
ALTER USER root@127.0.0.1 IDENTIFIED BY '{password}';
ALTER USER root@localhost IDENTIFIED BY '{password}';
"""


class MariaDB(Server):
    """One MariaDB server (or MySQL 8+ where that is what is installed), with a database ``test``.

    Args:
        bin_dir: the folder of ``mariadbd`` or ``mysqld``; by default what ``find_mariadb()`` finds.
        settings: options of the server, as ``{"max_connections": "20"}``; they win over the launcher's own.
        tls: accept TLS too, with a certificate for ``localhost`` and 127.0.0.1 issued by ``ca_file``.
            Needs the ``trustme`` package.
        auth: how ``root`` proves who it is: "trust" asks for nothing, "password" for one that ``url()`` fills
            in, by the server's default method: ``mysql_native_password``, or ``caching_sha2_password`` in MySQL.

    Raises:
        FileNotFoundError: no MariaDB or MySQL here; the message says what to install.
        PermissionError: this process is root, and the programs are closed to the user that the server runs as.
    """

    # SIGQUIT asks it to shut down, which a server that is just starting can take as an order to hang.
    # It is one process and shares no memory, so nothing is left behind by SIGKILL.
    _ENDING = signal.SIGKILL

    def __init__(
        self,
        bin_dir: str | os.PathLike[str] | None = None,
        *,
        settings: Mapping[str, str] | None = None,
        tls: bool = False,
        auth: Auth = "trust",
    ) -> None:
        super().__init__()
        self._bin_dir = find_mariadb() if bin_dir is None else Path(bin_dir)
        self._program = mariadb_program(self._bin_dir).resolve()
        if not open_to(self._home.account, self._program):
            raise PermissionError(
                f"{self._program} cannot be run by the user that the server runs as, since this process is root:"
                " install it where everybody may read"
            )
        self._settings = dict(settings or {})
        self._tls = tls
        self._auth: Auth = auth

    @property
    def version(self) -> tuple[int, ...]:
        """The version, as ``(10, 11, 6)``."""
        found = re.search(r"Ver (\d+)\.(\d+)\.(\d+)", self._banner)
        assert found is not None
        return tuple(map(int, found.groups()))

    @property
    def flavour(self) -> Flavour:
        """Whose server it is: "mariadb" or "mysql"."""
        return "mariadb" if "MariaDB" in self._banner else "mysql"

    def url(
        self,
        user: str = "root",
        database: str = "test",
        *,
        password: str | None = None,
        host: str = "127.0.0.1",
        **query: object,
    ) -> str:
        """The URL to connect with; ``query`` is appended, percent-encoded.

        The superuser's password is filled in where ``auth`` asks for one.
        """
        if password is None and user == "root" and self._auth != "trust":
            password = _PASSWORD
        return self._url("mysql", user, password, host, database, query)

    def stop(self, *, timeout: float = 30.0) -> None:
        """Shut the server down and wait for it; nothing if it is down. Its clients are disconnected.

        Args:
            timeout: how long to wait, in seconds; 0 to ask and return at once.

        Raises:
            TimeoutError: it was still up after ``timeout``; it goes on shutting down.
        """
        self._shut_down(signal.SIGTERM, timeout)

    def restart(self) -> None:
        """``stop()`` and ``start()``, on the same port with the same data."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """SIGKILL the server, as a power cut would; ``start()`` recovers the data."""
        super().kill()
        for leftover in (self.folder / "data" / "pid", *self.folder.glob("socket*")):
            leftover.unlink(missing_ok=True)

    @functools.cached_property
    def _banner(self) -> str:
        command = [str(self._program), "--no-defaults", "--version"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def _name(self) -> str:
        product = "MariaDB" if self.flavour == "mariadb" else "MySQL"
        return f"{product} {'.'.join(map(str, self.version))}"

    def _prepare(self) -> Path:
        folder = self._home.folder()
        template = self._template()
        self._home.run(["cp", "-R", str(template), str(folder / "data")], "copying a data folder")
        password = "" if self._auth == "trust" else _PASSWORD
        self._home.write(folder / "setup.sql", _SETUP.format(password=password))
        if self._tls:
            self._write_certificates(folder)
        return folder

    def _command(self, folder: Path, port: int) -> list[str]:
        settings = {
            "datadir": f"{folder}/data",
            "socket": f"{folder}/socket",
            "pid_file": f"{folder}/data/pid",
            "tmpdir": str(folder),  # so that nothing stays elsewhere after a kill
            "port": str(port),
        }
        if self._port is None:
            settings["init_file"] = f"{folder}/setup.sql"
        if self._tls:
            settings |= {"ssl_cert": f"{folder}/server.crt", "ssl_key": f"{folder}/server.key"}
        return [str(self._program), "--no-defaults", *_options(settings | self._basic() | self._settings)]

    def _is_ready(self, process: subprocess.Popen[bytes], said: bytes) -> bool:
        return b": ready for connections" in said

    def _basic(self) -> dict[str, str]:
        return _BASIC_SETTINGS | _FLAVOURED_SETTINGS[self.flavour]

    def _template(self) -> Path:
        """A fresh data folder, made once per installation."""
        home = self._home
        with home.lock:
            known = home.templates.get((self._program, ""))
            if known is not None:
                return known
            data = home.folder() / "data"
            installer = self._installer()
            home.run([*installer, *_options({"datadir": str(data)} | self._basic())], installer[0])
            home.templates[self._program, ""] = data
            return data

    def _installer(self) -> list[str]:
        """What makes a data folder in which root has no password, and may come by the Unix socket only."""
        if self.flavour == "mysql":
            return [str(self._program), "--no-defaults", "--initialize-insecure"]
        prefix = self._program.parent.parent
        for folder in (self._bin_dir, prefix / "bin", prefix / "scripts"):
            for name in ("mariadb-install-db", "mysql_install_db"):
                if (folder / name).is_file():
                    return [
                        str(folder / name),
                        "--no-defaults",
                        f"--basedir={prefix}",
                        "--auth-root-authentication-method=socket",
                        "--auth-root-socket-user=root",
                        "--skip-test-db",
                    ]
        raise FileNotFoundError(f"no mariadb-install-db in {self._bin_dir}, {prefix}/bin or {prefix}/scripts")


def _options(settings: Mapping[str, str]) -> list[str]:
    return [f"--{name}={value}" for name, value in settings.items()]
