"""What ``import thawpool`` and a pool that is not used yet cost: a cold start pays for each module."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

#: None of these before a pool is used: drivers, and what is slow to import.
FORBIDDEN = {
    "asyncio",
    "asyncpg",
    "concurrent.futures",
    "dataclasses",
    "datetime",
    "decimal",
    "inspect",
    "ipaddress",
    "json",
    "logging",
    "psycopg",
    "random",
    "re",
    "select",
    "socket",
    "ssl",
    "threading",
    "traceback",
    "urllib",
    "urllib.parse",
}

IMPORT = "import thawpool"
NAME = "from thawpool import Pool"
MAKE = 'from thawpool import Pool; Pool("postgresql://u@h/d")'
MAKE_FROM_PARTS = (
    'from thawpool import Pool; Pool(host="h", user="u", database="d", driver="psycopg", max_size=3)'
)
MAKE_ASYNC = 'import asyncio; from thawpool import AsyncPool; AsyncPool("postgresql://u@h/d")'


def loaded(statement: str) -> set[str]:
    """The modules that it loads into an interpreter that has nothing but what it needs itself."""
    # -I and -S leave out site-packages, whose start-up files import modules of their own.
    import thawpool

    source = next(iter(thawpool.__path__)).rsplit("/", 1)[0]
    code = (
        f"import sys; sys.path.insert(0, {source!r}); before = set(sys.modules)\n"
        f"{statement}\n"
        "print(' '.join(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("statement", [IMPORT, NAME, MAKE, MAKE_FROM_PARTS])
def test_neither_a_driver_nor_anything_slow_is_loaded(statement: str) -> None:
    # What ``typing`` loads depends on the Python version: up to 3.11 that is ``re``, too.
    assert loaded(statement) & FORBIDDEN <= loaded("import typing")


def test_asyncio_is_loaded_for_its_own_pool_and_no_driver_is() -> None:
    assert loaded(MAKE_ASYNC) & {"psycopg", "asyncpg"} == set()


@pytest.mark.parametrize("statement, own, foreign", [(IMPORT, 2, 1), (MAKE, 25, 16)])
def test_the_number_of_modules_is_bounded(statement: str, own: int, foreign: int) -> None:
    modules = loaded(statement)
    ours = {module for module in modules if module.split(".")[0] == "thawpool"}
    assert len(ours) <= own, sorted(ours)
    others = modules - ours - loaded("import typing")
    assert len(others) <= foreign, sorted(others)


def test_every_public_name_can_be_imported() -> None:
    code = "import json, thawpool; print(json.dumps({n: type(getattr(thawpool, n)).__name__ for n in thawpool.__all__}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(json.loads(done.stdout)) >= {"Pool", "AsyncPool", "PoolError"}


def test_every_name_for_tests_can_be_imported() -> None:
    import thawpool.testing

    for name in thawpool.testing.__all__:
        assert getattr(thawpool.testing, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = thawpool.testing.Nothing
    assert set(thawpool.testing.__all__) <= set(dir(thawpool.testing))
