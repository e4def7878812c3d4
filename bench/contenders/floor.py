"""The floors: the least that a pool can be, in several forms. None of them keeps a promise."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from .base import SIZE

__all__ = ["ASYNC_FLOOR", "ASYNC_FLOORS", "FLOOR", "FLOORS", "AsyncFloor", "Floor"]

#: The floors with which others are compared: the forms that users write.
FLOOR, ASYNC_FLOOR = "floor: deque, lock, with", "floor: deque, async with"


class Floor:
    """A deque behind a lock, and a class with ``__enter__`` and ``__exit__``."""

    def __init__(self) -> None:
        self.idle = deque(range(SIZE))
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

    def __enter__(self) -> int:
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

    def get(self) -> int:
        with self.lock:
            return self.idle.pop()

    def put(self, conn: int) -> None:
        with self.lock:
            self.idle.append(conn)

    def loop(self, count: int) -> None:
        get, put = self.get, self.put
        for _ in range(count):
            put(get())


class GeneratorFloor(LockedDeque):
    """The block as most libraries write it, with ``@contextmanager``."""

    @contextmanager
    def lease(self) -> Iterator[int]:
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

    def __init__(self) -> None:
        self.idle = deque(range(SIZE))

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

    async def __aenter__(self) -> int:
        self.conn = self.pool.idle.pop()
        return self.conn

    async def __aexit__(self, *exc: object) -> None:
        self.pool.idle.append(self.conn)


class AsyncMethods(AsyncFloor):
    """Methods in place of a block."""

    async def get(self) -> int:
        return self.idle.pop()

    async def put(self, conn: int) -> None:
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
