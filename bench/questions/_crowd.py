"""A lease and a return among many waiters, and among many connections: in a fresh process.

Times are of the process's CPU: nobody waits for a server here, so they are what a lease costs, whatever else
the machine does.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from time import process_time_ns, sleep
from typing import Any

from ..contenders import EVERY, SIZE, Address
from ._queue_floor import AsyncQueueFloor, QueueFloor

__all__ = ["measure_connections", "measure_waiters"]

Metrics = dict[str, float]
#: How often each size is measured, and how long: a crowd in seconds, no crowd in nanoseconds of CPU.
CROWDS, CROWD = 7, 0.025
BLOCKS, BLOCK = 15, 3_000_000
#: The largest crowds take a while to gather and to leave: fewer of them.
LARGE, LARGE_CROWDS = 1000, 3
#: After so many leases all of a crowd have queued.
SETTLED = 500


def _turns(sizes: list[int], turns: int) -> Iterable[tuple[str, int]]:
    """What to measure: each size, and the base again for a control, in a new order each turn."""
    for turn in range(turns):
        named = [*((str(size), size) for size in sizes), ("again", sizes[0])]
        yield from (
            each for each in random.sample(named, len(named)) if each[1] <= LARGE or turn < LARGE_CROWDS
        )


def _summary(blocks: list[tuple[str, float]], base: int) -> Metrics:
    """Nanoseconds of a lease by size, and how they grow from the base."""
    times = {name: statistics.median(ns for other, ns in blocks if other == name) for name, _ in blocks}
    growth = {f"{name}: growth": ns / times[str(base)] for name, ns in times.items()}
    return {**times, **growth}


@contextmanager
def _open(task: dict[str, Any], size: int) -> Iterator[Callable[[], Any]]:
    """The lease of a pool whose connections are all open."""
    if task["contender"] is None:
        yield QueueFloor(range(size)).connection
        return
    pool: Any = EVERY[task["contender"]](Address(*task["address"]), task["setting"], size)
    pool.open()
    try:
        leases = [pool.connection() for _ in range(size)]
        for lease in leases:
            lease.__enter__()
        for lease in leases:
            lease.__exit__(None, None, None)
        yield pool.connection
    finally:
        pool.close()


@asynccontextmanager
async def _async_open(task: dict[str, Any], size: int) -> AsyncIterator[Callable[[], Any]]:
    if task["contender"] is None:
        yield AsyncQueueFloor(range(size)).connection
        return
    pool: Any = EVERY[task["contender"]](Address(*task["address"]), task["setting"], size)
    await pool.open()
    try:
        leases = [pool.connection() for _ in range(size)]
        for lease in leases:
            await lease.__aenter__()
        for lease in leases:
            await lease.__aexit__(None, None, None)
        yield pool.connection
    finally:
        await asyncio.wait_for(pool.close(), 20)


# -- among waiters ---------------------------------------------------------------------------------


def measure_waiters(task: dict[str, Any]) -> Any:
    """Crowds of workers, each of which leases, lets the others run, and returns."""
    return _async_waiters(task) if task["loop"] == "asyncio" else _waiters(task)


def _waiters(task: dict[str, Any]) -> Metrics:
    sizes = task["sizes"]
    with _open(task, SIZE) as connection:
        blocks = [(name, _crowd(connection, size)) for name, size in _turns(sizes, CROWDS)]
    return _summary(blocks, sizes[0])


def _crowd(connection: Callable[[], Any], size: int) -> float:
    leases = [0] * size
    going = True

    def work(number: int) -> None:
        while going:
            with connection():
                leases[number] += 1
                sleep(0)

    crew = [threading.Thread(target=work, args=(number,)) for number in range(size)]
    for thread in crew:
        thread.start()
    while sum(leases) < SETTLED:
        sleep(0.001)
    before, start = sum(leases), process_time_ns()
    sleep(CROWD)
    done, took = sum(leases) - before, process_time_ns() - start
    going = False
    for thread in crew:
        thread.join()
    return took / max(done, 1)


async def _async_waiters(task: dict[str, Any]) -> Metrics:
    sizes = task["sizes"]
    async with _async_open(task, SIZE) as connection:
        blocks = [(name, await _async_crowd(connection, size)) for name, size in _turns(sizes, CROWDS)]
    return _summary(blocks, sizes[0])


async def _async_crowd(connection: Callable[[], Any], size: int) -> float:
    leases = 0
    going, settled = True, asyncio.Event()

    async def work() -> None:
        nonlocal leases
        while going:
            async with connection():
                leases += 1
                if leases == SETTLED:
                    settled.set()
                await asyncio.sleep(0)

    crew = [asyncio.create_task(work()) for _ in range(size)]
    await settled.wait()
    before, start = leases, process_time_ns()
    await asyncio.sleep(CROWD)
    done, took = leases - before, process_time_ns() - start
    going = False
    await asyncio.gather(*crew)
    return took / max(done, 1)


# -- among connections -----------------------------------------------------------------------------


def measure_connections(task: dict[str, Any]) -> Any:
    """Pools of several sizes, all their connections open, and no one who waits."""
    return _async_connections(task) if task["loop"] == "asyncio" else _connections(task)


def _connections(task: dict[str, Any]) -> Metrics:
    def block(connection: Callable[[], Any], count: int) -> float:
        start = process_time_ns()
        for _ in range(count):
            with connection():
                pass
        return (process_time_ns() - start) / count

    sizes = task["sizes"]
    blocks = []
    with ExitStack() as stack:
        connections = {size: stack.enter_context(_open(task, size)) for size in sizes}
        for name, size in _turns(sizes, BLOCKS):
            connection = connections[size]
            block(connection, 1)  # after a while idle the first lease may look at its connection
            blocks.append((name, block(connection, max(5, int(BLOCK / block(connection, 50))))))
    return _summary(blocks, sizes[0])


async def _async_connections(task: dict[str, Any]) -> Metrics:
    async def block(connection: Callable[[], Any], count: int) -> float:
        start = process_time_ns()
        for _ in range(count):
            async with connection():
                pass
        return (process_time_ns() - start) / count

    sizes = task["sizes"]
    blocks = []
    async with AsyncExitStack() as stack:
        connections = {size: await stack.enter_async_context(_async_open(task, size)) for size in sizes}
        for name, size in _turns(sizes, BLOCKS):
            connection = connections[size]
            await block(connection, 1)  # after a while idle the first lease may look at its connection
            count = max(5, int(BLOCK / await block(connection, 50)))
            blocks.append((name, await block(connection, count)))
    return _summary(blocks, sizes[0])
