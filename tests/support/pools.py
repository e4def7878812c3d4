"""One test text for every kind of pool, threads and asyncio alike.

A test is an ``async def`` that takes a ``Runner`` as a fixture. Over threads nothing that it awaits ever
suspends: the pool's verbs run where they are called, and what shall go on at the same time (``spawn``)
is such a coroutine in a thread of its own. So the text of the test does not know which kind it drives.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager
from typing import Any, Self, TypeVar, cast

import pytest
import uvloop

from thawpool import AsyncPool, Pool

__all__ = ["Runner", "done", "entered", "pytest_pyfunc_call"]

T = TypeVar("T")
#: No step of a test takes this long, in seconds, unless it hangs.
HUNG = 15.0


async def done(answer: Any) -> Any:
    """The result of a driver's call, which is awaitable or not."""
    return await answer if inspect.isawaitable(answer) else answer


@asynccontextmanager
async def entered(block: Any) -> AsyncIterator[Any]:
    """A driver's block, to be entered with ``async with`` or not."""
    if hasattr(block, "__aenter__"):
        async with block as value:
            yield value
    else:
        with block as value:
            yield value


class Block:
    """A lease or a transaction of ``Pool`` as an async context manager."""

    def __init__(self, real: Any) -> None:
        self.real = real

    async def __aenter__(self) -> Any:
        value = self.real.__enter__()
        return Awaitable(value) if value is self.real else value

    async def __aexit__(self, *exc: Any) -> Any:
        return self.real.__exit__(*exc)


class Awaitable:
    """A ``Pool`` or a ``Transaction`` with the surface of its async twin."""

    PLAIN = ("invocation", "stats")
    BLOCKS = ("connection", "transaction")

    def __init__(self, real: Any) -> None:
        self.real = real

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.real, name)
        if name in self.PLAIN or not callable(value):
            return value
        if name in self.BLOCKS:
            return lambda **options: Block(value(**options))

        async def call(*args: Any, **options: Any) -> Any:
            return value(*args, **options)

        return call

    def __repr__(self) -> str:
        return repr(self.real)

    def handler(self, function: Callable[..., Coroutine[Any, Any, T]]) -> Callable[..., Any]:
        @self.real.handler  # type: ignore[untyped-decorator]
        def invoke(*args: Any, **kwargs: Any) -> T:
            return run_through(function(*args, **kwargs))

        async def call(*args: Any, **kwargs: Any) -> Any:
            return invoke(*args, **kwargs)

        return call

    async def __aenter__(self) -> Self:
        self.real.__enter__()
        return self

    async def __aexit__(self, *exc: Any) -> None:
        self.real.__exit__(*exc)


def run_through(test: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never suspends."""
    try:
        test.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    test.close()
    raise AssertionError("over threads a test may await nothing but the pool, jobs and events")


class Job:
    """A coroutine that runs in a thread; awaiting it joins the thread."""

    def __init__(self, work: Coroutine[Any, Any, Any]) -> None:
        self.result: Any = None
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self.thread.start()

    def _run(self, work: Coroutine[Any, Any, Any]) -> None:
        try:
            self.result = run_through(work)
        except BaseException as error:
            self.error = error

    def done(self) -> bool:
        return not self.thread.is_alive()

    def __await__(self) -> Generator[None, None, Any]:
        self.thread.join(HUNG)
        assert self.done(), "a job did not end"
        if self.error is not None:
            raise self.error
        yield from ()
        return self.result


class Flag:
    """``threading.Event`` with the surface of asyncio's."""

    def __init__(self) -> None:
        self.event = threading.Event()

    def set(self) -> None:
        self.event.set()

    async def wait(self) -> None:
        assert self.event.wait(HUNG), "an event never came"


class Runner:
    """Pools of one kind, and how to run a test over them.

    Args:
        scheme: of the URLs, which names the driver.
    """

    #: The event loop: "" for asyncio's own, or "uvloop".
    loop = ""

    def __init__(self, name: str, scheme: str, *, is_async: bool) -> None:
        self.name = name
        self.scheme = scheme
        self.is_async = is_async
        self.pools: list[AsyncPool] = []

    def __repr__(self) -> str:
        return self.name

    def url(self, url: str) -> str:
        """``url`` with the scheme that means this kind's driver."""
        return f"{self.scheme}{url[url.index('://') :]}"

    def pool(self, url: str | None = None, **options: Any) -> AsyncPool:
        """A pool, closed when the test ends."""
        url = url if url is None else self.url(url)
        pool = (
            AsyncPool(url, **options) if self.is_async else cast("AsyncPool", Awaitable(Pool(url, **options)))
        )
        self.pools.append(pool)
        return pool

    def run(self, test: Coroutine[Any, Any, None]) -> None:
        async def closing() -> None:
            try:
                await test
            finally:
                for pool in self.pools:
                    await pool.close(timeout=0.5)

        if self.is_async:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop if self.loop else None) as runner:
                runner.run(closing())
        else:
            run_through(closing())

    # -- several things at a time ----------------------------------------------------------------

    def spawn(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Start ``work`` beside the test; await the answer for its result."""
        return asyncio.ensure_future(work) if self.is_async else Job(work)

    def event(self) -> Any:
        return asyncio.Event() if self.is_async else Flag()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for what other threads, tasks or processes bring about."""
        deadline = time.monotonic() + HUNG
        while not condition():
            assert time.monotonic() < deadline, "what the test waits for never came about"
            if self.is_async:
                await asyncio.sleep(0.001)
            else:
                time.sleep(0.001)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run an ``async def`` test over the runner that it takes."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    runner = next(value for value in arguments.values() if isinstance(value, Runner))
    runner.run(pyfuncitem.obj(**arguments))
    return True
