"""What tests of code over a pool need: real servers, faults on the wire, and a pool without either.

- ``Postgres``, ``MariaDB``, ``FaultProxy``: a real server of the test's own, and a network that breaks on command.
- ``FakeClock``, ``FakeDriver``, ``AsyncFakeDriver``, ``Fault``: a pool in memory, whose time and luck a test decides.
- ``Simulator``: the pool's own code under seeds that decide everything around it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .clock import FakeClock
    from .driver import AsyncFakeDriver, FakeDriver
    from .faults import FakeError, Fault
    from .mariadb import MariaDB
    from .postgres import Postgres
    from .proxy import FaultProxy
    from .simulator import Simulator, Violation

__all__ = [
    "AsyncFakeDriver",
    "FakeClock",
    "FakeDriver",
    "FakeError",
    "Fault",
    "FaultProxy",
    "MariaDB",
    "Postgres",
    "Simulator",
    "Violation",
]

_LAZY = {
    "AsyncFakeDriver": "driver",
    "FakeClock": "clock",
    "FakeDriver": "driver",
    "FakeError": "faults",
    "Fault": "faults",
    "FaultProxy": "proxy",
    "MariaDB": "mariadb",
    "Postgres": "postgres",
    "Simulator": "simulator",
    "Violation": "simulator",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_LAZY[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(_LAZY))
