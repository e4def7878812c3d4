"""What does PoolMiddleware cost a request, without a server and without a query?

A fresh process calls a bare app, ASGI in one event loop or WSGI in one thread, and the same app with something around it,
in turns and in short blocks, so that what slows the machine slows both. The app answers with a head and a short body.
The pool has five warm connections, which each end of an invocation looks at. In the rows with *a lease* the wrapped app also
takes one of them and gives it back; the bare one never does.
"""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from ..contenders import SIZE, Address
from ..report import NOTHING, Bar, Chart, Table, Target, number
from ..sampling import Metrics, Results, Sample
from ..stage import Stage
from ._one_by_one import ASYNCIO, UVLOOP
from ._turns import BLOCKS, async_in_turns, in_turns

__all__ = ["HEADLINES", "NAME", "NOTES", "charts", "samples", "take", "tables", "targets"]

NAME = "middleware"
WSGI = "WSGI"
CASES = (ASYNCIO, UVLOOP, WSGI)
#: Each row, and what is around the app in it.
WITH_LEASE = "thawpool: PoolMiddleware, remaining, a lease"
FLOOR, CONTROL = "floor: a middleware that only calls", "control: the bare app"
ROWS: dict[str, dict[str, Any]] = {
    "thawpool: PoolMiddleware": {"middleware": True},
    "thawpool: PoolMiddleware, remaining": {"middleware": True, "remaining": 30.0},
    WITH_LEASE: {"middleware": True, "remaining": 30.0, "lease": True},
    FLOOR: {"floor": True},
    CONTROL: {},
}
OURS = tuple(row for row, task in ROWS.items() if "middleware" in task)
HEADLINES = tuple(f"a request's overhead, {case}: {WITH_LEASE}" for case in (ASYNCIO, WSGI))
NOTES = """
*more* is a request of the wrapped app less one of the bare app, block by block, and its median. With *remaining* each request
has a deadline. The floor is the least middleware that there can be: it calls the app and does nothing.
"""
SECONDS = 1.4
#: Microseconds that a request may take more.
MOST = 30.0


def samples() -> list[Sample]:
    return [
        Sample(case, row, SECONDS, {**task, "loop": case}) for case in CASES for row, task in ROWS.items()
    ]


def take(sample: Sample, stage: Stage) -> Metrics:
    task = {**sample.task, "address": stage.address("postgresql")}
    return stage.ask("bench.questions.middleware:measure", task)


# -- in the fresh process --------------------------------------------------------------------------


def measure(task: dict[str, Any]) -> Any:
    return _measure_wsgi(task) if task["loop"] == WSGI else _measure_asgi(task)


SCOPE: dict[str, Any] = {
    "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "path": "/api/users",
    "raw_path": b"/api/users", "query_string": b"", "headers": [(b"host", b"localhost")],
}  # fmt: skip
HEAD = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
BODY = {"type": "http.response.body", "body": b"{}"}


