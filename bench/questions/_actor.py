"""A contender in a process of its own that obeys, for the questions about faults.

Orders are lines of JSON on its input, answers are lines on its output; ``_company`` has the other end. A
process can hold several pools at once, each with a name, so that what only waits can wait together.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import queue
import statistics
import sys
import threading
from collections.abc import Coroutine
from time import monotonic
from typing import Any

from ..contenders import EVERY, Address, AsyncContender, SyncContender

__all__ = ["SQL", "obey"]

SQL = "SELECT 1"
#: What a worker does between requests, and after an error, in seconds.
THINK, SLEEP = 0.02, 0.05

Order = dict[str, Any]


def obey(task: dict[str, Any]) -> Coroutine[Any, Any, None] | None:
    """Serve orders until the input ends, then end the process."""
    if EVERY[task["contender"]].is_async:
        return _obey_async(task)
    pools: dict[str, queue.Queue[Order]] = {}
    _tell({"ready": True})
    for line in sys.stdin:
        order = json.loads(line)
        if order["pool"] not in pools:
            orders = pools[order["pool"]] = queue.Queue()
            threading.Thread(target=_serve, args=(Acts(task), orders), daemon=True).start()
        pools[order["pool"]].put(order)
    os._exit(0)


def _serve(acts: Acts, orders: queue.Queue[Order]) -> None:
    while True:
        order = orders.get()
        try:
            answer = getattr(acts, order["do"])(order)
        except Exception as error:
            answer = {"error": _named(error)}
        _answer(order, answer)


async def _obey_async(task: dict[str, Any]) -> None:
    pools: dict[str, asyncio.Queue[Order]] = {}
    loop = asyncio.get_running_loop()
    incoming: asyncio.Queue[str] = asyncio.Queue()

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(incoming.put_nowait, line)
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    _tell({"ready": True})
    serving = []
    while True:
        order = json.loads(await incoming.get())
        if order["pool"] not in pools:
            orders = pools[order["pool"]] = asyncio.Queue()
            serving.append(asyncio.create_task(_serve_async(AsyncActs(task), orders)))
        pools[order["pool"]].put_nowait(order)


async def _serve_async(acts: AsyncActs, orders: asyncio.Queue[Order]) -> None:
    while True:
        order = await orders.get()
        try:
            answer = await getattr(acts, order["do"])(order)
        except Exception as error:
            answer = {"error": _named(error)}
        _answer(order, answer)


class Acts:
    """What a pool for threads can be told to do. ``AsyncActs`` is the same for asyncio."""

    def __init__(self, task: dict[str, Any]) -> None:
        self.task = task

    def open(self, order: Order) -> dict[str, Any]:
        self.pool: SyncContender = _made(self.task, order)
        self.pool.open()
        return {}

    def touch(self, order: Order) -> dict[str, Any]:
        """Use every connection once, so that all are open and warm."""
        leases = [self.pool.connection() for _ in range(self.pool.size)]
        conns = [lease.__enter__() for lease in leases]
        for conn in conns:
            self.pool.rows(conn, SQL)
        for lease in leases:
            lease.__exit__(None, None, None)
        self.touched = monotonic()
        return {}

    def requests(self, order: Order) -> dict[str, Any]:
        """Requests one after the other, each told of as it ends."""
        idle = monotonic() - self.touched
        for _ in range(order["count"]):
            start, error = monotonic(), None
            try:
                self.pool.request(SQL)
            except Exception as failed:
                error = _named(failed)
            _answer(order, {"request": error, "seconds": monotonic() - start})
            if error is None and order.get("until_answered"):
                break
        return {"idle": idle}

    def dial(self, order: Order) -> dict[str, Any]:
        """What a connection of the driver's own and its first answer take."""
        times = []
        for _ in range(order["count"]):
            start = monotonic()
            conn = self.pool.raw()
            self.pool.raw_rows(conn, SQL)
            times.append(monotonic() - start)
            conn.close()
        return _dials(times)

    def close(self, order: Order) -> dict[str, Any]:
        self.pool.close()
        return {}

    def load(self, order: Order) -> dict[str, Any]:
        """Start workers; they go on until ``halt``."""
        self.log = Log(order["workers"], self.task)
        for worker in range(order["workers"]):
            threading.Thread(target=self._work, args=(worker,), daemon=True).start()
        return {}

    def _work(self, worker: int) -> None:
        log = self.log
        pause = threading.Event()  # never set: a sleep
        while not log.over:
            log.begin(worker)
            try:
                if log.leases:
                    with self.pool.connection() as conn:
                        log.send(worker)
                        self.pool.rows(conn, SQL)
                else:
                    self.pool.request(SQL)
            except Exception as error:
                log.end(worker, _named(error))
                pause.wait(SLEEP)
            else:
                log.end(worker, None)
                pause.wait(THINK)

    def halt(self, order: Order) -> dict[str, Any]:
        return self.log.answer()


