"""A process that has loaded what every answer needs, and forks one for each: it then starts in milliseconds.

python -m thawpool.learn.check.nursery SOCKET
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...config import URL_VARIABLES
from ..errors import LearnError
from .child import run

__all__ = ["Nursery"]

#: An order has a path, a URL and two addresses in it.
_ENOUGH = 65536


class Nursery:
    """This process's end: it starts the other one at once, and does not wait for it."""

    def __init__(self) -> None:
        self._link, theirs = socket.socketpair()
        # Where somebody's own databases are, and the settings of their psql, is not for the answers.
        environment = {
            name: value
            for name, value in os.environ.items()
            if name not in URL_VARIABLES and not name.startswith("PG")
        }
        with theirs:
            # -P: no module of the reader's folder shall stand in for one of ours. In a session of its own: Ctrl-C in the terminal is the check's to hear, which then ends all of them.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "thawpool.learn.check.nursery", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )

    def bear(self, file: Path, url: str, allowed: Sequence[str], streams: Sequence[int]) -> int:
        """Fork a process that runs ``file``; its id.

        Args:
            url: its ``DATABASE_URL``.
            allowed: the databases that it may dial.
            streams: descriptors of its commands, its answers, and all that the file prints.
        """
        order = {"file": str(file), "url": url, "allowed": list(allowed)}
        return self._ask(order, streams)

    def bury(self, pid: int) -> int:
        """Wait for the end of one that was forked. Its exit code, negative for a signal."""
        return self._ask({"ended": pid})

    def close(self) -> None:
        self._link.close()
        self._process.wait()

    def _ask(self, order: Mapping[str, Any], streams: Sequence[int] = ()) -> int:
        reply = b""
        with suppress(ConnectionError):
            socket.send_fds(self._link, [json.dumps(order).encode()], streams)
            reply = self._link.recv(_ENOUGH)
        if not reply:
            raise LearnError("the check's own process was killed: check again")
        number: int = json.loads(reply)
        return number


def main() -> None:
    with socket.socket(fileno=int(sys.argv[1])) as link:
        while True:
            message, streams, _, _ = socket.recv_fds(link, _ENOUGH, 3)
            if not message:
                return
            order: Mapping[str, Any] = json.loads(message)
            if "ended" in order:
                _, status = os.waitpid(order["ended"], 0)
                reply = os.waitstatus_to_exitcode(status)
            else:
                reply = _fork(link, order, streams)
            link.sendall(json.dumps(reply).encode())


def _fork(link: socket.socket, order: Mapping[str, Any], streams: Sequence[int]) -> int:
    pid = os.fork()
    if pid == 0:
        link.close()
        os.setpgid(0, 0)
        os.environ["DATABASE_URL"] = order["url"]
        run(Path(order["file"]), frozenset(order["allowed"]), *streams)
    with suppress(PermissionError, ProcessLookupError):
        os.setpgid(pid, pid)  # on both sides: whoever comes first, it leads a group when its id is known
    for stream in streams:
        os.close(stream)
    return pid


if __name__ == "__main__":
    main()
