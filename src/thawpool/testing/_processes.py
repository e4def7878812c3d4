"""A server's processes: stop, continue or kill a parent with all its children.

A PostgreSQL backend makes itself the leader of a process group, so a signal to the postmaster's group
reaches the postmaster alone; the children are found by their parent.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

__all__ = ["kill_tree", "pause_tree", "resume_tree"]

_PROC = Path("/proc")
#: The longest that a signal may take to show, in seconds. A loaded machine needs milliseconds.
_PATIENCE = 20.0


class _Process(NamedTuple):
    parent: int
    state: str


def _processes() -> dict[int, _Process]:
    if (_PROC / "self" / "stat").exists():
        return dict(_read_proc())
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,stat="], check=True, capture_output=True, text=True
    )
    rows = (line.split() for line in listing.stdout.splitlines())
    return {int(pid): _Process(int(parent), state[0]) for pid, parent, state in rows}


def _read_proc() -> Iterable[tuple[int, _Process]]:
    for name in os.listdir(_PROC):
        if name.isdigit():
            try:
                text = (_PROC / name / "stat").read_text()
            except OSError:
                continue  # it has ended meanwhile
            # The second field, a name in parentheses, may hold spaces and parentheses itself.
            state, parent = text[text.rindex(")") + 2 :].split()[:2]
            yield int(name), _Process(int(parent), state)


def _children(pid: int) -> list[int]:
    return [child for child, process in _processes().items() if process.parent == pid]


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def _wait(pids: Iterable[int], reached: Callable[[str | None], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    left = set(pids)
    while True:
        now = _processes()
        left = {pid for pid in left if not reached(now[pid].state if pid in now else None)}
        if not left:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"processes {sorted(left)} did not act on a signal within {_PATIENCE} s")
        time.sleep(0.001)


def _is_gone(state: str | None) -> bool:
    return state in (None, "Z", "X")


def _is_stopped(state: str | None) -> bool:
    return _is_gone(state) or state in ("T", "t")


def pause_tree(parent: int) -> list[int]:
    """SIGSTOP ``parent`` and its children, and wait until all stand still. Returns their ids."""
    # The parent first: from then on there are no new children.
    _signal([parent], signal.SIGSTOP)
    _wait([parent], _is_stopped)
    pids = [parent, *_children(parent)]
    _signal(pids, signal.SIGSTOP)
    _wait(pids, _is_stopped)
    return pids


def resume_tree(parent: int) -> None:
    """SIGCONT ``parent`` and its children."""
    _signal([*_children(parent), parent], signal.SIGCONT)


def kill_tree(parent: int) -> None:
    """SIGKILL ``parent`` and its children, none having time to react, and wait until all are gone."""
    pids = pause_tree(parent)
    _signal(pids, signal.SIGKILL)
    _wait(pids, _is_gone)
