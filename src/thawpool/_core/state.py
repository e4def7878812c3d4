"""``PoolState``: every decision the pool ever makes.

Rules of this file.

1. A verb that needs the time takes it as an argument. None may block, await, log, draw a random number, read a clock
   or look inside a connection.
2. A verb leaves the invariants of ``audit`` true. A shell calls verbs under its lock (threads) or on
   its one loop (asyncio), so each is atomic.
3. A grant is a change of state at the moment of assignment. There is no instant at which a connection
   is promised but not yet marked.
4. A verb never wakes, closes or reports: it appends to ``woken``, ``doomed`` and ``events``, and the
   shell settles those as soon as it has left the lock.

How a request is served. ``take`` is the fast path: the youngest idle connection, if still trusted.
Otherwise ``claim`` answers with a Slot, whose state says what is owed (LEASED: nothing, CHECKING: look
and probe, OPENING: dial), or with a Waiter. Whatever becomes of the claim, exactly one of ``opened``,
``open_failed``, ``passed``, ``failed`` or ``cancel`` ends it; after a failure the request may ask
``again``, and stands in the queue where its arrival puts it.

How an outage goes. A pool that had a connection before counts failed dials (``failures``). While that
is not zero, one dial at a time is allowed, none before ``retry_at``, and the first waiter is the one who
dials: it sleeps until ``wake_at``, and whoever is first when the first leaves is nudged to take over. A dial
that hangs does not hold up the others: from ``hung_at`` on the next is allowed beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import final

from ..errors import LeaseError, PoolClosed, PoolSaturated
from .policy import HUNG_DIAL, OVERLOAD_PAUSE, Instant, Limits, backoff, jittered
from .seats import Seats
from .slot import CHECKING, IDLE, LEASED, OPENING, SUSPECT, Slot
from .waiters import Queue, Waiter

__all__ = ["PoolState"]

INFINITY = float("inf")


@final
class PoolState(Seats):
    """Seats, requests and failures of one pool."""

    __slots__ = ("arrivals", "connected", "failures", "hung_at", "last_error", "retry_at", "waiters")

    def __init__(self, limits: Limits, make_slot: Callable[[int], Slot] = Slot) -> None:
        super().__init__(limits, make_slot)
        self.waiters = Queue()
        self.arrivals = 0
        #: Whether any dial ever succeeded: without that, retrying is hoping.
        self.connected = False
        self.failures = 0
        self.retry_at = 0.0
        self.hung_at = 0.0
        self.last_error: BaseException | None = None

    def give(self, slot: Slot, wall: float, mono: float) -> bool:
        """Take back a clean connection. Returns whether that left the shell something to settle.

        Raises:
            LeaseError: it is not out on lease.
        """
        if slot.state is not LEASED:
            raise LeaseError(
                "this connection was returned already; return a connection once, or use `with pool.connection()`"
            )
        if (
            slot.generation != self.generation
            or wall >= slot.expires_wall
            or mono >= slot.expires_mono
            or (self.max_uses < INFINITY and self._used_up(slot))
            or self.surplus
        ):
            self._retire(slot, self._spent(slot, wall, mono))
            return True
        slot.released_wall = wall
        slot.released_mono = mono
        window = self.trust_window
        if not slot.taken_at <= wall <= slot.taken_at + window:
            # Out for longer than trust lasts: the machine may have slept in the middle of the lease.
            slot.state = SUSPECT
            self.suspects.append(slot)
            if not self.waiters:
                return False
            self._serve(Instant(wall, mono))
            return True
        slot.good_until = wall + window
        if slot.good_until > slot.expires_wall:
            slot.good_until = slot.expires_wall
        if self.waiters:
            self._grant(self.waiters.next(), slot)
            if self.failures:
                self._nudge()
            return True
        slot.state = IDLE
        self.idle.append(slot)
        return False

    # -- claims ----------------------------------------------------------------------------------

    def claim(self, now: Instant) -> Slot | Waiter:
        """Ask for a connection.

        Raises:
            PoolClosed: the pool is closed.
            PoolSaturated: ``max_waiting`` requests wait already.
        """
        self._open_or_raise()
        self.arrivals += 1
        waiter = Waiter(self.arrivals)
        waiting = len(self.waiters)
        self.waiters.join(waiter)
        if not waiting:  # there is nothing for whoever comes behind others
            self._serve(now)
        # Some wait for no lease: a seat is theirs as soon as it is closed, or as the next dial is due.
        if (
            waiter.slot is None
            and waiting - max(0, self.max_size - self._living()) >= self.limits.max_waiting
        ):
            self.waiters.leave(waiter)
            raise PoolSaturated(
                f"{waiting} requests already wait for one of {self.max_size} connections "
                f"(max_waiting={self.limits.max_waiting}); answer 503 and let the client retry, "
                "or raise max_size or max_waiting"
            )
        return waiter.slot or waiter

    def again(self, slot: Slot, now: Instant) -> Slot | Waiter:
        """Ask once more for a request whose slot came to nothing; it keeps its place.

        Raises:
            PoolClosed: the pool is closed.
        """
        self._open_or_raise()
        waiter = Waiter(slot.place)
        self.waiters.rejoin(waiter)
        self._serve(now)
        return waiter.slot or waiter

    def wake_at(self, waiter: Waiter) -> float:
        """The monotonic time at which this waiter must look again by itself; ``inf`` if others wake it."""
        first = self._pausing() and waiter is self.waiters.head()
        waiter.alarm = self.dial_at() if first else INFINITY
        return waiter.alarm

    def woke(self, waiter: Waiter, now: Instant) -> Slot | Waiter:
        """What a waiter has after a sleep: its grant, a dial that it may now try, or still nothing."""
        self._open_or_raise()
        waiter.ready = False
        waiter.alarm = 0.0
        slot = waiter.slot
        if slot is None:
            self._serve(now)
        elif slot.state is LEASED:
            if slot.released_wall <= now.wall < slot.good_until:
                slot.taken_at = now.wall
            else:
                slot.state = CHECKING  # granted, and time passed before anybody noticed
        return waiter.slot or waiter

    def cancel(self, claim: Slot | Waiter, now: Instant) -> None:
        """Abandon a claim, wherever it stands: still queued, already granted, or half served."""
        if isinstance(claim, Waiter):
            self.waiters.leave(claim)
            slot = claim.slot
        else:
            slot = claim
        if slot is not None:
            if slot.state is OPENING:
                self._forget(slot)
            elif slot.state is LEASED or slot.state is CHECKING:
                self._put_back(slot, now)
        self._serve(now)

    # -- how a claim ends ------------------------------------------------------------------------

    def opened(self, slot: Slot, conn: object, now: Instant, u: float) -> None:
        """The dial succeeded; ``u`` in [0, 1) jitters the connection's lifetime."""
        lifetime = jittered(self.limits.max_lifetime, u)
        slot.conn = conn
        slot.expires_wall, slot.expires_mono = now.wall + lifetime, now.mono + lifetime
        self.opening -= 1
        self.connected = True
        self.failures = 0
        self.last_error = None
        self.counts["opened"] += 1
        self.events.append(("opened", ""))
        if self.closed:
            self._retire(slot, "closed")
            self._open_or_raise()
        self._earn(slot, now)
        self._serve(now)

    def open_failed(
        self, slot: Slot, error: BaseException, now: Instant, u: float, *, full: bool = False
    ) -> None:
        """The dial failed. ``full``: the server has no slot left, so leave it alone for longer."""
        self.last_error = error
        self.failures += 1
        self.retry_at = now.mono + (OVERLOAD_PAUSE * (0.5 + 0.5 * u) if full else backoff(self.failures, u))
        self.counts["open_failed"] += 1
        self.events.append(("open_failed", type(error).__name__))
        self._forget(slot)
        self._serve(now)

    def open_cut(self, slot: Slot, error: BaseException, now: Instant) -> None:
        """The dial was ended by its caller's own deadline: no sign of an outage."""
        self.last_error = error
        self.counts["open_failed"] += 1
        self.events.append(("open_failed", type(error).__name__))
        self._forget(slot)
        self._serve(now)

    def passed(self, slot: Slot, now: Instant) -> None:
        """The check succeeded: trust is earned again."""
        self.counts["checks"] += 1
        if self.closed:
            self._retire(slot, "closed")
            self._open_or_raise()
        self._earn(slot, now)

    def doubt(self, slot: Slot, now: Instant) -> None:
        """A look at a leased connection, not used yet, found something: check it, and trust no other."""
        self._distrust()
        slot.good_until = -INFINITY
        self._put_back(slot, now)
        self._serve(now)

    def gone(self, slot: Slot, now: Instant) -> None:
        """The shell has closed a doomed connection: its seat is free."""
        slot.conn = None
        self._leave(slot)
        self._serve(now)

    # -- the pool as a whole ---------------------------------------------------------------------

    def reserve(self, target: int, now: Instant) -> Slot | None:
        """A permit to open one more, for ``warm``, while fewer than ``target`` are open."""
        self._open_or_raise()
        if len(self.slots) < min(target, self.max_size) and self._may_dial(now):
            return self._let_dial(now)
        return None

    def dial_at(self) -> float:
        """In an outage: the monotonic time from which the next dial is allowed."""
        return max(self.retry_at, self.hung_at) if self.opening else self.retry_at

    def thaw(self, now: Instant, why: str, frozen_for: float = 0.0) -> None:
        """Time may have passed unseen, ``frozen_for`` of it on no clock: trust nothing that is open."""
        self._distrust()
        for slot in self.slots:
            if slot.state is LEASED:
                slot.taken_at = slot.good_until = -INFINITY
            slot.released_mono -= frozen_for
            slot.expires_mono -= frozen_for
        self.counts["thaws"] += 1
        self.events.append(("thawed", why))
        self._serve(now)

    def expire(self, now: Instant) -> int:
        """Retire every connection: idle ones now, others on return. Returns how many that concerns."""
        self.generation += 1
        count = self._living()
        self._retire_idle("expired")
        self._serve(now)
        return count

    def resize(self, max_size: int, now: Instant) -> None:
        """A new ``max_size``; a surplus closes, idle connections now, leased ones on return."""
        self.max_size = max_size
        while (self.suspects or self.idle) and self._living() > max_size:
            self._retire((self.suspects or self.idle).pop(0), "surplus")
        self.surplus = max(0, self._living() - max_size)
        self._serve(now)

    def shut(self) -> Waiter:
        """Close for good: nothing stays idle, every waiter is told, every return closes.

        Returns a waiter that becomes ready when the last slot is gone.
        """
        if not self.closed:
            self.closed = True
            self.generation += 1
            self._retire_idle("closed")
            while self.waiters:
                waiter = self.waiters.next()
                waiter.ready = True
                self.woken.append(waiter)
        closer = Waiter(0)
        self.closers.append(closer)
        return closer

    # -- inner steps -----------------------------------------------------------------------------

    def _open_or_raise(self) -> None:
        if self.closed:
            raise PoolClosed("the pool is closed; create a new one, or close it later")

    def _pick(self, now: Instant) -> Slot | None:
        """The best there is for one request: trusted, else suspect, else a permit to dial."""
        if self.idle:
            slot = self.take(now.wall)
            if slot is not None:
                return slot
            self._distrust()
            if self.trust_window:
                self.counts["thaws"] += 1
                self.events.append(("thawed", "gap"))
        while self.suspects:
            slot = self.suspects.pop()
            if reason := self._outlived(slot, now):
                self._retire(slot, reason)
            else:
                slot.state = CHECKING
                return slot
        if len(self.slots) < self.max_size and self._may_dial(now):
            return self._let_dial(now)
        return None

    def _may_dial(self, now: Instant) -> bool:
        return not self.failures or not self.connected or now.mono >= self.dial_at()

    def _let_dial(self, now: Instant) -> Slot:
        self.hung_at = now.mono + HUNG_DIAL
        return self._permit()

    def _grant(self, waiter: Waiter, slot: Slot) -> None:
        slot.place = waiter.place
        waiter.slot = slot
        waiter.ready = True
        if waiter.alarm:
            self.woken.append(waiter)

    def _serve(self, now: Instant) -> None:
        """Give the waiters, in order, what there is; then see that somebody will wake the first."""
        waiters = self.waiters
        while waiters:
            slot = self._pick(now)
            if slot is None:
                self._nudge()
                break
            self._grant(waiters.next(), slot)

    def _pausing(self) -> bool:
        """Somebody waits: is it because the next dial is due at ``dial_at()``? Then there is room."""
        return self.failures > 0 and len(self.slots) < self.max_size

    def _nudge(self) -> None:
        """In an outage the first waiter is the one who dials: see that it wakes in time."""
        if self._pausing():
            head = self.waiters.head()
            if head is not None and not head.ready and head.alarm > self.dial_at():
                head.ready = True
                self.woken.append(head)
