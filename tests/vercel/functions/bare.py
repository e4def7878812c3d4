"""A function without a pool: what the host of these tests does to any function can be seen at it."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

# By its name, since types are checked on Python 3.11 too, for which it is not installed.
vercel: Any = import_module("vercel.functions")


async def app(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    if scope["type"] != "http":
        raise NotImplementedError
    deadline = vercel.get_deadline()
    body = {
        "path": scope["path"],
        "deadline": deadline and deadline.timestamp(),
        "wall": time.time(),
        "monotonic": time.monotonic(),
        "internal": [name for name in vercel.get_headers() or {} if "internal" in name],
        "greeting": os.environ.get("GREETING"),
    }
    print("served", scope["path"])
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})
    if scope["path"] == "/late":
        await asyncio.sleep(0.1)
