"""A storm of requests against the function, and what became of each."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from .client import Client

__all__ = ["AT_ONCE", "REQUESTS", "Tally", "percentiles", "storm"]

REQUESTS = 1000
#: In flight at once: more than a server has connections, with its usual settings: PostgreSQL 100, MariaDB and MySQL 151.
AT_ONCE = 200


class Tally(NamedTuple):
    """What came of a storm."""

    #: Answers by HTTP status; 0 for a request that got none.
    statuses: Counter[int]
    #: The reasons that failed answers gave, the commonest first.
    reasons: list[tuple[str, int]]
    #: Seconds from the first request to the last answer.
    seconds: float
    #: Seconds per answer: see ``percentiles``.
    latency: dict[str, float]


async def storm(port: int, path: str) -> Tally:
    """Send ``REQUESTS`` requests, ``AT_ONCE`` at a time, and wait for every answer."""
    statuses: Counter[int] = Counter()
    reasons: Counter[str] = Counter()
    latencies: list[float] = []
    tickets = iter(range(REQUESTS))

    async def visitor() -> None:
        async with Client(port) as client:
            for _ in tickets:
                began = time.perf_counter()
                status, reason = await _ask(client, path)
                latencies.append(time.perf_counter() - began)
                statuses[status] += 1
                if reason:
                    reasons[reason] += 1

    start = time.perf_counter()
    await asyncio.gather(*(visitor() for _ in range(AT_ONCE)))
    return Tally(statuses, reasons.most_common(3), time.perf_counter() - start, percentiles(latencies))


async def _ask(client: Client, path: str) -> tuple[int, str]:
    """One request: its status, and why it failed if it did."""
    try:
        reply = await client.request(path, timeout=30)
    except OSError as error:  # a TimeoutError too
        return 0, str(error) or type(error).__name__
    if reply.status == 200:
        return 200, ""
    if reply.headers.get("content-type") != "application/json":
        return reply.status, reply.body.decode("utf-8", "replace")
    answer: dict[str, Any] = reply.json()
    return reply.status, str(answer.get("reason") or answer.get("error"))


def percentiles(values: Iterable[float]) -> dict[str, float]:
    """Count, p50, p95, p99 and maximum; zeros for nothing at all."""
    ordered = sorted(values)
    last = len(ordered) - 1

    def at(share: float) -> float:
        return ordered[round(share * last)] if ordered else 0.0

    return {"n": len(ordered), "p50": at(0.5), "p95": at(0.95), "p99": at(0.99), "max": at(1.0)}
