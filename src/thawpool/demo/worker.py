"""The process that runs the function: ``python -m thawpool.demo.worker FD``.

It serves the function, and the demo's own routes beside it, on the listening socket that it inherits, and
ends with its parent: standard input is a pipe whose other end only the supervisor holds.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from . import function, mistakes
from .function import pool, waits


async def stats(request: Request) -> Response:
    """The pool in numbers, and the waits since the last time that this was asked."""
    fresh = list(waits.seconds)
    waits.seconds.clear()
    return JSONResponse({"pool": pool.stats()._asdict(), "waits": fresh})


async def warm(request: Request) -> Response:
    return JSONResponse({"opened": await pool.warm(pool.stats().max_size)})


def _die_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def main(fd: int) -> None:
    threading.Thread(target=_die_with_parent, daemon=True).start()
    # The page shows what fails. A storm without its database would fill the terminal with it.
    logging.getLogger("thawpool").setLevel(logging.CRITICAL)
    # Around the function and not in it: to look at the pool is no request of the function's, at whose end it lies down.
    both = Starlette(
        routes=[
            Route("/demo/stats", stats),
            Route("/demo/warm", warm),
            *mistakes.routes,
            Mount("/", function.app),
        ]
    )
    config = uvicorn.Config(both, lifespan="off", access_log=False, log_level="warning")
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=fd)])


if __name__ == "__main__":
    main(int(sys.argv[1]))
