"""What goes wrong in the soak: faults at random from a seed, and the exact times at which no server could be had."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

import psycopg
from tests.support.vercel import VercelFunction
from tests.vercel.wire import Wire

from thawpool.testing.postgres import Postgres

__all__ = ["LONGEST_DEADLINE", "Gate", "Weather"]

#: No request has more than this, in seconds.
LONGEST_DEADLINE = 6.0


class Gate:
    """Where requests wait while the function is frozen, as they do at Vercel's host."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._shut = False
        self._inside = 0

    @contextmanager
    def passing(self) -> Iterator[None]:
        """One request: begins when the gate is open, and keeps it from being shut until it has ended."""
        with self._changed:
            self._changed.wait_for(lambda: not self._shut)
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def shut(self) -> Iterator[None]:
        """Let nobody in and wait until all are out; open again at the end of the block."""
        with self._changed:
            self._shut = True
            self._changed.wait_for(lambda: not self._inside)
        try:
            yield
        finally:
            with self._changed:
                self._shut = False
                self._changed.notify_all()


class Weather:
    """Breaks what is between the requests and their answers, one thing at a time.

    Args:
        name: by which the server knows the function's sessions.
        only: the names of what may happen, as in ``seen``; all if none is named.

    Attributes:
        outages: when there was no server to be had, as pairs of ``time.monotonic()``.
        slow: when the network was slow, with its delay each way in seconds.
        seen: how often each thing happened.
        frozen: how long the function was stopped, in seconds.
    """

    def __init__(
        self,
        seed: int,
        server: Postgres,
        wire: Wire,
        function: VercelFunction,
        gate: Gate,
        name: str,
        only: Collection[str] = (),
    ) -> None:
        self._random = random.Random(f"weather {seed}")
        self._server = server
        self._wire = wire
        self._function = function
        self._gate = gate
        self._name = name
        self._only = only
        self.outages: list[tuple[float, float]] = []
        self.slow: list[tuple[float, float, float]] = []
        self.seen: Counter[str] = Counter()
        self.frozen = 0.0
        self._seats_lost_until = 0.0
        #: What may happen to a running function, and how likely it is.
        self._running: dict[Callable[[], None], int] = {
            self._nothing: 1,
            self._freeze: 8,
            self._end_sessions: 3,
            self._restart: 1,
            self._crash: 1,
            self._cut: 2,
            self._reset: 2,
            self._hole: 2,
            self._refuse: 1,
            self._crawl: 2,
            self._forget_some: 1,
        }
        #: What may happen while it is frozen.
        self._asleep: dict[Callable[[], None], int] = {
            self._nothing: 4,
            self._end_sessions: 3,
            self._restart: 1,
            self._crash: 1,
            self._cut: 1,
            self._reset: 1,
            self._forget_all: 3,
        }

    def blow(self) -> None:
        """Let one thing happen, and wait until it is over."""
        self._one_of(self._running)()

    def pause(self) -> float:
        """The seconds until the next, at random."""
        return min(self._random.expovariate(1 / 0.25), 1.0)

    def _one_of(self, what: dict[Callable[[], None], int]) -> Callable[[], None]:
        may = {each: weight for each, weight in what.items() if not self._only or _name(each) in self._only}
        chosen = self._random.choices(list(may), list(may.values()))[0]
        self.seen[_name(chosen)] += 1
        return chosen

    def _some_time(self, least: float, most: float) -> None:
        time.sleep(self._random.uniform(least, most))

    # -- the function ----------------------------------------------------------------------------

    def _freeze(self) -> None:
        """Stop it between two requests; the wall clock goes on by more than the monotonic one, or not."""
        with self._gate.shut():
            self._function.rest()
            began = time.monotonic()
            self._function.freeze()
            try:
                happened = self._one_of(self._asleep)
                happened()
                self._some_time(0.0, 0.3)
                # A network forgets what has lain idle for long.
                if happened == self._forget_all or self._random.random() < 0.7:
                    self._jump(self._random.choice((2.0, 20.0, 600.0)))
            finally:
                self._function.thaw()
            self.frozen += time.monotonic() - began

    def _jump(self, seconds: float) -> None:
        self.seen["jump"] += 1
        self._function.jump_wall(seconds)
        self._wire.shift += seconds

    def _nothing(self) -> None: ...

    # -- the server ------------------------------------------------------------------------------

    def _end_sessions(self) -> None:
        with psycopg.connect(self._server.url(), autocommit=True) as conn:
            conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s",
                (self._name,),
            )

    def _restart(self) -> None:
        with self._outage():
            self._server.stop("fast")
            self._some_time(0.0, 0.5)
            self._server.start()

    def _crash(self) -> None:
        with self._outage():
            self._server.kill()
            self._some_time(0.0, 0.5)
            self._server.start()

    # -- the network -----------------------------------------------------------------------------

    def _cut(self) -> None:
        self._wire.cut()

    def _reset(self) -> None:
        self._wire.reset()

    def _hole(self) -> None:
        with self._outage():
            self._wire.blackhole()
            self._some_time(0.1, 2.0)
            self._wire.resume()

    def _refuse(self) -> None:
        with self._outage():
            self._wire.refuse()
            self._wire.cut()
            self._some_time(0.1, 1.0)
            self._wire.resume()

    def _crawl(self) -> None:
        """Slow, but not broken."""
        delay = self._random.uniform(0.01, 0.1)
        began = time.monotonic()
        self._wire.slow(delay)
        self._some_time(0.2, 1.0)
        self._wire.resume()
        self.slow.append((began, time.monotonic(), delay))

    def _forget_all(self) -> None:
        self._wire.forget()

    def _forget_some(self) -> None:
        """While they are in use. Each is a seat lost to the pool until the deadline of who sits there, so never most of them."""
        if time.monotonic() > self._seats_lost_until:
            self._seats_lost_until = time.monotonic() + LONGEST_DEADLINE
            self._wire.forget(2)

    @contextmanager
    def _outage(self) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self.outages.append((began, time.monotonic()))


def _name(thing: Callable[[], None]) -> str:
    return thing.__name__.strip("_").replace("_", " ")
