"""Workers that each ask again as soon as they are answered: in a fresh process, one load after the other."""

from __future__ import annotations

import asyncio
import statistics
import threading
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter, sleep
from typing import Any

from ..child import contender
from ._queue_floor import AsyncQueueFloor, QueueFloor

__all__ = ["measure"]

Metrics = dict[str, Any]


class Window:
    """The time that counts, in seconds of the clock; workers go on from before it until its end."""

    def __init__(self, warm: float, seconds: float) -> None:
        self.start = perf_counter() + warm
        self.end = self.start + seconds
        self.seconds = seconds


class Worker:
    """What one worker met."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.served = 0
        self.waits: list[float] = []
        #: How long it had waited at the end of the window, if it was waiting then.
        self.unserved = 0.0
        #: Requests in all, those outside the window included.
        self.requests = 0
        self.errors = 0

    def note(self, began: float, entered: float | None) -> None:
        """A request came to its end that began to wait, and to be served, at these times."""
        window = self.window
        self.requests += 1
        if entered is not None:
            if entered > window.end:
                self.unserved = window.end - began
            elif entered >= window.start:
                self.waits.append(entered - began)
        if window.start <= perf_counter() <= window.end:
            self.served += 1


def measure(task: dict[str, Any]) -> Any:
    """Put each load of the task on one pool; answers with what the workers met, and how many requests there were."""
    return _measure_async(task) if task["loop"] in ("asyncio", "uvloop") else _measure_sync(task)


# -- threads ---------------------------------------------------------------------------------------

Ask = Callable[[], float | None]


def _measure_sync(task: dict[str, Any]) -> Metrics:
    pool = contender(task)
    pool.open()
    try:
        ask = _asks(pool, task["shape"])
        return _summary({name: _load(ask, *load) for name, load in task["loads"].items()})
    finally:
        pool.close()


def _asks(pool: Any, shape: str) -> Callable[[int, str], Ask]:
    """What asks a worker's statement, and answers with the time at which its wait had ended if that can be seen.

    Shapes: ``leased``; ``whole``, in one call; ``held``, a connection for each worker; ``floor``, raw connections
    from the least pool that there can be.
    """
    connection, rows = pool.connection, pool.rows
    raw: list[Any] = []
    if shape in ("held", "floor"):
        raw, rows = [pool.raw() for _ in range(pool.size)], pool.raw_rows
        connection = QueueFloor(raw).connection
    leases = [connection() for _ in range(pool.size)]
    for lease in leases:
        lease.__enter__()
    for lease in leases:
        lease.__exit__(None, None, None)

    def held(number: int, sql: str) -> None:
        rows(raw[number], sql)

    def whole(number: int, sql: str) -> None:
        pool.request(sql)

    def leased(number: int, sql: str) -> float:
        with connection() as conn:
            entered = perf_counter()
            rows(conn, sql)
        return entered

    asked: Any = {"held": held, "whole": whole}.get(shape, leased)
    return lambda number, sql: lambda: asked(number, sql)


def _load(
    ask: Callable[[int, str], Ask], workers: int, sql: str, warm: float, seconds: float
) -> list[Worker]:
    window = Window(warm, seconds)
    crew = [Worker(window) for _ in range(workers)]
    threads = [
        threading.Thread(target=_work, args=(worker, ask(number, sql))) for number, worker in enumerate(crew)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return crew


def _work(worker: Worker, ask: Ask) -> None:
    while (began := perf_counter()) < worker.window.end:
        try:
            worker.note(began, ask())
        except Exception:
            worker.errors += 1
            sleep(0.001)


# -- asyncio ---------------------------------------------------------------------------------------

AsyncAsk = Callable[[], Awaitable[float | None]]


async def _measure_async(task: dict[str, Any]) -> Metrics:
    pool = contender(task)
    await pool.open()
    try:
        ask = await _async_asks(pool, task["shape"])
        return _summary({name: await _async_load(ask, *load) for name, load in task["loads"].items()})
    finally:
        await asyncio.wait_for(pool.close(), 10)


async def _async_asks(pool: Any, shape: str) -> Callable[[int, str], AsyncAsk]:
    connection, rows = pool.connection, pool.rows
    raw: list[Any] = []
    if shape in ("held", "floor"):
        raw, rows = [await pool.raw() for _ in range(pool.size)], pool.raw_rows
        connection = AsyncQueueFloor(raw).connection
    leases = [connection() for _ in range(pool.size)]
    for lease in leases:
        await lease.__aenter__()
    for lease in leases:
        await lease.__aexit__(None, None, None)

    async def held(number: int, sql: str) -> None:
        await rows(raw[number], sql)

    async def whole(number: int, sql: str) -> None:
        await pool.request(sql)

    async def leased(number: int, sql: str) -> float:
        async with connection() as conn:
            entered = perf_counter()
            await rows(conn, sql)
        return entered

    asked: Any = {"held": held, "whole": whole}.get(shape, leased)
    return lambda number, sql: lambda: asked(number, sql)


async def _async_load(
    ask: Callable[[int, str], AsyncAsk], workers: int, sql: str, warm: float, seconds: float
) -> list[Worker]:
    window = Window(warm, seconds)
    crew = [Worker(window) for _ in range(workers)]
    await asyncio.gather(*[_async_work(worker, ask(number, sql)) for number, worker in enumerate(crew)])
    return crew


async def _async_work(worker: Worker, ask: AsyncAsk) -> None:
    while (began := perf_counter()) < worker.window.end:
        try:
            worker.note(began, await ask())
        except Exception:
            worker.errors += 1
            await asyncio.sleep(0.001)


# -- what they met ---------------------------------------------------------------------------------


def _summary(loads: dict[str, list[Worker]]) -> Metrics:
    found: Metrics = {"requests": sum(worker.requests for crew in loads.values() for worker in crew)}
    for name, crew in loads.items():
        figures = {**_served(crew), **_waits(crew)}
        found |= {f"{name}: {key}": value for key, value in figures.items()}
    return found


def _served(crew: Sequence[Worker]) -> Metrics:
    counts = [worker.served for worker in crew]
    least, most = min(counts), max(counts)
    return {
        "q/s": sum(counts) / crew[0].window.seconds,
        # Where a window is cut parts two equals by one request.
        "share": max(1.0, (most - 1) / least) if least else None,
        "never": counts.count(0),
        "errors": sum(worker.errors for worker in crew),
    }


def _waits(crew: Sequence[Worker]) -> Metrics:
    """Of those that a lease is measured of: seconds that they waited for it."""
    waits = sorted(wait for worker in crew for wait in worker.waits)
    if not waits:
        return {}
    median, unserved = statistics.median(waits), max(worker.unserved for worker in crew)
    return {
        "p50": median,
        "p99": waits[min(len(waits) - 1, int(0.99 * len(waits)))],
        "max": waits[-1],
        "unserved": unserved,
        "max/median": max(waits[-1], unserved) / median,
    }
