"""Closes connections when their event loop shuts down, so that ``asyncio.run()`` leaves none at the server."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncGenerator, Callable
from typing import Any, final

__all__ = ["Sentry"]


@final
class Sentry:
    """Waits, without running, for the end of the loop whose connections it watches.

    A loop closes asynchronous generators when it shuts down, and that is the last moment at which anything of it can
    be closed in good order. So one generator for each loop waits for that.
    """

    def __init__(self, close: Callable[[Any], None]) -> None:
        self._close = close
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: AsyncGenerator[None, None] | None = None
        self._watched: weakref.WeakSet[Any] = weakref.WeakSet()

    async def watch(self, conn: Any) -> None:
        """Close this connection at the end of the running loop."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._watched = weakref.WeakSet()
            self._waiting = _until_the_end(self._watched, self._close)
            await anext(self._waiting)
            self._loop = loop
        self._watched.add(conn)

    def forget(self, conn: Any) -> None:
        """It was closed; a sentry with nothing to watch goes home."""
        self._watched.discard(conn)
        if not self._watched:
            self._dismiss()

    def forget_all(self) -> None:
        """What is watched belongs to the parent of this process, and is not to hear of us."""
        self._watched.clear()
        self._dismiss()

    def _dismiss(self) -> None:
        waiting, self._waiting, self._loop = self._waiting, None, None
        if waiting is not None:
            try:
                waiting.aclose().send(None)
            except StopIteration:
                pass


async def _until_the_end(
    watched: weakref.WeakSet[Any], close: Callable[[Any], None]
) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        for conn in tuple(watched):
            close(conn)