class Around:
    """The least middleware of an ASGI app."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


async def _measure_asgi(task: dict[str, Any]) -> Metrics:
    from thawpool import AsyncPool
    from thawpool.integrations.asgi import PoolMiddleware

    pool = AsyncPool(Address(*task["address"]).url("asyncpg"))

    async def bare(scope: Any, receive: Any, send: Any) -> None:
        await send(HEAD)
        await send(BODY)

    async def leasing(scope: Any, receive: Any, send: Any) -> None:
        async with pool.connection():
            pass
        await send(HEAD)
        await send(BODY)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        pass

    def loop(app: Any) -> Callable[[int], Awaitable[None]]:
        async def requests(count: int) -> None:
            for _ in range(count):
                await app(SCOPE, receive, send)

        return requests

    wrapped: Any = leasing if task.get("lease") else bare
    if "middleware" in task:
        wrapped = PoolMiddleware(wrapped, pool=pool, remaining=task.get("remaining"))
    elif "floor" in task:
        wrapped = Around(wrapped)
    async with pool:
        await pool.warm(SIZE)
        return _compared(await async_in_turns(task.get("turns", BLOCKS), loop(bare), loop(wrapped)))


def _measure_wsgi(task: dict[str, Any]) -> Metrics:
    from wsgiref.util import setup_testing_defaults

    from thawpool import Pool
    from thawpool.integrations.wsgi import PoolMiddleware

    pool = Pool(Address(*task["address"]).url())
    environ: dict[str, Any] = {}
    setup_testing_defaults(environ)

    def bare(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Length", "2")])
        return [b"{}"]

    def leasing(environ: Any, start_response: Any) -> Iterable[bytes]:
        with pool.connection():
            pass
        start_response("200 OK", [("Content-Length", "2")])
        return [b"{}"]

    def start_response(status: str, headers: Any, exc_info: Any = None) -> Callable[[bytes], object]:
        return print

    def loop(app: Any) -> Callable[[int], None]:
        """What a server does with a response: it sends each piece and closes."""

        def requests(count: int) -> None:
            for _ in range(count):
                body = app(environ, start_response)
                for _ in body:
                    pass
                if hasattr(body, "close"):
                    body.close()

        return requests

    wrapped: Any = leasing if task.get("lease") else bare
    if "middleware" in task:
        wrapped = PoolMiddleware(wrapped, pool=pool, remaining=task.get("remaining"))
    elif "floor" in task:
        app = wrapped
        wrapped = lambda environ, start_response: app(environ, start_response)  # noqa: E731
    with pool:
        pool.warm(SIZE)
        return _compared(in_turns(task.get("turns", BLOCKS), loop(bare), loop(wrapped)))


def _compared(blocks: Sequence[tuple[float, ...]]) -> Metrics:
    """Microseconds of a request."""
    return {
        "bare": statistics.median(bare for bare, _ in blocks) / 1e3,
        "wrapped": statistics.median(wrapped for _, wrapped in blocks) / 1e3,
        "more": statistics.median(wrapped - bare for bare, wrapped in blocks) / 1e3,
    }


# -- the report ------------------------------------------------------------------------------------


def tables(results: Results) -> list[Table]:
    head = ("around the app", "bare µs", "wrapped µs", "more µs", "min..max")
    return [
        Table(f"A request, {case}", head, [_row(results, case, row) for row in results.rows(case)])
        for case in results.cases()
    ]


def _row(results: Results, case: str, row: str) -> list[str]:
    more = results.spread(case, row, "more")
    if more is None:
        return [row, results.error(case, row) or NOTHING, "", "", ""]
    times = [results.spread(case, row, key) for key in ("bare", "wrapped")]
    cells = [number(each.median if each else None) for each in times]
    return [row, *cells, number(more.median), f"{number(more.low)}..{number(more.high)}"]


def targets(results: Results) -> list[Target]:
    return [_target(results, case, row) for case in CASES for row in OURS]


def _target(results: Results, case: str, row: str) -> Target:
    measure, wanted = f"a request's overhead, {case}: {row}", f"< {MOST:.0f} µs"
    more, control = results.spread(case, row, "more"), results.spread(case, CONTROL, "more")
    if more is None or control is None:
        return Target(measure, wanted, NOTHING, "not measured")
    return Target.judged(
        measure,
        wanted,
        f"{number(more.median)} µs ({number(more.low)}..{number(more.high)})",
        reached=more.median < MOST,
        margin=MOST - more.median,
        control=control.median,
        quiet=0.0,
    )


def charts(results: Results) -> list[Chart]:
    found = []
    for case in results.cases():
        spreads = [(row, results.spread(case, row, "more")) for row in results.rows(case)]
        bars = [Bar(row, s.median, s.low, s.high) for row, s in spreads if s is not None]
        found.append(Chart(f"middleware-{case.lower()}", f"A request's overhead, {case}", "µs", bars))
    return found
