"""An ASGI app with one ``AsyncPool``. What it does when asked is what ``verbs.py`` does for threads."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any
from urllib.parse import parse_qs

from starlette.responses import StreamingResponse
from tests.vercel.functions.settings import OPTIONS, PID, SLEEP

from thawpool import AsyncPool
from thawpool.integrations.asgi import JSONResponse, PoolMiddleware, Receive, Scope, Send

pool = AsyncPool(**OPTIONS)
leaked: list[Any] = []
tasks: list[asyncio.Task[None]] = []


async def warm(seconds: float) -> Any:
    return await pool.warm(5)


async def pid(seconds: float) -> Any:
    return {"thread": threading.current_thread().name, **(await pool.query_one(PID) or {})}


async def sleep(seconds: float) -> Any:
    return await pool.query_one(SLEEP, (seconds,))


async def hurry(seconds: float) -> Any:
    return await pool.query_one(SLEEP, (20,), timeout=seconds)


async def hold(seconds: float) -> Any:
    async with pool.connection():
        await asyncio.sleep(seconds)


async def behind(seconds: float) -> Any:
    taken = asyncio.Event()

    async def work() -> None:
        async with pool.connection():
            taken.set()
            await asyncio.sleep(seconds)

    tasks.append(asyncio.create_task(work()))
    await taken.wait()


async def fail(seconds: float) -> Any:
    async with pool.transaction():
        raise LookupError("a mistake of the function's own")


async def leak(seconds: float) -> Any:
    leaked.append(await pool.getconn())


async def nest(seconds: float) -> Any:
    """A mistake: a loop inside of a loop."""
    query = pool.query_one(PID)
    try:
        return asyncio.run(query)
    finally:
        query.close()


async def stats(seconds: float) -> Any:
    return pool.stats()._asdict()


async def pieces(seconds: float) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    async with pool.transaction() as tx:
        while loop.time() < end:
            yield f"{json.dumps(await tx.query_one(PID))}\n".encode()
            await tx.query(SLEEP, (0.01,))


VERBS: dict[str, Callable[[float], Coroutine[Any, Any, Any]]] = {
    f"/{verb.__name__}": verb for verb in (warm, pid, sleep, hurry, hold, behind, fail, leak, nest, stats)
}


async def route(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        raise NotImplementedError
    seconds = float(parse_qs(scope["query_string"].decode()).get("s", ["0"])[0])
    if scope["path"] == "/pieces":
        await StreamingResponse(pieces(seconds))(scope, receive, send)
    else:
        await JSONResponse(await VERBS[scope["path"]](seconds))(scope, receive, send)


app = PoolMiddleware(route, pool=pool)
