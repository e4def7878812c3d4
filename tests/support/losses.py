"""Did anything stay behind? Sockets, threads, tasks and seats, counted before and after."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["at_most", "at_rest", "nothing_lost", "sockets_to"]


#: What a busy machine may add to any wait, in seconds. What goes wrong here goes wrong by seconds, or for ever.
SLACK = 0.25


def sockets_to(port: int) -> int:
    """How many sockets of this process, in whatever state, lead to ``port`` on 127.0.0.1."""
    rows = [line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]]
    inodes = {row[9] for row in rows if row[2] == f"0100007F:{port:04X}"}
    return sum(_inode(fd) in inodes for fd in os.listdir("/proc/self/fd"))


def _inode(fd: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{fd}").removeprefix("socket:[").removesuffix("]")
    except OSError:
        return ""


def _tasks() -> int:
    try:
        return len(asyncio.all_tasks())
    except RuntimeError:
        return 0


@contextmanager
def nothing_lost(port: int, *, sockets: int = 0) -> Iterator[None]:
    """Assert that the block leaves no thread, task or socket to ``port`` more than ``sockets``.

    Sockets that are open to ``port`` beforehand count where they are more: a session's fixtures may have some. The garbage collector rests meanwhile: what it would have to find has been left behind.
    """
    threads, tasks = threading.active_count(), _tasks()
    gc.collect()
    sockets = max(sockets, sockets_to(port))
    gc.disable()
    try:
        yield
        assert sockets_to(port) <= sockets, "a socket was left open"
        assert threading.active_count() <= threads, "a thread was left running"
        assert _tasks() <= tasks, "a task was left running"
    finally:
        gc.enable()


def at_rest(pool: Any) -> None:
    """Assert that nothing is in use, opening or waiting in ``pool``."""
    stats = pool.stats()
    assert (stats.used, stats.opening, stats.waiting) == (0, 0, 0), stats
    assert stats.total == stats.idle + stats.suspect, stats


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Assert that the block, however it ends, takes no longer than ``seconds``, give or take ``SLACK``."""
    started = time.monotonic()
    try:
        yield
    finally:
        took = time.monotonic() - started
        assert took <= seconds + SLACK, f"took {took:.3f} s, {seconds} allowed"
