"""What the functions for threads do when asked, by whatever protocol. Their twin for asyncio is ``asgi.py``."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from tests.vercel.functions.settings import OPTIONS, PID, SLEEP

from thawpool import Pool

__all__ = ["VERBS", "pieces", "pool"]

pool = Pool(**OPTIONS)
#: Connections that nobody gives back.
leaked: list[Any] = []


def warm(seconds: float) -> Any:
    return pool.warm(5)


def pid(seconds: float) -> Any:
    return {"thread": threading.current_thread().name, **(pool.query_one(PID) or {})}


def sleep(seconds: float) -> Any:
    """Let the server work for so long."""
    return pool.query_one(SLEEP, (seconds,))


def hurry(seconds: float) -> Any:
    """Wait no longer than that for something that takes longer."""
    return pool.query_one(SLEEP, (20,), timeout=seconds)


def hold(seconds: float) -> Any:
    """Work for so long with a connection."""
    with pool.connection():
        time.sleep(seconds)


def behind(seconds: float) -> Any:
    """Answer, and work on for so long with a connection."""
    taken = threading.Event()

    def work() -> None:
        with pool.connection():
            taken.set()
            time.sleep(seconds)

    threading.Thread(target=work).start()
    taken.wait()


def fail(seconds: float) -> Any:
    with pool.transaction():
        raise LookupError("a mistake of the function's own")


def leak(seconds: float) -> Any:
    leaked.append(pool.getconn())


def stats(seconds: float) -> Any:
    return pool.stats()._asdict()


def pieces(seconds: float) -> Iterator[bytes]:
    """Rows read and sent piece by piece, from one connection, for so long."""
    end = time.monotonic() + seconds
    with pool.transaction() as tx:
        while time.monotonic() < end:
            yield f"{tx.query_one(PID)}\n".encode()
            tx.query(SLEEP, (0.01,))


#: By the path that asks for them; each is told the seconds of the query string.
VERBS: dict[str, Callable[[float], Any]] = {
    f"/{verb.__name__}": verb for verb in (warm, pid, sleep, hurry, hold, behind, fail, leak, stats)
}
