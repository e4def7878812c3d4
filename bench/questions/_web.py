"""Web servers under load: started once, asked by 64 clients, and what that cost."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psutil  # type: ignore[import-untyped]

from ..sampling import Metrics
from ..stage import ROOT, BenchError, Stage, end

__all__ = [
    "CLIENTS", "CPUS", "PATIENCE", "Server", "Site", "cpu_seconds", "load", "memory_mb", "on_cpu", "serve", "statements",
    "wrk",
]  # fmt: skip

CLIENTS = 64
#: All that this process may use; empty where nobody says.
CPUS = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
#: Seconds that a server may take to answer for the first time.
PATIENCE = 60.0
WRK_MISSING = "wrk, which makes the load, is not installed: apt-get install wrk (macOS: brew install wrk)"
#: A statement in the log of a PostgreSQL that logs all: who ran it, and its text.
LOGGED = re.compile(r"\[(\d+)\] LOG:  (?:statement|execute [^:]*): (.*)")


@dataclass(frozen=True)
class Site:
    """A server and its app."""

    #: ``{port}`` in it is filled in.
    command: Sequence[str]
    #: What the app is, in a few words.
    words: str
    environment: Mapping[str, str] = field(default_factory=dict)
    #: The name in the URL's scheme, for an app that finds its driver by that.
    driver: str = ""
    path: str = "/api/users"
    #: Seconds of load until it is as fast as it gets.
    warm_up: int = 2
    #: What starts it, where that is no plain command.
    server: type[Server] | None = None
    #: How many SELECTs answer a request.
    selects: int = 1


class Server:
    """A site that runs. Leaving it ends all its processes.

    Raises:
        BenchError: it ended, or gave no answer within ``PATIENCE``; the text has its last words.
    """

    def __init__(self, site: Site, stage: Stage) -> None:
        self.site = site
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # closed by close()
        self._start(stage.address("postgresql").url(site.driver))
        try:
            self._wait()
        except BaseException:
            self.close()
            raise

    def _start(self, database: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._process = self._spawn({"DATABASE_URL": database, "PORT": str(self.port)})

    def _spawn(self, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [part.replace("{port}", settings.get("PORT", "")) for part in self.site.command],
            cwd=ROOT,
            env={**os.environ, **settings, **self.site.environment},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def close(self) -> None:
        end(self._process)
        self._log.close()

    @property
    def headers(self) -> dict[str, str]:
        """What a request has to say."""
        return {}

    @property
    def tree(self) -> psutil.Process:
        """The process, parent of the server's others."""
        if self._process.poll() is not None:
            raise BenchError(f"the server ended: {self._last_words()}")
        return psutil.Process(self._process.pid)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.site.path}"

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while self.tree.is_running():
            try:
                self.ask(1)
            except BenchError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return

    def _last_words(self) -> str:
        self._log.seek(0)
        said = self._log.read().decode(errors="replace").splitlines()
        lines = [line.strip() for line in said if line.strip()]
        errors = [line for line in lines if "Error: " in line]
        return (errors or lines or ["it said nothing"])[-1]

    def load(self, seconds: int) -> Metrics:
        """What ``CLIENTS`` clients get in so many seconds."""
        return load(self.url, seconds, self.headers)

    def ask(self, times: int, clients: int = 1) -> list[Any]:
        """What so many clients get who ask at the same moment, so many times: the answers, of any status."""
        conns = [http.client.HTTPConnection("127.0.0.1", self.port, timeout=10) for _ in range(clients)]
        answers = []
        try:
            for _ in range(times):
                for conn in conns:
                    conn.request("GET", self.site.path, headers=self.headers)
                answers += [json.loads(conn.getresponse().read()) for conn in conns]
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise BenchError(f"no answer, or one that is no JSON: {error}") from None
        finally:
            for conn in conns:
                conn.close()
        return answers


def serve(site: Site, stage: Stage) -> Server:
    """Start ``site``; errors as of ``Server``."""
    return (site.server or Server)(site, stage)


def wrk() -> str:
    """The program that makes the load.

    Raises:
        BenchError: it is not here; the text says how to add it.
    """
    found = shutil.which("wrk")
    if found is None:
        raise BenchError(WRK_MISSING)
    return found


