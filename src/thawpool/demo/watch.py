"""Ten samples a second of the pool, asked through the function, and of the server, asked over our own connection."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from thawpool.errors import PoolError

from .client import fetch
from .database import Database
from .feed import Feed
from .process import FunctionProcess
from .servers import ServerView
from .storm import percentiles

__all__ = ["Watch"]

INTERVAL = 0.1
#: Longer than this without an answer, and the function counts as silent.
PATIENCE = 0.4
#: Percentiles are over the waits of this many seconds.
WINDOW = 60.0


class Watch:
    """Keeps the newest view of each side. Neither waits for the other: both may be silent, each on its own."""

    def __init__(self, function: FunctionProcess, database: Database, feed: Feed) -> None:
        self._function = function
        self._database = database
        self._feed = feed
        self._waits: deque[tuple[float, float]] = deque(maxlen=5000)
        #: ``pool.stats()``; None while the function is silent.
        self.pool: dict[str, Any] | None = None
        #: None while the database is away.
        self.server: ServerView | None = None
        #: The most connections the server has counted since this was last set to 0.
        self.peak = 0

    async def run(self) -> None:
        await asyncio.gather(self._ask_pool(), self._ask_server())
        async with asyncio.TaskGroup() as group:
            group.create_task(_every(INTERVAL, self._ask_pool))
            group.create_task(_every(INTERVAL / 2, self._ask_server))  # finer: a short peak counts
            group.create_task(_every(INTERVAL, self._tell))

    async def _ask_pool(self) -> None:
        try:
            reply = await fetch(self._function.port, "/demo/stats", timeout=PATIENCE)
        except OSError:
            self.pool = None
        else:
            answer = reply.json()
            self.pool = answer["pool"]
            now = time.monotonic()
            self._waits.extend((now, wait) for wait in answer["waits"])

    async def _ask_server(self) -> None:
        try:
            self.server = await self._database.view()
        except PoolError:
            self.server = None
        else:
            self.peak = max(self.peak, self.server.pool + self.server.mistakes)

    async def _tell(self) -> None:
        self._feed.sample(self._sample())

    def _sample(self) -> dict[str, Any]:
        oldest = time.monotonic() - WINDOW
        while self._waits and self._waits[0][0] < oldest:
            self._waits.popleft()
        gauges = ("max_size", "total", "idle", "used", "opening", "suspect", "waiting")
        return {
            "at": round(time.time() * 1000),
            "function": "frozen" if self._function.frozen else "running" if self.pool else "silent",
            "pool": self.pool and {name: self.pool[name] for name in gauges},
            "server": self.server and self.server.pool,
            "mistakes": self.server and self.server.mistakes,
            "waits": percentiles(wait for _, wait in self._waits),
        }


async def _every(seconds: float, act: Callable[[], Awaitable[None]]) -> None:
    while True:
        await act()
        await asyncio.sleep(seconds)
