"""What is done to a server, and asked of it, around a sample: its core, and its own count of what it did."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..stage import Stage

__all__ = ["counter", "one_core"]


@contextmanager
def one_core(server: Any) -> Iterator[None]:
    """Keep ``server`` and the processes that are started meanwhile on one core. Nothing where that cannot be asked for.

    The connections that the server opens meanwhile stay there too.
    """
    if sys.platform != "linux":
        yield
        return
    cores = os.sched_getaffinity(0)
    _move(server.pid, {max(cores)})
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
        _move(server.pid, cores)


def _move(pid: int, cores: set[int]) -> None:
    """Move all threads of a process; what it starts from then on follows."""
    if sys.platform == "linux":
        for thread in os.listdir(f"/proc/{pid}/task"):
            try:
                os.sched_setaffinity(int(thread), cores)
            except OSError:
                pass  # it has ended meanwhile


def counter(stage: Stage, system: str) -> Callable[[], int]:
    """What tells how many requests a server has served so far.

    PostgreSQL: transactions of its database, once all connections to it have ended, for a connection tells
    its count when it ends. MariaDB: SELECT statements.
    """
    return _transactions(stage) if system == "postgresql" else _selects(stage)


def _transactions(stage: Stage) -> Callable[[], int]:
    import psycopg

    here = stage.address("postgresql")
    elsewhere = here._replace(database="template1")

    def one(conn: Any, sql: str) -> int:
        return int(conn.execute(sql, (here.database,)).fetchone()[0])

    def count() -> int:
        with psycopg.connect(elsewhere.url(), autocommit=True) as conn:
            deadline = time.monotonic() + 5
            while one(conn, "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"):
                if time.monotonic() > deadline:
                    break
                time.sleep(0.01)
            return one(conn, "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = %s")

    return count


def _selects(stage: Stage) -> Callable[[], int]:
    import pymysql

    def count() -> int:
        with pymysql.connect(**stage.address("mysql").arguments) as conn:
            cursor = conn.cursor()
            cursor.execute("SHOW GLOBAL STATUS LIKE 'Com_select'")
            return int(cursor.fetchone()[1])

    return count
