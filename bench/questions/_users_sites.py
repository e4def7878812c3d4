"""The servers that answer ``GET /api/users``, each with its app."""

from __future__ import annotations

import sys

from ..stage import ROOT, node
from ._web import Site

__all__ = ["APP_ROUTER", "CONTROL", "NODE", "NODE_FAST", "PAGES", "SITES", "STATIC"]

APP_ROUTER, PAGES = "Next.js App Router", "Next.js Pages Router"
NODE, NODE_FAST, CONTROL = "node http + pg", "node http + pg, fast", "control: node http + pg"
STATIC = "static, granian"

UVICORN = ("--host", "127.0.0.1", "--loop", "uvloop", "--http", "httptools", "--log-level", "warning")
GRANIAN = ("--host", "127.0.0.1", "--loop", "uvloop", "--workers", "1", "--log-level", "warning")
RAW = {"RESET": "no"}


def _uvicorn(app: str) -> list[str]:
    return [sys.executable, "-m", "uvicorn", *UVICORN, "--port", "{port}", f"bench.apps.{app}:app"]


def _granian(app: str) -> list[str]:
    interface = ("--interface", "asgi", "--port", "{port}")
    return [sys.executable, "-m", "granian", *GRANIAN, *interface, f"bench.apps.{app}:app"]


def _next(path: str) -> Site:
    program = str(ROOT / "bench/next/node_modules/next/dist/bin/next")
    command = [*node(), program, "start", "-H", "127.0.0.1", "-p", "{port}", str(ROOT / "bench/next")]
    environment = {"NODE_ENV": "production", "NEXT_TELEMETRY_DISABLED": "1"}
    return Site(command, "pg, Pool({max: 5})", environment, path=path, warm_up=10)


def _node(words: str, environment: dict[str, str]) -> Site:
    return Site([*node(), str(ROOT / "bench/node/http.mjs")], words, environment, warm_up=4)


def _asgi() -> dict[str, Site]:
    """The bare ASGI apps: all share ``apps/asgi.py``."""
    found = {}
    for name, command in (("granian", _granian), ("uvicorn", _uvicorn)):
        for driver in ("asyncpg", "psycopg"):
            site = Site(command("asgi_thawpool"), "await pool.query(sql)", driver=driver)
            found[f"thawpool {driver}, {name}"] = site
        peer = command("asgi_asyncpg")
        found[f"asyncpg.Pool, {name}"] = Site(peer, "a reset at each return")
        found[f"asyncpg.Pool, fast, {name}"] = Site(peer, "reset= a no-op", RAW)
    peer = _granian("asgi_psycopg")
    found["psycopg_pool, granian"] = Site(peer, "a transaction around each lease")
    found["psycopg_pool, fast, granian"] = Site(peer, "autocommit", {"AUTOCOMMIT": "yes"})
    return found


SITES: dict[str, Site] = {
    **_asgi(),
    "thawpool asyncpg, FastAPI": Site(_uvicorn("fastapi_thawpool"), "under uvicorn", driver="asyncpg"),
    "asyncpg.Pool, FastAPI": Site(_uvicorn("fastapi_asyncpg"), "under uvicorn; a reset at each return"),
    APP_ROUTER: _next("/api/users"),
    PAGES: _next("/api/users-pages"),
    NODE: _node("pool.query(text)", {}),
    NODE_FAST: _node("pool.query({name, text}): prepared", {"PREPARED": "yes"}),
    CONTROL: _node("a second process of the same", {}),
    STATIC: Site(_granian("asgi_static"), "no database: the limit of HTTP and JSON"),
}