class AsyncActs:
    def __init__(self, task: dict[str, Any]) -> None:
        self.task = task

    async def open(self, order: Order) -> dict[str, Any]:
        self.pool: AsyncContender = _made(self.task, order)
        await self.pool.open()
        return {}

    async def touch(self, order: Order) -> dict[str, Any]:
        leases = [self.pool.connection() for _ in range(self.pool.size)]
        conns = [await lease.__aenter__() for lease in leases]
        for conn in conns:
            await self.pool.rows(conn, SQL)
        for lease in leases:
            await lease.__aexit__(None, None, None)
        self.touched = monotonic()
        return {}

    async def requests(self, order: Order) -> dict[str, Any]:
        idle = monotonic() - self.touched
        for _ in range(order["count"]):
            start, error = monotonic(), None
            try:
                await self.pool.request(SQL)
            except Exception as failed:
                error = _named(failed)
            _answer(order, {"request": error, "seconds": monotonic() - start})
            if error is None and order.get("until_answered"):
                break
        return {"idle": idle}

    async def dial(self, order: Order) -> dict[str, Any]:
        times = []
        for _ in range(order["count"]):
            start = monotonic()
            conn = await self.pool.raw()
            await self.pool.raw_rows(conn, SQL)
            times.append(monotonic() - start)
            closed = conn.close()
            if inspect.isawaitable(closed):
                await closed
        return _dials(times)

    async def close(self, order: Order) -> dict[str, Any]:
        await self.pool.close()
        return {}

    async def load(self, order: Order) -> dict[str, Any]:
        self.log = Log(order["workers"], self.task)
        self.workers = [asyncio.create_task(self._work(worker)) for worker in range(order["workers"])]
        return {}

    async def _work(self, worker: int) -> None:
        log = self.log
        while not log.over:
            log.begin(worker)
            try:
                if log.leases:
                    async with self.pool.connection() as conn:
                        log.send(worker)
                        await self.pool.rows(conn, SQL)
                else:
                    await self.pool.request(SQL)
            except Exception as error:
                log.end(worker, _named(error))
                await asyncio.sleep(SLEEP)
            else:
                log.end(worker, None)
                await asyncio.sleep(THINK)

    async def halt(self, order: Order) -> dict[str, Any]:
        return self.log.answer()


class Log:
    """Each request of a load: when it began, when its statement was sent, when it ended, and with which error."""

    def __init__(self, workers: int, task: dict[str, Any]) -> None:
        #: Whether a lease can be told from its statement. Where it cannot, a request counts as sent when it begins.
        self.leases = not task["contender"].endswith("query()")
        self.over = False
        self.now: list[list[float | None]] = [[None, None] for _ in range(workers)]
        self.ended: list[tuple[Any, ...]] = []

    def begin(self, worker: int) -> None:
        start = monotonic()
        self.now[worker] = [start, None if self.leases else start]

    def send(self, worker: int) -> None:
        self.now[worker][1] = monotonic()

    def end(self, worker: int, error: str | None) -> None:
        self.ended.append((*self.now[worker], monotonic(), error))
        self.now[worker] = [None, None]

    def answer(self) -> dict[str, Any]:
        self.over = True
        open_now = [start for start, _ in self.now if start is not None]
        return {"ended": list(self.ended), "open": open_now, "now": monotonic()}


def _dials(times: list[float]) -> dict[str, Any]:
    """The median; and as a control, how far one dial is from the others."""
    return {"seconds": statistics.median(times), "control": times[-1] - statistics.median(times[:-1])}


def _made(task: dict[str, Any], order: Order) -> Any:
    return EVERY[task["contender"]](Address(*order["address"]), task["setting"], order["size"])


def _named(error: BaseException) -> str:
    number = error.args[0] if error.args and isinstance(error.args[0], int) else None
    return type(error).__name__ + (f" {number}" if number is not None else "")


def _answer(order: Order, answer: dict[str, Any]) -> None:
    _tell({"pool": order["pool"], "did": order["do"], **answer})


def _tell(answer: dict[str, Any]) -> None:
    """One write for each line: threads do not mix theirs."""
    data = (json.dumps(answer) + "\n").encode()
    with _telling:
        while data:
            data = data[os.write(1, data) :]


_telling = threading.Lock()
