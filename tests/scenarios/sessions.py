"""What the server itself says of the sessions of a pool; and an observer that counts."""

from __future__ import annotations

from collections import Counter

import psycopg

from thawpool.testing.postgres import Postgres

__all__ = ["Count", "end_sessions", "sessions"]


class Count:
    """An observer that counts what happens."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    def opened(self, pool: str) -> None:
        self.seen["opened"] += 1

    def open_failed(self, pool: str, error: str) -> None:
        self.seen["open_failed"] += 1

    def retired(self, pool: str, reason: str) -> None:
        self.seen[reason] += 1

    def thawed(self, pool: str, why: str) -> None:
        self.seen["thawed"] += 1

    def waited(self, pool: str, seconds: float) -> None:
        self.seen["waited"] += 1


def sessions(server: Postgres, application: str) -> int:
    """How many sessions the server has for an application."""
    with psycopg.connect(server.url(), autocommit=True) as conn:
        row = conn.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", (application,)
        ).fetchone()
    assert row is not None
    return int(row[0])


def end_sessions(server: Postgres, application: str) -> int:
    """End all sessions of an application, as an administrator would; they are gone when this returns."""
    with psycopg.connect(server.url(), autocommit=True) as conn:
        cursor = conn.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = %s",
            (application,),
        )
        return len(cursor.fetchall())
