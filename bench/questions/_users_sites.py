"""The servers of "users-api", each with its app."""

from __future__ import annotations

from ..stage import ROOT
from ._servers import granian, next_site, node_http, uvicorn
from ._users_report import APP_ROUTER, CONTROL, NODE, NODE_FAST, PAGES
from ._web import Site

__all__ = ["SITES"]

APPS = "bench.apps"
BUILD = ROOT / "bench" / "next"
RAW = {"RESET": "no"}


def _asgi() -> dict[str, Site]:
    """The bare ASGI apps: all share ``apps/asgi.py``."""
    found = {}
    for name, command in (("granian", granian), ("uvicorn", uvicorn)):
        for driver in ("asyncpg", "psycopg"):
            site = Site(command(f"{APPS}.asgi_thawpool:app"), "await pool.query(sql)", driver=driver)
            found[f"thawpool {driver}, {name}"] = site
        peer = command(f"{APPS}.asgi_asyncpg:app")
        found[f"asyncpg.Pool, {name}"] = Site(peer, "a reset at each return")
        found[f"asyncpg.Pool, fast, {name}"] = Site(peer, "reset= a no-op", RAW)
    peer = granian(f"{APPS}.asgi_psycopg:app")
    found["psycopg_pool, granian"] = Site(peer, "a transaction around each lease")
    found["psycopg_pool, fast, granian"] = Site(peer, "autocommit", {"AUTOCOMMIT": "yes"})
    return found


SITES: dict[str, Site] = {
    **_asgi(),
    "thawpool asyncpg, FastAPI": Site(
        uvicorn(f"{APPS}.fastapi_thawpool:app"), "under uvicorn", driver="asyncpg"
    ),
    "asyncpg.Pool, FastAPI": Site(
        uvicorn(f"{APPS}.fastapi_asyncpg:app"), "under uvicorn; a reset at each return"
    ),
    APP_ROUTER: next_site(BUILD, "/api/users"),
    PAGES: next_site(BUILD, "/api/users-pages"),
    NODE: node_http("pool.query(text)", {}),
    NODE_FAST: node_http("pool.query({name, text}): prepared", {"PREPARED": "yes"}),
    CONTROL: node_http("a second process of the same", {}),
    "static, granian": Site(
        granian(f"{APPS}.asgi_static:app"), "no database: the limit of HTTP and JSON", selects=0
    ),
}
