"""What the page's buttons do. One act at a time; each ends with a note that says what was seen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from .client import Reply, fetch
from .database import Database
from .feed import Feed
from .process import FunctionProcess
from .storm import AT_ONCE, REQUESTS, storm
from .watch import Watch

__all__ = ["Acts", "Busy", "Unavailable"]

FREEZE = 5.0

STORMS = {
    "pool": ("One pool at module scope", "/api/users"),
    "connection-per-request": ("A connection per request", "/demo/users/connection-per-request"),
    "pool-per-request": ("A pool per request", "/demo/users/pool-per-request"),
    "close-after-query": ("The pool closed after each query", "/demo/users/close-after-query"),
}


class Busy(Exception):
    """Another act is running."""


class Unavailable(Exception):
    """There is no such act, or not with this database."""


class Answer(NamedTuple):
    """A request to the function, as a visitor would see it."""

    reply: Reply
    seconds: float

    def __str__(self) -> str:
        return f"{self.reply.status} in {_time(self.seconds)}"


class Acts:
    """The acts by name; ``await acts.begin(name)``."""

    def __init__(self, function: FunctionProcess, database: Database, watch: Watch, feed: Feed) -> None:
        self._function = function
        self._database = database
        self._watch = watch
        self._feed = feed
        self._running: str | None = None
        self._task: asyncio.Task[str] | None = None
        self._acts: dict[str, Callable[[], Awaitable[str]]] = {
            "freeze": self._freeze,
            "kill": self._kill,
            "forget": self._forget,
            "storms": self._storms,
            **{f"storm/{kind}": self._storm_of(kind) for kind in STORMS},
        }
        if database.own is not None:
            self._acts |= {"database/stop": self._stop, "database/start": self._start}

    def begin(self, name: str) -> asyncio.Task[str]:
        """Start an act; its task ends with what was seen. It goes on when whoever asked for it leaves.

        Raises:
            Busy: another one is running.
            Unavailable: there is no such act here.
        """
        if name not in self._acts:
            raise Unavailable(f"there is no {name!r} here; there are {', '.join(self._acts)}")
        if self._running is not None:
            raise Busy(f"{self._running!r} is still running")
        self._running = name
        self._task = asyncio.create_task(self._perform(name))
        return self._task

    def cancel(self) -> None:
        """End the act that is running."""
        if self._task is not None:
            self._task.cancel()

    async def _perform(self, name: str) -> str:
        self._feed.facts(running=name)
        try:
            text = await self._acts[name]()
        except Exception as error:
            text = f"That did not work out: {type(error).__name__}: {error}"
        finally:
            self._running = None
            self._feed.facts(running=None)
        self._say(text)
        return text

    def _say(self, text: str) -> None:
        self._feed.note({"at": round(time.time() * 1000), "text": text})

    async def _ask(self, path: str = "/api/users", *, method: str = "GET") -> Answer:
        began = time.perf_counter()
        reply = await fetch(self._function.port, path, method=method, timeout=30)
        return Answer(reply, time.perf_counter() - began)

    async def _stats(self) -> dict[str, Any]:
        stats: dict[str, Any] = (await self._ask("/demo/stats")).reply.json()["pool"]
        return stats

    # -- the buttons -----------------------------------------------------------------------------

    async def _freeze(self) -> str:
        await self._ask("/demo/warm")
        before = await self._stats()
        self._function.freeze()
        try:
            dropped = await self._database.terminate()
            self._say(f"Frozen with SIGSTOP. Meanwhile the server drops all {dropped} of its connections.")
            await asyncio.sleep(FREEZE)
        finally:
            self._function.thaw()
        answer = await self._ask()
        after = await self._stats()
        return (
            f"Thawed after {FREEZE:.0f} s with {dropped} dead connections in the pool. "
            f"The first request was answered {answer}: {_effort(before, after)}."
        )

    async def _kill(self) -> str:
        await self._ask("/demo/warm")
        before = await self._stats()
        dropped = await self._database.terminate()
        answer = await self._ask()
        after = await self._stats()
        return (
            f"The server killed {dropped} connections. "
            f"The next request was answered {answer}: {_effort(before, after)}."
        )

    async def _stop(self) -> str:
        server = self._database.own
        assert server is not None
        await asyncio.to_thread(server.stop)
        self._feed.facts(stopped=True)
        answer = await self._ask()
        said = answer.reply.body.decode()
        return f"The database is stopped. A request is answered {answer}: {said}"

    async def _start(self) -> str:
        server = self._database.own
        assert server is not None
        await asyncio.to_thread(server.start)
        self._feed.facts(stopped=False)
        began = time.perf_counter()
        answer = await self._ask()
        while answer.reply.status != 200 and time.perf_counter() - began < 10:
            answer = await self._ask()
        back = time.perf_counter() - began
        return f"The database is back, and {_time(back)} later a request was answered {answer.reply.status}. Nobody reconnected anything."

    async def _forget(self) -> str:
        answer = await self._ask("/demo/forgotten-return")
        reason = answer.reply.json().get("reason", "")
        return f"Every connection was taken and none returned, so the next request got {answer}. The error says: {reason}"

    # -- storms ----------------------------------------------------------------------------------

    def _storm_of(self, kind: str) -> Callable[[], Awaitable[str]]:
        async def act() -> str:
            return await self._storm(kind)

        return act

    async def _storms(self) -> str:
        for kind in STORMS:
            self._say(await self._storm(kind))
        return "All four storms are done; the table holds them side by side."

    async def _storm(self, kind: str) -> str:
        title, path = STORMS[kind]
        before = self._watch.server
        self._watch.peak = 0
        tally = await storm(self._function.port, path)
        await asyncio.sleep(0.3)  # the server counts a session when it is over
        after = self._watch.server
        opened = after.sessions - before.sessions if before and after else None
        result = {
            "kind": kind,
            "title": title,
            "requests": REQUESTS,
            "ok": tally.statuses[200],
            "failed": REQUESTS - tally.statuses[200],
            "seconds": tally.seconds,
            "latency": tally.latency,
            "peak": self._watch.peak,
            "opened": opened,
            "reasons": tally.reasons,
        }
        self._feed.storm(result)
        return (
            f"{title}: {tally.statuses[200]} of {REQUESTS} requests answered, {AT_ONCE} at a time, in "
            f"{tally.seconds:.1f} s; half within {_time(tally.latency['p50'])}, 99 % within "
            f"{_time(tally.latency['p99'])}; at most {self._watch.peak} connections at the server."
        )


def _effort(before: dict[str, Any], after: dict[str, Any]) -> str:
    """What the pool had to do between two moments."""
    opened, checks = after["opened"] - before["opened"], after["checks"] - before["checks"]
    return f"{opened} new connection{'s' * (opened != 1)}, {checks} probe{'s' * (checks != 1)}"


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"
