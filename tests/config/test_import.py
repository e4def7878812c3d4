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


def test_a_url_loads_nothing_of_the_other_server() -> None:
    for url, arguments, other in (
        ("postgresql://a:b@h/db", "libpq_options", "mysql"),
        ("postgresql+pg8000://a:b@h/db", "pg8000_options", "mysql"),
        ("mysql://a:b@h/db?charset=utf8mb4", "mysql_options", "postgresql"),
    ):
        code = f"from thawpool import _url; _url.{arguments}(_url.parse_url({url!r}, is_async=False)); print(*sys.modules)"
        run = subprocess.run(
            [sys.executable, "-IS", "-c", PATH + code], capture_output=True, text=True, check=True
        )
        ours = [name for name in run.stdout.split() if name.startswith("thawpool._url.")]
        assert f"thawpool._url.{'mysql' if other == 'postgresql' else 'postgresql'}_words" in ours
        assert not [name for name in ours if other in name or (other == "postgresql" and "libpq" in name)]
