"""Each step's judgement: what the answer must have done, seen by running it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

import thawpool

from . import complaints
from .answer import Answer, Ended, Outcome, Place
from .complaints import Complaint, Wrong
from .server import USERS, Database, Server

__all__ = ["STEPS", "Check", "Verdict"]

#: How many requests come one after another, and how many at once.
CALLS, CROWD = 6, 20
LIMIT = 5
#: The checker's own query over the reader's pool.
POOL = "(pool)"
#: Seconds that a request has left, and one that finds the database away.
_REMAINING, _SHORT = 3.0, 1.0
_SEEN = f"{CALLS} calls in a row used 1 connection, {CROWD} at once {LIMIT}, and all were given back."


class Verdict(NamedTuple):
    """What is wrong, or None; and what was seen of a right answer."""

    complaint: Complaint | None
    seen: str


class Check:
    """Judges one file.

    Args:
        file: what the reader wrote.
        server: the running server of the lesson.
        limit: seconds that any one act of the file may take.
    """

    def __init__(self, file: Path, server: Server, *, limit: float = 5.0) -> None:
        self._file = file
        self._server = server
        self._limit = limit
        #: What the file itself printed, last time it ran.
        self.printed = ""

    def step(self, number: int) -> Verdict:
        """Whether the answer to this step is right."""
        try:
            return Verdict(None, STEPS[number - 1](self))
        except Wrong as wrong:
            return Verdict(wrong.complaint, "")

    @contextmanager
    def _running(self, database: int = 0) -> Iterator[Run]:
        """The file, loaded, with DATABASE_URL set to one of the server's databases."""
        home = self._server.databases[database]
        home.fill()
        with Answer(self._file, home.url, self._server, self._limit) as answer:
            run = Run(answer, home, self._limit)
            try:
                run.load()
                yield run
            finally:
                self.printed = answer.printed()

    # -- the steps -------------------------------------------------------------------------------

    def pool(self) -> str:
        """One pool, at module scope, that holds 5 connections at most."""
        with self._running() as run:
            run.one_pool()
            stray = run.stray_dial(POOL)
            if stray is None:
                peak = run.crowd(POOL)
                if peak != LIMIT:
                    raise Wrong(complaints.wrong_size(peak, CROWD, run.pool_place))
                return f"{CROWD} queries at once held {peak} connections at the server."
            # It asks another database than the lesson's, which is step 2's matter: here its own word counts.
            if (size := run.answer.look()["max_size"]) != LIMIT:
                raise Wrong(complaints.size_said(size, run.pool_place))
            return f"It is made for {size} connections. It asks {stray}, of which step 2 has more to say."

    def url(self) -> str:
        """The pool asks the database that DATABASE_URL names, and another if it names another."""
        first, moved = self._server.databases
        for number, database in enumerate((first, moved)):
            with self._running(number) as run:
                before = [each.opened() for each in (first, moved)]
                if stray := run.stray_dial(POOL):
                    raise Wrong(complaints.another_database(stray, database.address, run.pool_place))
                after = [each.opened() for each in (first, moved)]
                if number == 1 and after[0] > before[0]:
                    raise Wrong(complaints.old_database(run.pool_place))
                if after[number] == before[number]:
                    raise Wrong(complaints.no_connection(run.pool_place))
        return "DATABASE_URL was changed to another database, and the pool followed."

    def query(self) -> str:
        """get_users() answers with the rows, over one pool that outlives it, and gives back what it takes."""
        with self._running() as run:
            run.lasts("get_users", run.are_users)
            run.gives_back_on_error("get_users")
        return f"{_SEEN} A query that failed cost none."

    def route(self) -> str:
        """handler() answers 200 with the users, and 500 while the database is away."""
        with self._running() as run:
            run.lasts("handler", run.is_answer)
            self._server.stop()
            try:
                run.fails_well("handler")
            finally:
                self._server.start()
            run.recovers("handler")
        return f"{_SEEN} With the database stopped it answered 500, and 200 as soon as it was back."


STEPS = (Check.pool, Check.url, Check.query, Check.route)


class Run:
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

    def stray_dial(self, name: str) -> str | None:
        """Call it: the address of another database than the lesson's, if it dialed one."""
        if name == POOL:
            self.one_pool()
        outcome = self._call(name)
        strays = [dial["to"] for dial in self.answer.look()["dials"] if not dial["allowed"]]
        if strays:
            return str(strays[0])
        if outcome.raised:
            outcome = outcome._replace(place=outcome.place or self.pool_place)
            raise Wrong(complaints.raised(outcome, "A query over the pool" if name == POOL else f"{name}()"))
        return None

    def lasts(self, name: str, judge: Any) -> None:
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

    def crowd(self, name: str, judge: Any = None) -> int:
        """Many calls at once, held at the table until all are there: the connections that the server counted."""
        with self._alive(f"{name}()" if name != POOL else "A query over the pool"):
            try:
                with self._database.held() as held:
                    self.answer.burst(name, CROWD, _REMAINING)
                    peak = self._all_there(held)
            except psycopg.errors.LockNotAvailable:
                raise Wrong(complaints.left_behind(name, self._line_of(name))) from None
            outcomes = self.answer.gather()
        for outcome in outcomes:
            if outcome.raised:
                what = (
                    f"One of {CROWD} calls of {name}() at once" if name != POOL else "A query over the pool"
                )
                raise Wrong(complaints.raised(outcome, what))
            if judge is not None:
                judge(name, outcome.returned)
        if name != POOL:
            self._gave_back(name)
        return peak

    def _all_there(self, held: Any) -> int:
        """Wait until every call waits at the table or for the pool; or until no more come."""
        peak = rounds = 0
        while rounds < 150:
            connections, blocked = held.counted()
            peak = max(peak, connections)
            look = self.answer.look()
            if blocked + look["waiting"] + look["finished"] >= CROWD:
                break
            rounds += 1
            held.pause()
        return int(peak)

    def gives_back_on_error(self, name: str) -> None:
        """That a query which fails costs no connection."""
        with self._database.without_users():
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
        calls = 3
        for _ in range(
            1, calls
        ):  # once may be a pool that is made when it is first needed; three times is not
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
        return None if function is None else Place(function["line"], name)

    def _call(self, name: str, remaining: float = _REMAINING) -> Outcome:
        with self._alive(f"{name}()" if name != POOL else "A query over the pool"):
            return self.answer.call(name, remaining)

    @contextmanager
    def _alive(self, what: str) -> Iterator[None]:
        try:
            yield
        except Ended as error:
            raise Wrong(complaints.ended(error, what, self._limit)) from None
