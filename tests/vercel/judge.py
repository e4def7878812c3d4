"""Who is to blame for a request that failed: the server, the network, or the pool.

A request is served if its answer is a 200 with its own mark, by its deadline. One that is not is excused if, and
only if, one of these is true:

* **lost**: the connection ended, by the server or the network, while the request's statement was in flight on it or
  within 50 ms of its answer. Nobody can know how far the statement had come. The wire tells.
* **silent**: its statement, or the BEGIN before it, went into a connection that the network had forgotten without a
  word, and that had lain idle for less than the trust window (1 s). The wire tells; a BEGIN has no mark, so each may
  excuse one request that ran at that time and whose statement did not end before its deadline.
* **crossed**: the pool says ``ConnectionLost``, and a connection ended in the last second before that answer with
  nobody's statement in flight as far as the wire can tell: at a BEGIN or in the first half of a statement, which have no
  mark, or just as something was on its way to it. Each such end may excuse one request.
* **outage**: between its beginning and 0.1 s before its deadline (or 2 % of it; or 5 s after its beginning, the longest
  that the pool waits for a connection) there was a server for no longer at a stretch than it needed. It needs the time
  of its statement, 1.5 s for what stands before it in the queue, a probe (0.5 s) and a dial, and ten round trips
  where the network was slow.

Every other failure is the pool's. So is an answer of whatever kind that comes later than 0.25 s after the deadline, and
an answer that is another request's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tests.vercel.weather import Weather
from tests.vercel.wire import Wire

__all__ = ["Judge", "Request", "Verdict"]

TRUST_WINDOW = 1.0
LONGEST_WAIT = 5.0
IN_THE_WAY = 1.5
ROUND_TRIPS = 10
CROSSING = 1.0
LATE = 0.25
SLACK = 0.05

Span = tuple[float, float]


class Request(NamedTuple):
    """What became of a request. Times are ``time.monotonic()``.

    Attributes:
        work: how long its statement takes at the server.
        status: 0 if the function closed the connection instead of answering.
        own: whether what it got was its own.
        error: what its log says of why it failed.
    """

    number: int
    began: float
    ended: float
    deadline: float
    work: float
    status: int
    own: bool
    error: str

    @property
    def served(self) -> bool:
        return self.status == 200 and self.own and self.ended <= self.deadline + LATE


class Verdict(NamedTuple):
    """Why a request was not served, and whether that is the pool's fault."""

    request: Request
    why: str
    excused: bool


class Judge:
    """Judges the requests of one run, after it."""

    def __init__(self, wire: Wire, weather: Weather) -> None:
        self._weather = weather
        self._lost = {number for loss in wire.losses for number in loss.marks | loss.unread}
        trusted = [each for each in wire.into_silence if each.idle < TRUST_WINDOW + SLACK]
        self._silent = {number for each in trusted for number in each.marks}
        self._nameless = [each.when for each in trusted if not each.marks]
        self._ends = [loss.when for loss in wire.losses if not loss.marks]

    def verdict(self, request: Request) -> Verdict | None:
        """None if it was served."""
        if request.served:
            return None
        if request.status == 200 and not request.own:
            return Verdict(request, "got the answer of another request", excused=False)
        if request.ended > request.deadline + LATE:
            return Verdict(request, "answered after its deadline", excused=False)
        if request.number in self._lost:
            return Verdict(request, "lost", excused=True)
        if request.number in self._silent or self._was_nameless(request):
            return Verdict(request, "silent", excused=True)
        if self._crossed(request):
            return Verdict(request, "crossed", excused=True)
        if self._had_no_server(request):
            return Verdict(request, "outage", excused=True)
        return Verdict(request, "failed", excused=False)

    def _was_nameless(self, request: Request) -> bool:
        return "did not end before its deadline" in request.error and _spend(
            self._nameless, request.began, request.ended
        )

    def _crossed(self, request: Request) -> bool:
        since = max(request.began, request.ended - CROSSING)
        return "ConnectionLost" in request.error and _spend(self._ends, since, request.ended)

    def _had_no_server(self, request: Request) -> bool:
        end = min(last_moment(request), request.began + LONGEST_WAIT)
        slow = [delay for start, stop, delay in self._weather.slow if start < end and stop > request.began]
        need = request.work + IN_THE_WAY + ROUND_TRIPS * 2 * max(slow, default=0.0)
        return longest_without(self._weather.outages, request.began, end) < need


def _spend(times: list[float], since: float, until: float) -> bool:
    """Whether there is one of ``times`` in that span; it is taken away, for it is no excuse twice."""
    for place, when in enumerate(times):
        if since <= when <= until:
            del times[place]
            return True
    return False


def last_moment(request: Request) -> float:
    """When the pool gives up, so that the answer is there by the deadline."""
    left = request.deadline - request.began
    return request.deadline - max(0.1, 0.02 * left)


def longest_without(outages: Sequence[Span], start: float, end: float) -> float:
    """The longest stretch between ``start`` and ``end`` that no outage touches. Outages do not overlap."""
    longest, since = 0.0, start
    for began, ended in sorted(outages):
        if ended > start and began < end:
            longest = max(longest, began - since)
            since = ended
    return max(longest, end - since)