def load(url: str, seconds: int, headers: Mapping[str, str]) -> Metrics:
    """Ask for ``url`` from ``CLIENTS`` clients, who keep their connections and ask again at once.

    Raises:
        BenchError: there is no wrk, or it got no answer.
    """
    command = [wrk(), "-t1", f"-c{CLIENTS}", f"-d{seconds}s", "--timeout", "10s", "--latency"]
    command += [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    command.append(url)
    said = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=False)
    found = {
        name: re.search(pattern, said.stdout)
        for name, pattern in (
            ("requests", r"(\d+) requests in"),
            ("rps", r"Requests/sec:\s+([\d.]+)"),
            ("p50", r"\n\s+50%\s+(\S+)"),
            ("p99", r"\n\s+99%\s+(\S+)"),
        )
    }
    texts = {name: match[1] for name, match in found.items() if match}
    if len(texts) < len(found) or texts["requests"] == "0":
        raise BenchError(f"wrk got no answer: {said.stderr.strip() or said.stdout.strip()}")
    return {
        "requests": int(texts["requests"]),
        "rps": float(texts["rps"]),
        "p50": _milliseconds(texts["p50"]),
        "p99": _milliseconds(texts["p99"]),
        "errors": _errors(said.stdout),
    }


def _milliseconds(text: str) -> float:
    figure, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()  # type: ignore[union-attr]
    return float(figure) * {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}[unit]


def _errors(text: str) -> int:
    """Answers of another status than 2xx and 3xx, and what went wrong on sockets."""
    lines = [line for line in text.splitlines() if re.search(r"Non-2xx|Socket errors", line)]
    return sum(int(figure) for line in lines for figure in re.findall(r"\d+", line.split(":")[-1]))


# -- processes -------------------------------------------------------------------------------------


def cpu_seconds(root: psutil.Process) -> float:
    """What a process and its children used, those that have ended included."""
    total = 0.0
    for process in (root, *root.children(recursive=True)):
        try:
            total += sum(process.cpu_times()[:4])  # user, system, and the same of children that ended
        except psutil.NoSuchProcess:
            continue
    return total


def memory_mb(root: psutil.Process) -> tuple[float, float]:
    """The proportional memory of a process and its children, and the largest resident one, in MB."""
    sizes = []
    for process in (root, *root.children(recursive=True)):
        try:
            full = process.memory_full_info()
        except psutil.NoSuchProcess:
            continue
        sizes.append((getattr(full, "pss", full.uss), full.rss))
    return sum(size for size, _ in sizes) / 1e6, max(size for _, size in sizes) / 1e6


@contextmanager
def on_cpu(number: int, *trees: psutil.Process) -> Iterator[None]:
    """Keep ``trees``, and what this process starts meanwhile, on one CPU. Nothing where there is no second."""
    if len(CPUS) < 2:
        yield
        return
    _move(trees, [CPUS[number]])
    try:
        yield
    finally:
        _move(trees, CPUS)


def _move(trees: Sequence[psutil.Process], cpus: list[int]) -> None:
    below = [each for tree in trees for each in (tree, *tree.children(recursive=True))]
    for process in (psutil.Process(), *below):
        try:
            process.cpu_affinity(cpus)
        except psutil.NoSuchProcess:
            continue


# -- the server's own count ------------------------------------------------------------------------


@contextmanager
def statements(stage: Stage) -> Iterator[list[str]]:
    """What PostgreSQL is asked meanwhile, from its own log: a list that is filled when the block ends."""
    import psycopg

    found: list[str] = []
    with psycopg.connect(stage.postgres.url(), autocommit=True) as conn:
        conn.execute("ALTER SYSTEM SET log_statement = 'all'")
        conn.execute("SELECT pg_reload_conf()")
        time.sleep(0.1)  # until the signal has reached every session
        seen = len(stage.postgres.log)
        try:
            yield found
        finally:
            me, text = str(conn.info.backend_pid), stage.postgres.log[seen:]
            conn.execute("ALTER SYSTEM RESET log_statement")
            conn.execute("SELECT pg_reload_conf()")
            found += [statement for pid, statement in LOGGED.findall(text) if pid != me]
