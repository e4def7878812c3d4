"""What the page is told: a stream of events, and all that a page that opens later has missed."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

__all__ = ["Feed"]

#: Samples kept: a minute at ten a second.
HISTORY = 600


class Feed:
    """Server-Sent Events for any number of pages."""

    def __init__(self) -> None:
        self._samples: deque[dict[str, Any]] = deque(maxlen=HISTORY)
        self._notes: deque[dict[str, Any]] = deque(maxlen=30)
        self._storms: dict[str, dict[str, Any]] = {}
        self._facts: dict[str, Any] = {}
        self._pages: set[asyncio.Queue[str | None]] = set()

    def facts(self, **facts: Any) -> None:
        """What holds for a while: the database's name, what may be stopped, which act is running."""
        self._facts.update(facts)
        self._publish("facts", self._facts)

    def sample(self, sample: dict[str, Any]) -> None:
        """The pool and the server at one moment."""
        self._samples.append(sample)
        self._publish("sample", sample)

    def note(self, note: dict[str, Any]) -> None:
        """A line of the log."""
        self._notes.append(note)
        self._publish("note", note)

    def storm(self, result: dict[str, Any]) -> None:
        """A storm's result, which takes the place of an earlier one of the same kind."""
        self._storms[result["kind"]] = result
        self._publish("storm", result)

    def _publish(self, event: str, data: Any) -> None:
        text = _event(event, data)
        for page in self._pages:
            if page.qsize() < HISTORY:  # a page that reads no more must not grow without bound
                page.put_nowait(text)

    async def events(self) -> AsyncIterator[str]:
        """One page's stream: first everything so far, then what happens."""
        page: asyncio.Queue[str | None] = asyncio.Queue()
        self._pages.add(page)
        try:
            yield _event(
                "start",
                {
                    "facts": self._facts,
                    "samples": list(self._samples),
                    "notes": list(self._notes),
                    "storms": list(self._storms.values()),
                },
            )
            while (text := await page.get()) is not None:
                yield text
        finally:
            self._pages.discard(page)

    def close(self) -> None:
        """End every stream."""
        for page in self._pages:
            page.put_nowait(None)


def _event(event: str, data: Any) -> str:
    return f"event: {event}\ndata: {json.dumps(data)}\n\n"
