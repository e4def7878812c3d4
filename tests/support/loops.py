"""The flavours of pool over the event loops: asyncio's own and uvloop."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
import uvloop
from tests.api.flavours import Flavour

__all__ = ["ASYNC_LOOPS", "LOOPS", "LoopFlavour"]

_ASYNC = ("psycopg", "asyncpg", "psycopg-uvloop", "asyncpg-uvloop")
#: Every flavour, and the two of asyncio once more over uvloop; and those four alone.
LOOPS = pytest.mark.parametrize("flavour", ["threads", *_ASYNC], indirect=True)
ASYNC_LOOPS = pytest.mark.parametrize("flavour", _ASYNC, indirect=True)


class LoopFlavour(Flavour):
    """A flavour whose name may end in ``-uvloop``."""

    def __init__(self, name: str) -> None:
        driver, _, self.loop = name.partition("-")
        super().__init__(driver)

    def run(self, test: Coroutine[Any, Any, None]) -> None:
        if not self.loop:
            super().run(test)
            return
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            try:
                runner.run(test)
            finally:
                for pool in self.pools:
                    runner.run(pool.close(timeout=0.5))
