"""One run of the reader's file, and the questions that the steps ask of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

import thawpool

from . import complaints
from .answer import Answer, Ended, Outcome, Place
from .complaints import Complaint, Wrong
from .server import USERS, Database, Held

__all__ = ["CALLS", "CROWD", "LIMIT", "POOL", "Trial"]

#: How many requests come one after another, and how many at once; and how many connections they may hold.
CALLS, CROWD = 6, 20
LIMIT = 5
#: The checker's own query over the reader's pool.
POOL = "(pool)"
#: Seconds that a request has left, and one that finds the database away.
_REMAINING, _SHORT = 4.0, 1.0
#: Seconds that are waited for a crowd which does not come.
_PATIENCE = 2.0

#: Looks at what a function returned, and raises ``Wrong`` if it is not what it should be.
Judge = Callable[[str, Any], None]


class Trial:
    """One process of the answer, with the questions that the steps ask of it; a wrong reply raises ``Wrong``."""

    def __init__(self, answer: Answer, database: Database, limit: float) -> None:
        self.answer = answer
        self._database = database
        self._limit = limit
        self._pools = 0
        self.pool_place: Place | None = None

    def load(self) -> None:
        with self._alive("Importing the file"):
            outcome = self.answer.load()
            if outcome.raised:
                raise Wrong(complaints.raised(outcome, "Importing the file"))
            pools = self.answer.look()["pools"]
            self._functions = self.answer.functions()
        self._pools = len(pools)
        if pools:
            self.pool_place = Place.of(pools[0]["place"])

    def one_pool(self) -> None:
        """That importing made one, and only one."""
        if self._pools > 1:
            places = [Place.of(pool["place"]) for pool in self.answer.look()["pools"]]
            raise Wrong(complaints.several_pools(places))
        if self._pools == 0:
            for name in ("handler", "get_users"):
                if name in self._functions and self._call(name).raised != "NotImplementedError":
                    self._made_no_pool(name)
            raise Wrong(complaints.no_pool())

    def stray_dial(self) -> str | None:
        """Ask over the one pool: the address of another database than the lesson's, if that was dialed."""
        self.one_pool()
        outcome = self._call(POOL)
        strays = [dial["to"] for dial in self.answer.look()["dials"] if not dial["allowed"]]
        if strays:
            return str(strays[0])
        if outcome.raised:
            outcome = outcome._replace(place=outcome.place or self.pool_place)
            raise Wrong(complaints.raised(outcome, _said(POOL)))
        return None

    def lasts(self, name: str, judge: Judge) -> None:
        """That it answers well, one call after another and many at once, and leaves the pool as it was."""
        if name not in self._functions:
            raise Wrong(complaints.missing(name))
        place = self._line_of(name)
        before = self._database.opened()
        for _ in range(CALLS):
            outcome = self._call(name)
            self._made_no_pool(name)
            self._asked_no_stranger()
            if outcome.raised:
                if closings := self.answer.look()["closings"]:
                    raise Wrong(complaints.pool_closed(name, Place.of(closings[0]) or place))
                raise Wrong(complaints.raised(outcome._replace(place=outcome.place or place), f"{name}()"))
            self._gave_back(name)
            judge(name, outcome.returned)
        opened = self._database.opened() - before
        if opened > 1:
            raise Wrong(self._dialed_often(name, opened))
        peak = self.crowd(name, judge)
        if peak == 0:
            raise Wrong(complaints.never_asked(name, place))
        if peak > LIMIT:
            raise Wrong(complaints.too_many_at_once(name, peak, CROWD, self._dialed_by_reader() or place))
        if peak < LIMIT:
            kinds = [pool["async"] for pool in self.answer.look()["pools"]]
            blocks = self._functions[name]["async"] and not any(kinds)
            raise Wrong(complaints.too_few_at_once(name, peak, CROWD, place, blocks_loop=blocks))

    def crowd(self, name: str, judge: Judge | None = None) -> int:
        """Many calls at once, held at the table until all are there: the connections that the server counted."""
        with self._alive(_said(name)):
            with self._table_in_reach(name), self._database.held() as held:
                self.answer.burst(name, CROWD, _REMAINING)
                peak = self._all_there(held)
            outcomes = self.answer.gather()
        for outcome in outcomes:
            if outcome.raised:
                raise Wrong(complaints.raised(outcome, f"{_said(name)}, called {CROWD} times at once,"))
            if judge is not None:
                judge(name, outcome.returned)
        if name != POOL:
            self._gave_back(name)
        return peak

    def _all_there(self, held: Held) -> int:
        """Wait until every call waits at the table or for the pool; or until no more come."""
        peak = 0
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            connections, blocked = held.counted()
            peak = max(peak, connections)
            look = self.answer.look()
            if blocked + look["waiting"] + look["finished"] >= CROWD:
                break
            held.pause()
        return peak

    def gives_back_on_error(self, name: str) -> None:
        """That a query which fails costs no connection."""
        with self._table_in_reach(name), self._database.without_users():
            self._call(name)
        look = self.answer.look()
        if look["used"] or look["lost"]:
            raise Wrong(complaints.not_given_back_on_error(name, self._taken(look)))

    # -- rows and answers ------------------------------------------------------------------------

    def are_users(self, name: str, returned: Any) -> None:
        items = returned.get("items")
        if items is None or [item.get("value") for item in items] != USERS:
            raise Wrong(complaints.not_rows(name, returned, self._line_of(name)))

    def is_answer(self, name: str, returned: Any, when: str = "With the database there") -> None:
        status, body = self._parts(name, returned)
        place = self._line_of(name)
        if status != 200:
            raise Wrong(complaints.wrong_status(name, status, 200, when, place))
        content = self._json(name, body)
        users = content.get("users") if isinstance(content, dict) else content
        if users != USERS:
            raise Wrong(complaints.not_the_users(name, place))

    def fails_well(self, name: str) -> None:
        """That it answers with the lesson's JSON while the database is away."""
        outcome = self._call(name, _SHORT)
        if outcome.raised:
            of_driver = not hasattr(thawpool.errors, outcome.raised)
            raise Wrong(complaints.error_leaked(name, outcome, of_driver=of_driver))
        if later := self._pools_now()[self._pools :]:
            raise Wrong(complaints.pool_on_failure(name, Place.of(later[0]["place"])))
        status, body = self._parts(name, outcome.returned)
        place = self._line_of(name)
        if status != 500:
            raise Wrong(complaints.wrong_status(name, status, 500, "With the database stopped", place))
        if self._json(name, body) != {"error": "Database connection failed"}:
            raise Wrong(complaints.wrong_error_body(name, str(body["value"]), place))

    def recovers(self, name: str) -> None:
        outcome = self._call(name)
        place = self._line_of(name)
        if outcome.raised:
            raise Wrong(complaints.not_recovered(name, f"raised {outcome.raised}", outcome.place or place))
        status, _ = self._parts(name, outcome.returned)
        if status != 200:
            raise Wrong(complaints.not_recovered(name, f"still answers {status!r}", place))
        self.is_answer(name, outcome.returned)
        self._gave_back(name)

    def _parts(self, name: str, returned: Any) -> tuple[Any, Any]:
        """Status and body of what a handler returned: a pair, or three with headers."""
        items = returned.get("items", [])
        if returned["type"] != "tuple" or len(items) not in (2, 3):
            raise Wrong(complaints.no_answer(name, returned, self._line_of(name)))
        status = items[0].get("value", items[0]["type"])
        return status, items[1]

    def _json(self, name: str, body: Any) -> Any:
        place = self._line_of(name)
        if body["type"] not in ("str", "bytes", "bytearray"):
            raise Wrong(complaints.not_json(name, body["type"], None, place))
        try:
            return json.loads(body["value"])
        except ValueError:
            raise Wrong(complaints.not_json(name, body["type"], body["value"], place)) from None

    # -- what was left behind --------------------------------------------------------------------

    def _made_no_pool(self, name: str) -> None:
        """After the first call: that importing made all the pools there are."""
        if len(self._pools_now()) == self._pools:
            return
        calls = 3  # once may be a pool that is made when it is first needed; three times is not
        for _ in range(1, calls):
            self._call(name)
        later = self._pools_now()[self._pools :]
        place = Place.of(later[0]["place"])
        if len(later) == 1:
            raise Wrong(complaints.pool_when_needed(name, place))
        raise Wrong(complaints.pool_in_function(name, calls, len(later), place))

    def _pools_now(self) -> list[Any]:
        pools: list[Any] = self.answer.look()["pools"]
        return pools

    def _asked_no_stranger(self) -> None:
        look = self.answer.look()
        for dial in look["dials"]:
            if not dial["allowed"]:
                place = self.pool_place if self._pools else Place.of(dial["place"])
                raise Wrong(complaints.another_database(dial["to"], self._database.address, place))

    def _gave_back(self, name: str) -> None:
        look = self.answer.look()
        if look["used"]:
            raise Wrong(complaints.not_given_back(name, self._taken(look) or self._line_of(name)))
        if look["lost"]:
            raise Wrong(complaints.lost(name, self._taken(look) or self._line_of(name)))

    def _taken(self, look: Any) -> Place | None:
        """Where the connection was taken that is still out: the pool's own warning tells."""
        for warning in look["warnings"]:
            _, found, after = warning.partition(f"{self.answer.file}:")
            if found:
                line, _, function = after.partition(" in ")
                return Place(int(line), function.split()[0].rstrip(",;"))
        return None

    def _dialed_often(self, name: str, opened: int) -> Complaint:
        look = self.answer.look()
        own = self._dialed_by_reader()
        loops = any(pool["async"] for pool in look["pools"]) and not self._functions[name]["async"]
        place = own or (self._line_of(name) if loops else self.pool_place)
        return complaints.dial_per_call(
            name, CALLS, opened, place, by_pool=own is None, new_loop=own is None and loops
        )

    def _dialed_by_reader(self) -> Place | None:
        """The line of the file that opened a connection without a pool, if one did."""
        for dial in self.answer.look()["dials"]:
            if dial["direct"] and dial["place"]:
                return Place.of(dial["place"])
        return None

    def _line_of(self, name: str) -> Place | None:
        function = self._functions.get(name)
        return None if function is None or function["line"] is None else Place(function["line"], name)

    def _call(self, name: str, remaining: float = _REMAINING) -> Outcome:
        with self._alive(_said(name)):
            return self.answer.call(name, remaining)

    @contextmanager
    def _table_in_reach(self, name: str) -> Iterator[None]:
        """The check works on ``users`` itself: what the answer did may be in its way."""
        try:
            yield
        except psycopg.errors.LockNotAvailable:
            raise Wrong(complaints.left_behind(name, self._line_of(name))) from None
        except psycopg.errors.UndefinedTable:
            raise Wrong(complaints.table_gone(name, self._line_of(name))) from None

    @contextmanager
    def _alive(self, what: str) -> Iterator[None]:
        try:
            yield
        except Ended as error:
            raise Wrong(complaints.ended(error, what, self._limit)) from None


def _said(name: str) -> str:
    """What is called by this name, in words."""
    return "A query over the pool" if name == POOL else f"{name}()"
