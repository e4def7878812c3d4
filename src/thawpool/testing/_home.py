"""One temporary folder per process for its servers, and a guard that outlives the process.

The guard is a shell that reads from a pipe whose other end only this process holds. When the process
ends, however it ends, the pipe closes; the guard then stops each server that was left and removes the
folder. A signal at the death of the parent (Linux's PR_SET_PDEATHSIG) would not do: it is lost when the
child changes its user, and it fires when the *thread* that started the child ends.
"""

from __future__ import annotations

import atexit
import os
import secrets
import signal
import socket
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import IO

from ._binaries import Account, server_account, temp_base

__all__ = ["Home", "free_port", "home"]

# A recycled process id must not be hit: the command line has to name the folder.
_GUARD = r"""
read -r _
pids=
for file in "$1"/*/pid; do
    read -r pid ending 2>/dev/null <"$file" || continue
    { tr '\0' ' ' <"/proc/$pid/cmdline" || ps -p "$pid" -o args=; } 2>/dev/null | grep -qF -- "$1/" || continue
    kill -CONT "$pid"
    kill "-$ending" "$pid"
    pids="$pids $pid"
done
tries=0
for pid in $pids; do
    while kill -0 "$pid" 2>/dev/null && [ $tries -lt 150 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
done
rm -rf -- "$1"
"""

# The id is on record before there is a server, so that no moment is left in which the guard could miss one.
_SERVE = 'echo "$$ $0" >pid && exec "$@"'

_lock = threading.Lock()
_home: Home | None = None


class Home:
    """The folder, owned by the servers' user, and the guard over it."""

    def __init__(self) -> None:
        self.account: Account | None = server_account()
        self.path = Path(tempfile.mkdtemp(prefix="thawpool-", dir=temp_base(self.account)))
        self._own(self.path)
        self.pid = os.getpid()
        self.lock = threading.RLock()
        self.templates: dict[tuple[Path, str], Path] = {}
        self._count = 0
        self._servers: dict[subprocess.Popen[bytes], signal.Signals] = {}
        self._guard = self.popen(["/bin/sh", "-c", _GUARD, "guard", str(self.path)], stdin=subprocess.PIPE)

    def folder(self) -> Path:
        """A new folder of the servers' user."""
        with self.lock:
            self._count += 1
            path = self.path / str(self._count)
        path.mkdir(mode=0o700)
        self._own(path)
        return path

    def write(self, path: Path, text: str) -> Path:
        """Write a file that only the servers' user (and root) can read."""
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        self._own(path)
        return path

    def popen(
        self,
        command: list[str],
        *,
        cwd: Path | None = None,
        stdin: int = subprocess.DEVNULL,
        output: IO[bytes] | int = subprocess.DEVNULL,
    ) -> subprocess.Popen[bytes]:
        """Start ``command`` as the servers' user, in a session of its own: Ctrl-C does not reach it."""
        account = self.account
        return subprocess.Popen(
            command,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            cwd=cwd or self.path,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
            stdin=stdin,
            stdout=output,
            stderr=output,
            start_new_session=True,
            umask=0o077,
        )

    def serve(
        self, folder: Path, command: list[str], log: Path, *, ending: signal.Signals = signal.SIGQUIT
    ) -> subprocess.Popen[bytes]:
        """Start a server that the guard ends if nothing else does; ``ended`` when it has stopped.

        Args:
            ending: the signal on which it ends at once, whatever it is doing, with all its children.
        """
        name = ending.name.removeprefix("SIG")
        with open(log, "ab") as output:
            process = self.popen(["/bin/sh", "-c", _SERVE, name, *command], cwd=folder, output=output)
        self._servers[process] = ending
        return process

    def ended(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        """The server in ``folder`` has been waited for: its process id means nothing any more."""
        (folder / "pid").unlink(missing_ok=True)
        del self._servers[process]

    def run(self, command: list[str], what: str) -> None:
        """Run ``command`` to its end as the servers' user.

        Raises:
            RuntimeError: it failed; the message has its output.
        """
        process = self.popen(command, output=subprocess.PIPE)
        try:
            output, _ = process.communicate()
        except BaseException:  # Ctrl-C: what it started shall not write into a folder that is gone
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        if process.returncode:
            text = output.decode(errors="replace").strip()
            raise RuntimeError(f"{what} failed with exit code {process.returncode}: {text}")

    def close(self) -> None:
        """End what still runs and remove the folder."""
        for server, ending in self._servers.items():
            for number in (signal.SIGCONT, ending):
                server.send_signal(number)
        for server in self._servers:
            server.wait(15)
        assert self._guard.stdin is not None
        self._guard.stdin.close()
        self._guard.wait()

    def forget(self) -> None:
        """In a forked child: nothing of this is a child of this process, nor is the guard held by it."""
        assert self._guard.stdin is not None
        self._guard.stdin.close()
        for process in (self._guard, *self._servers):
            process.returncode = 0  # else its finalizer warns that it still runs

    def _own(self, path: Path) -> None:
        if self.account is not None:
            os.chown(path, self.account.uid, self.account.gid)


def home() -> Home:
    """This process's home for servers, made when first asked for and removed when the process ends."""
    global _home
    with _lock:
        if _home is None:
            _home = Home()
        return _home


@atexit.register
def _close() -> None:
    if _home is not None:
        _home.close()


def _forget() -> None:
    """A forked child has no servers: the home it inherited is its parent's."""
    global _home, _lock
    if _home is not None:
        _home.forget()
    _lock, _home = threading.Lock(), None


os.register_at_fork(after_in_child=_forget)


def free_port() -> int:
    """A free loopback port below the ephemeral range.

    No outgoing connection can take it while its server is down for a moment.
    """
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
