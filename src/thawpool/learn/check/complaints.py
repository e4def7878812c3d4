"""What the check says of a wrong answer: what it did, where, and what to do instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from .answer import Ended, Outcome, Place

__all__ = ["Complaint", "Wrong"]

_READS = '`Pool()` reads DATABASE_URL by itself; or say it: `Pool(os.environ["DATABASE_URL"], max_size=5)`.'
_QUERY = 'Write: `return pool.query("SELECT id, name, email FROM users ORDER BY id")`.'
_STAY = "A function instance serves many requests: return an answer, or raise an error, but never exit."
_LEASE = (
    "`pool.query(...)` gives back by itself, and so does `with pool.connection() as conn:`; "
    "after `getconn()`, `putconn()` belongs in a `finally`."
)
_FAILED = '`{"error": "Database connection failed"}`'


class Complaint(NamedTuple):
    """One thing that is wrong.

    Attributes:
        did: what the reader's code did, as it was seen.
        instead: what to do.
        place: the line that did it, if one did.
    """

    did: str
    instead: str
    place: Place | None = None


class Wrong(Exception):
    """The answer is wrong: carries the complaint to whoever shows it."""

    def __init__(self, complaint: Complaint) -> None:
        super().__init__(complaint.did)
        self.complaint = complaint


def _connections(count: int) -> str:
    return f"{count} connection" + ("" if count == 1 else "s")


# -- running at all ------------------------------------------------------------------------------


def ended(error: Ended, what: str, limit: float) -> Complaint:
    """The process did not live to tell."""
    if error.how == "time":
        did = f"{what} had not ended after {limit:g} s."
        return Complaint(
            did, "Is there a loop that never ends, or a sleep, or a wait for somebody?", error.place
        )
    did = f"{what} ended the whole process ({error.how})."
    if error.how.startswith("SIG"):
        return Complaint(
            did, "A signal did: something below Python broke, or the code sent it by itself.", error.place
        )
    return Complaint(did, _STAY, error.place)


def raised(outcome: Outcome, what: str) -> Complaint:
    """It raised an error that no other complaint explains."""
    kind, place = outcome.raised, outcome.place
    message = outcome.message.strip().split("\n")[0]
    if kind == "NotImplementedError":
        return Complaint(
            f"{what} is not written yet.", "Replace the line that raises NotImplementedError.", place
        )
    if kind in ("SystemExit", "KeyboardInterrupt"):
        did = f"{what} left the program ({kind})."
        return Complaint(did, _STAY, place)
    if kind == "EOFError" and "reading a line" in message:
        did = f"{what} asked the keyboard with input()."
        return Complaint(
            did, "Nobody sits at a server: take what you need from the request or the environment.", place
        )
    if kind in ("SyntaxError", "IndentationError", "TabError"):
        did = f"Python cannot read the file: {message}."
        return Complaint(
            did, "Mend that line, or the one before it: a bracket or a quote may be missing there.", place
        )
    if kind == "ModuleNotFoundError":
        return Complaint(
            f"{what} raised {kind}: {message}.",
            "Install it, or do without: the lesson needs only thawpool.",
            place,
        )
    return Complaint(f"{what} raised {kind}: {message}", "Mend that line and check again.", place)


# -- steps 1 and 2: the pool ---------------------------------------------------------------------


def no_pool() -> Complaint:
    return Complaint(
        "Importing the file made no pool.",
        "At module scope, outside of any function: `from thawpool import Pool`, then `pool = Pool(max_size=5)`.",
    )


def pool_in_function(name: str, calls: int, made: int, place: Place | None) -> Complaint:
    where = "" if place is None or place.function == name else f", in {place.function}()"
    did = f"{name}() makes a pool each time that it is called{where}: {calls} calls made {made} pools."
    return Complaint(
        did, "Make it once, at module scope: what is there stays from one request to the next.", place
    )


def pool_when_needed(name: str, place: Place | None) -> Complaint:
    did = f"Importing the file made no pool; the first call of {name}() did. Two first requests at once would make two."
    return Complaint(
        did, "Make it at module scope. It costs nothing there: the first query opens the connection.", place
    )


def pool_on_failure(name: str, place: Place | None) -> Complaint:
    did = f"With the database stopped, {name}() made another pool."
    return Complaint(
        did, "Keep the one that you have: it dials again by itself as soon as the database is back.", place
    )


def several_pools(places: Sequence[Place | None]) -> Complaint:
    lines = " and ".join(str(place.line) for place in places if place)
    did = f"Importing the file made {len(places)} pools, at lines {lines}: each has connections of its own."
    return Complaint(did, "One pool for one database: keep one, and use it everywhere.", places[-1])


def wrong_size(peak: int, requests: int, place: Place | None) -> Complaint:
    did = f"{requests} requests at once held {_connections(peak)} at the server, and the lesson allows 5."
    return Complaint(did, "Say so when you make the pool: `max_size=5`.", place)


def size_said(size: int, place: Place | None) -> Complaint:
    return Complaint(
        f"The pool is made for {size} connections, and the lesson allows 5.", "Say so: `max_size=5`.", place
    )


def another_database(to: str, wanted: str, place: Place | None) -> Complaint:
    did = f"The pool dialed {to}, while DATABASE_URL said {wanted}."
    return Complaint(did, f"Write no address into the code. {_READS}", place)


def old_database(place: Place | None) -> Complaint:
    did = "DATABASE_URL was changed to another database, and the pool still asked the old one."
    return Complaint(did, f"Write no address into the code. {_READS}", place)


def no_connection(place: Place | None) -> Complaint:
    did = "A query over the pool succeeded, and the server of DATABASE_URL saw no connection."
    return Complaint(did, _READS, place)


# -- steps 3 and 4: what a function leaves behind --------------------------------------------------


def missing(name: str) -> Complaint:
    return Complaint(f"The file has no function {name}.", f"Write it at module scope: `def {name}(...)`.")


def dial_per_call(
    name: str, calls: int, opened: int, place: Place | None, *, by_pool: bool, new_loop: bool
) -> Complaint:
    did = f"{calls} calls of {name}() opened {_connections(opened)} at the server; one would have done."
    if new_loop:
        did += " asyncio.run() makes a new event loop each time, and no connection survives its loop."
        return Complaint(
            did,
            "Write `async def` and `await`, and let the server run it; or take `Pool` in place of `AsyncPool`.",
            place,
        )
    if by_pool:
        return Complaint(
            did,
            "The pool may keep none: leave out `idle_timeout`, `max_lifetime`, `max_uses` and `keep`.",
            place,
        )
    return Complaint(did, "Ask the pool, which has one already: `pool.query(...)`.", place)


def pool_closed(name: str, place: Place | None) -> Complaint:
    did = f"{name}() closed the pool, so that the next call found none."
    return Complaint(did, "Leave it open, without `with pool:`: it closes by itself what is old.", place)


def not_given_back(name: str, place: Place | None) -> Complaint:
    did = f"{name}() has returned, and the connection that it took is still out on lease: it was never given back."
    return Complaint(did, _LEASE, place)


def lost(name: str, place: Place | None) -> Complaint:
    did = f"{name}() took a connection and forgot it; the pool had to close it when Python threw it away."
    return Complaint(did, _LEASE, place)


def not_given_back_on_error(name: str, place: Place | None) -> Complaint:
    did = f"When its query failed, {name}() did not give its connection back; only a query that works does."
    return Complaint(did, _LEASE, place)


def left_behind(name: str, place: Place | None) -> Complaint:
    did = f"{name}() has returned, and a connection of its own still has a transaction open: it holds a lock on users."
    return Complaint(did, "Ask the pool, which commits and gives back: `pool.query(...)`.", place)


def table_gone(name: str, place: Place | None) -> Complaint:
    did = f"{name}() was called, and there is no table users any more."
    return Complaint(did, f"Only read it. {_QUERY}", place)


def too_many_at_once(name: str, peak: int, requests: int, place: Place | None) -> Complaint:
    did = f"{requests} calls of {name}() at once held {_connections(peak)} at the server; the pool's limit is 5."
    return Complaint(
        did, "Ask the pool, and nothing else: then the sixth call waits for one to come back.", place
    )


def too_few_at_once(
    name: str, peak: int, requests: int, place: Place | None, *, blocks_loop: bool
) -> Complaint:
    did = f"{requests} calls of {name}() at once used {_connections(peak)}, where 5 are allowed."
    if blocks_loop:
        return Complaint(
            did,
            "`async def` over Pool stops the event loop at each query: take AsyncPool, and await it.",
            place,
        )
    return Complaint(
        did, "Ask the pool, and let calls run side by side: many threads and tasks may use it.", place
    )


def never_asked(name: str, place: Place | None) -> Complaint:
    return Complaint(f"{name}() answered without asking the database for the users.", _QUERY, place)


def not_rows(name: str, returned: dict[str, Any], place: Place | None) -> Complaint:
    kind = returned["type"]
    if kind == "NoneType":
        return Complaint(f"{name}() returned None.", f"Is `return` missing? {_QUERY}", place)
    if kind == "coroutine":
        did = f"{name}() returned a coroutine: the query has not run."
        return Complaint(
            did, "An AsyncPool is awaited: async def, and `return await pool.query(...)`.", place
        )
    items = returned.get("items")
    if kind not in ("list", "tuple") or items is None:
        return Complaint(f"{name}() returned something of type {kind}, not a list of rows.", _QUERY, place)
    if items and items[0]["type"] != "dict":
        did = f"{name}() returned rows of type {items[0]['type']}, not dicts."
        return Complaint(did, f"pool.query() makes dicts by itself. {_QUERY}", place)
    return Complaint(
        f"{name}() returned rows that are not the table's, in its order: {_rows(items)}.", _QUERY, place
    )


def _rows(items: Sequence[Any]) -> str:
    return f"{len(items)} of them, the first {items[0]['value']!r}" if items else "none at all"


# -- step 4: the route -----------------------------------------------------------------------------


def no_answer(name: str, returned: dict[str, Any], place: Place | None) -> Complaint:
    kind = returned["type"]
    if kind == "NoneType":
        return Complaint(
            f"{name}() returned None.",
            "Is `return` missing? The route returns status and body: `return 200, json_text`.",
            place,
        )
    if kind == "coroutine":
        did = f"{name}() returned a coroutine: it has not run."
        return Complaint(did, "Make it async def, and await what it calls.", place)
    if kind == "tuple":
        return Complaint(
            f"{name}() returned a tuple of {returned['length']}.",
            "Return two: the status and the body.",
            place,
        )
    return Complaint(
        f"{name}() returned something of type {kind}.",
        "Return status and body: `return 200, json_text`.",
        place,
    )


def wrong_status(name: str, status: Any, wanted: int, when: str, place: Place | None) -> Complaint:
    instead = (
        f"Return 500, and the JSON {_FAILED}." if wanted == 500 else "Return 200, and the users as JSON."
    )
    return Complaint(f"{when}, {name}() answered with status {status!r}, not {wanted}.", instead, place)


def not_json(name: str, kind: str, text: str | None, place: Place | None) -> Complaint:
    if text is None:
        did = f"The body that {name}() returned is of type {kind}, and no text."
    else:
        did = f"The body that {name}() returned is no JSON: {text[:60]!r}."
    instead = "Make it JSON: `json.dumps(users, default=thawpool.json_default)`."
    return Complaint(did, instead, place)


def not_the_users(name: str, place: Place | None) -> Complaint:
    did = f'The JSON that {name}() returned does not hold the users, as a list or under "users".'
    return Complaint(did, 'Write: `json.dumps({"users": get_users()})`.', place)


def wrong_error_body(name: str, text: str, place: Place | None) -> Complaint:
    did = f"With the database stopped, {name}() answered 500 with the body {text[:100]}"
    return Complaint(did, f"It is {_FAILED} and nothing more: the cause belongs in your log.", place)


def error_leaked(name: str, outcome: Outcome, *, of_driver: bool) -> Complaint:
    did = f"With the database stopped, {name}() raised {outcome.raised}: the caller gets no answer of yours."
    instead = f"Catch it, `except Unavailable:`, and return 500 and the JSON {_FAILED}."
    if of_driver:
        instead = (
            "Within a lease the driver's own errors come through: catch `psycopg.OperationalError` beside "
            "`Unavailable`, or ask with `pool.query(...)`."
        )
    return Complaint(did, instead, outcome.place)


def not_recovered(name: str, what: str, place: Place | None) -> Complaint:
    did = f"The database was stopped and started again, and {name}() {what}."
    return Complaint(
        did, "Keep nothing of a failure: ask the pool anew at each request; it dials again by itself.", place
    )
