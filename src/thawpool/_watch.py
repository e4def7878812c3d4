"""Watches over a statement of asyncio's that has no deadline: a slow one may go on, a dead server's ends."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from .drivers.base import AsyncDriver

__all__ = ["Watch"]


@final
class Watch:
    """Asks the server whether it is there, each time that a statement has taken another ``silence`` seconds.

    It lives no longer than the statement that it watches: nothing of it runs when nobody waits.
    """

    __slots__ = ("_conn", "_driver", "_loop", "_silence", "_task", "_timer")

    def __init__(self, driver: AsyncDriver, conn: Any, silence: float) -> None:
        self._driver = driver
        self._conn = conn
        self._silence = silence
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self._timer = self._loop.call_later(silence, self._ask)

    def stop(self) -> None:
        """The statement has ended."""
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _ask(self) -> None:
        self._task = self._loop.create_task(self._asking())

    async def _asking(self) -> None:
        if await self._driver.answers(self._conn):
            self._timer = self._loop.call_later(self._silence, self._ask)
        else:
            self._driver.abort(self._conn)
