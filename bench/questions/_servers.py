"""How each kind of server is started."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from ..stage import ROOT, node
from ._web import Site

__all__ = ["granian", "next_site", "next_start", "node_http", "uvicorn"]

UVICORN = ("--host", "127.0.0.1", "--loop", "uvloop", "--http", "httptools", "--log-level", "warning")
GRANIAN = ("--host", "127.0.0.1", "--loop", "uvloop", "--workers", "1", "--log-level", "warning")


def uvicorn(app: str, port: str = "{port}") -> list[str]:
    """The command for ``app``, as ``module:variable``."""
    return [sys.executable, "-m", "uvicorn", *UVICORN, "--port", port, app]


def granian(app: str) -> list[str]:
    return [sys.executable, "-m", "granian", *GRANIAN, "--interface", "asgi", "--port", "{port}", app]


def next_start(folder: Path) -> list[str]:
    """The command for the build in ``folder``."""
    program = str(folder / "node_modules/next/dist/bin/next")
    return [*node(), program, "start", "-H", "127.0.0.1", "-p", "{port}", str(folder)]


def next_site(folder: Path, path: str) -> Site:
    environment = {"NODE_ENV": "production", "NEXT_TELEMETRY_DISABLED": "1"}
    return Site(next_start(folder), "pg, Pool({max: 5})", environment, path=path, warm_up=10)


def node_http(words: str, environment: Mapping[str, str]) -> Site:
    return Site([*node(), str(ROOT / "bench/node/http.mjs")], words, environment, warm_up=4)
