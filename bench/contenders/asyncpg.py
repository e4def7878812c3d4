"""asyncpg.Pool, the pool of asyncpg's own authors."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

from .base import AsyncContender, Settings
from .drivers import ASYNCPG

__all__ = ["BOUNDED", "AsyncpgPool"]

#: What bounds an asyncpg connection's own waits.
BOUNDED: dict[str, Any] = {"command_timeout": 2, "timeout": 2}


async def _nothing(conn: Any) -> None:
    """In place of the reset that a return sends."""


async def _probe(conn: Any) -> None:
    await conn.execute("SELECT 1")


class AsyncpgPool(AsyncContender):
    driver = ASYNCPG
    settings = Settings(
        default="a reset at each return",
        fast="reset= a no-op: nothing is cleaned",
        safe="setup= SELECT 1, command_timeout=2, timeout=2, acquire(timeout=2)",
    )
    distributions = ("asyncpg",)

    async def open(self) -> None:
        import asyncpg

        options: dict[str, Any] = {}
        if self.safe:
            options = {"setup": _probe, **BOUNDED}
        elif self.fast:
            options = {"reset": _nothing}
        self.pool = await asyncpg.create_pool(
            self.address.url(), min_size=self.size, max_size=self.size, **options
        )
        if not self.safe:
            self.connection = self.pool.acquire  # type: ignore[method-assign]

    def connection(self) -> AbstractAsyncContextManager[Any]:
        return self.pool.acquire(timeout=2)  # type: ignore[no-any-return]

    async def close(self) -> None:
        self.pool.terminate()
