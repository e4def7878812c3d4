"""The least that a pool with a queue can be: what all others are held against where many wait."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Iterable
from typing import Any

__all__ = ["AsyncQueueFloor", "QueueFloor"]


class QueueFloor:
    """The least that a pool for threads with a queue can be: a deque, a lock, and a lock for each waiter."""

    def __init__(self, conns: Iterable[Any]) -> None:
        self.idle = deque(conns)
        self.waiters: deque[QueueFloorLease] = deque()
        self.lock = threading.Lock()

    def connection(self) -> QueueFloorLease:
        return QueueFloorLease(self)


class QueueFloorLease:
    __slots__ = ("conn", "granted", "pool")

    def __init__(self, pool: QueueFloor) -> None:
        self.pool = pool

    def __enter__(self) -> Any:
        pool = self.pool
        with pool.lock:
            if pool.idle:
                self.conn = pool.idle.pop()
                return self.conn
            self.granted = threading.Lock()
            self.granted.acquire()
            pool.waiters.append(self)
        self.granted.acquire()
        return self.conn

    def __exit__(self, *exc: object) -> None:
        pool = self.pool
        with pool.lock:
            if pool.waiters:
                waiter = pool.waiters.popleft()
                waiter.conn = self.conn
                waiter.granted.release()
            else:
                pool.idle.append(self.conn)


class AsyncQueueFloor:
    """The least that a pool for asyncio with a queue can be: a deque of connections and one of futures."""

    def __init__(self, conns: Iterable[Any]) -> None:
        self.idle = deque(conns)
        self.waiters: deque[asyncio.Future[Any]] = deque()

    def connection(self) -> AsyncQueueFloorLease:
        return AsyncQueueFloorLease(self)


class AsyncQueueFloorLease:
    __slots__ = ("conn", "pool")

    def __init__(self, pool: AsyncQueueFloor) -> None:
        self.pool = pool

    async def __aenter__(self) -> Any:
        pool = self.pool
        if pool.idle:
            self.conn = pool.idle.pop()
        else:
            waiter = asyncio.get_running_loop().create_future()
            pool.waiters.append(waiter)
            self.conn = await waiter
        return self.conn

    async def __aexit__(self, *exc: object) -> None:
        pool = self.pool
        if pool.waiters:
            pool.waiters.popleft().set_result(self.conn)
        else:
            pool.idle.append(self.conn)
