"""Options are on the path of ``import thawpool``: they cost next to nothing."""

from __future__ import annotations

import subprocess
import sys

HEAVY = [
    "asyncio", "asyncpg", "base64", "dataclasses", "decimal", "difflib", "inspect", "json", "logging", "psycopg", "ssl",
    "urllib", "uuid",
]  # fmt: skip


def loaded(statement: str) -> set[str]:
    """Which of the heavy modules are loaded after ``statement`` in a new interpreter."""
    code = f"{statement}\nimport sys; print(*[name for name in {HEAVY} if name in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-IS", "-c", PATH + code], capture_output=True, text=True, check=True
    )
    return set(run.stdout.split())


PATH = f"import sys; sys.path[:] = {sys.path}\n"


def test_making_options_loads_nothing_heavy() -> None:
    assert (
        loaded("from thawpool.config import PoolConfig; PoolConfig.make('postgresql://h/db', is_async=False)")
        == set()
    )


def test_reading_a_url_loads_neither_urllib_nor_a_driver() -> None:
    statement = (
        "from thawpool.config import PoolConfig; "
        "PoolConfig.make('postgresql://a:b%20c@h/db?sslmode=require', is_async=True).resolve_target(is_async=True)"
    )
    assert loaded(statement) == set()


def test_json_default_loads_nothing_heavy() -> None:
    assert loaded("from thawpool._json import json_default") == set()
