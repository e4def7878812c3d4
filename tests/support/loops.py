"""The flavours of pool over the event loops: asyncio's own and uvloop."""

from __future__ import annotations

import pytest
from tests.api.flavours import Flavour

__all__ = ["ASYNC_LOOPS", "LOOPS", "LoopFlavour"]

_ASYNC = ("psycopg", "asyncpg", "psycopg-uvloop", "asyncpg-uvloop")
#: Every flavour, and the two of asyncio once more over uvloop; and those four alone.
LOOPS = pytest.mark.parametrize("flavour", ["threads", *_ASYNC], indirect=True)
ASYNC_LOOPS = pytest.mark.parametrize("flavour", _ASYNC, indirect=True)


class LoopFlavour(Flavour):
    """A flavour whose name may end in ``-uvloop``."""

    def __init__(self, name: str) -> None:
        driver, _, loop = name.partition("-")
        super().__init__(driver)
        self.loop = loop
