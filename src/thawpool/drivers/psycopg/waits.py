"""How long a wait of psycopg's may last. Its waits are generators, which its waiting functions resume now and then."""

from __future__ import annotations

from asyncio import Future, get_running_loop
from collections.abc import Callable, Generator
from time import monotonic
from typing import Any, Final, TypeVar

from psycopg import errors, waiting

__all__ = ["ENDED", "ENDS", "INTERVAL", "Expired", "Silent", "bounded", "listen", "patient", "slice_of"]

T = TypeVar("T")
INFINITY = float("inf")
#: How often a wait looks at its deadline and lets Ctrl-C through, as psycopg itself does.
INTERVAL: Final = 0.1
#: Whether psycopg's own waits can be told when to end; and what they raise then, with the generator left where it is.
ENDS: Final = hasattr(errors, "_WaitTimeout")
ENDED: Final[type[Exception]] = getattr(errors, "_WaitTimeout", TimeoutError)
READ, NOTHING, READABLE = waiting.WAIT_R, waiting.READY_NONE, waiting.READY_R


class Expired(Exception):
    """The deadline of a wait came before its end."""


def bounded(gen: Generator[Any, Any, T], until: float) -> Generator[Any, Any, T]:
    """``gen``, ended by ``Expired`` at ``until``: the waiting functions resume it every ``INTERVAL``.

    The time is looked at whether data came or not, since a reply may trickle or never end.
    """
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if monotonic() >= until:
                raise Expired
            wanted = gen.send(ready)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        gen.close()


class Silent(Exception):
    """A statement without a deadline has heard nothing of its server for long."""


def patient(
    gen: Generator[Any, Any, T], silence: float, ask: Callable[[], bool], *, begun: bool
) -> Generator[Any, Any, T]:
    """``gen``, ended by ``Silent`` when nothing comes for ``silence`` seconds and ``ask`` says that nobody is there.

    Args:
        begun: whether ``gen`` has been waited for already, and so expects to hear what has become ready.
    """
    try:
        wanted = gen.send(NOTHING if begun else None)
        heard = monotonic()
        while True:
            ready = yield wanted
            if ready:
                heard = monotonic()
            elif monotonic() - heard >= silence:
                if not ask():
                    raise Silent
                heard = monotonic()
            wanted = gen.send(ready)
    except StopIteration as stop:
        result: T = stop.value
        return result


def slice_of(until: float) -> float:
    """How long a wait may sleep before it must look at its deadline."""
    left = max(0.001, until - monotonic())
    return left / max(1, round(left / INTERVAL))  # so that a slice ends at the deadline


async def listen(gen: Generator[Any, Any, T], fd: int, until: float) -> T:
    """Wait for ``gen`` as psycopg does under asyncio, ended by ``Expired`` at ``until``.

    A statement wants nothing but to read, and here that takes less than in psycopg's ``wait_async``, which serves
    everything else.
    """
    heard: Future[int] | None = None
    try:
        wanted = next(gen)
        loop = get_running_loop()
        while wanted == READ:
            heard = loop.create_future()
            loop.add_reader(fd, _tell, heard, READABLE)
            timer = loop.call_later(min(INTERVAL, until - monotonic()), _tell, heard, NOTHING)
            try:
                ready = await heard
            finally:
                timer.cancel()
                loop.remove_reader(fd)
            if monotonic() >= until:
                raise Expired
            wanted = gen.send(ready)
        rest = _resumed(gen, wanted)
    except StopIteration as stop:
        result: T = stop.value
        if heard is not None:
            return result
        rest = _ended(result)  # psycopg sees to it that what never waits lets others have the loop
    except OSError as error:
        raise errors.OperationalError("connection socket closed") from error
    if until < INFINITY:
        return await waiting.wait_async(bounded(rest, until), fd, slice_of(until))
    return await waiting.wait_async(rest, fd, INTERVAL)


def _tell(heard: Future[int], ready: int) -> None:
    if not heard.done():
        heard.set_result(ready)


def _resumed(gen: Generator[Any, Any, T], wanted: Any) -> Generator[Any, Any, T]:
    """``gen`` from where it wants this on."""
    try:
        while True:
            wanted = gen.send((yield wanted))
    except StopIteration as stop:
        result: T = stop.value
        return result


def _ended(result: T) -> Generator[Any, Any, T]:
    yield from ()
    return result
