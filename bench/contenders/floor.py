"""The floors: the least that a pool can be, in several forms. None of them keeps a promise."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from .base import SIZE, AsyncContender, Settings, SyncContender

__all__ = ["ASYNC_FLOOR", "ASYNC_FLOORS", "FLOOR", "FLOORS", "AsyncFloor", "AsyncLeast", "Floor", "Least"]

#: The floors with which others are compared: the forms that users write.
FLOOR, ASYNC_FLOOR = "floor: deque, lock, with", "floor: deque, async with"


class Floor:
    """A deque behind a lock, and a class with ``__enter__`` and ``__exit__``."""

    def __init__(self, idle: Iterable[Any] = range(SIZE)) -> None:
        self.idle = deque(idle)
        self.lock = threading.Lock()

    def connection(self) -> FloorLease:
        return FloorLease(self)

    def loop(self, count: int) -> None:
        """Lease and return ``count`` times."""
        connection = self.connection
        for _ in range(count):
            with connection():
                pass


class FloorLease:
    __slots__ = ("conn", "pool")

    def __init__(self, pool: Floor) -> None:
        self.pool = pool

    def __enter__(self) -> Any:
        pool = self.pool
        with pool.lock:
            self.conn = pool.idle.pop()
        return self.conn

    def __exit__(self, *exc: object) -> None:
        pool = self.pool
        with pool.lock:
            pool.idle.append(self.conn)


class BareDeque(Floor):
    """What no pool can be below."""

    def loop(self, count: int) -> None:
        pop, append = self.idle.pop, self.idle.append
        for _ in range(count):
            append(pop())


class LockedDeque(Floor):
    """Methods in place of a block."""

    def get(self) -> Any:
        with self.lock:
            return self.idle.pop()

    def put(self, conn: Any) -> None:
        with self.lock:
            self.idle.append(conn)

    def loop(self, count: int) -> None:
        get, put = self.get, self.put
        for _ in range(count):
            put(get())


class GeneratorFloor(LockedDeque):
    """The block as most libraries write it, with ``@contextmanager``."""

    @contextmanager
    def lease(self) -> Iterator[Any]:
        conn = self.get()
        try:
            yield conn
        finally:
            self.put(conn)

    def loop(self, count: int) -> None:
        lease = self.lease
        for _ in range(count):
            with lease():
                pass


class AsyncFloor:
    """A deque, and a class with ``__aenter__`` and ``__aexit__``."""

    def __init__(self, idle: Iterable[Any] = range(SIZE)) -> None:
        self.idle = deque(idle)

    def connection(self) -> AsyncFloorLease:
        return AsyncFloorLease(self)

    async def loop(self, count: int) -> None:
        connection = self.connection
        for _ in range(count):
            async with connection():
                pass


class AsyncFloorLease:
    __slots__ = ("conn", "pool")

    def __init__(self, pool: AsyncFloor) -> None:
        self.pool = pool

    async def __aenter__(self) -> Any:
        self.conn = self.pool.idle.pop()
        return self.conn

    async def __aexit__(self, *exc: object) -> None:
        self.pool.idle.append(self.conn)


class AsyncMethods(AsyncFloor):
    """Methods in place of a block."""

    async def get(self) -> Any:
        return self.idle.pop()

    async def put(self, conn: Any) -> None:
        self.idle.append(conn)

    async def loop(self, count: int) -> None:
        get, put = self.get, self.put
        for _ in range(count):
            await put(await get())


FLOORS: dict[str, type[Floor]] = {
    "floor: bare deque": BareDeque,
    "floor: deque, lock": LockedDeque,
    FLOOR: Floor,
    "floor: deque, lock, @contextmanager": GeneratorFloor,
}
ASYNC_FLOORS: dict[str, type[AsyncFloor]] = {
    "floor: deque, await": AsyncMethods,
    ASYNC_FLOOR: AsyncFloor,
}


class Least(SyncContender):
    """The floor with connections. Its process ends with them."""

    settings = Settings(default="a deque behind a lock: no promise is kept")

    def open(self) -> None:
        floor = Floor([self.driver.connect(self.address) for _ in range(self.size)])
        self.connection = floor.connection  # type: ignore[method-assign]

    def close(self) -> None:
        pass


class AsyncLeast(AsyncContender):
    settings = Settings(default="a deque: no promise is kept")

    async def open(self) -> None:
        floor = AsyncFloor([await self.driver.connect(self.address) for _ in range(self.size)])
        self.connection = floor.connection  # type: ignore[method-assign]

    async def close(self) -> None:
        pass
