"""The servers of "example": the example's own functions and routes, and bare apps with the same answer."""

from __future__ import annotations

import shlex

from ..javascript import EXAMPLE, EXAMPLE_API, FUNCTION_PORT
from ._servers import granian, next_site, next_start, node_http, uvicorn
from ._users_report import APP_ROUTER, CONTROL, NODE, NODE_FAST, PAGES
from ._vercel import vercel
from ._web import Site

__all__ = ["OURS", "PAIRS", "SITES"]

BARE = "bench.apps.page_thawpool:app"
FUNCTION = "index:app"
#: Where Python finds the function.
HERE = {"PYTHONPATH": str(EXAMPLE_API)}
PAGE = {"ANSWER": "page"}
#: The function by each way to it.
ON_GRANIAN, ON_UVICORN = "thawpool, the example, granian", "thawpool, the example, uvicorn"
ON_VERCEL, REWRITTEN = "thawpool, the example, Vercel's runtime", "thawpool, the example, through Next.js"


def _bare() -> tuple[dict[str, Site], list[tuple[str, str]]]:
    """The bare apps, each with and without the middleware."""
    found, pairs = {}, []
    for name, command in (("granian", granian), ("uvicorn", uvicorn)):
        for driver in ("asyncpg", "psycopg"):
            row, plain = f"thawpool {driver}, {name}", f"thawpool {driver}, no middleware, {name}"
            words = "PoolMiddleware, remaining=30"
            found[row] = Site(command(BARE), words, {"MIDDLEWARE": "yes"}, driver=driver)
            found[plain] = Site(command(BARE), "the same app alone", driver=driver)
            pairs.append((row, plain))
    return found, pairs


def _rewritten() -> Site:
    """``next start``, and the function under uvicorn where the build has it: two processes, which are both counted."""
    both = f"{shlex.join(uvicorn(FUNCTION, str(FUNCTION_PORT)))} & exec {shlex.join(next_start(EXAMPLE))}"
    environment = {**HERE, "NODE_ENV": "production", "NEXT_TELEMETRY_DISABLED": "1"}
    return Site(["/bin/sh", "-c", both], "next start rewrites to uvicorn", environment, warm_up=10)


_SITES, _PAIRS = _bare()
SITES: dict[str, Site] = {
    **_SITES,
    ON_GRANIAN: Site(granian(FUNCTION), "Starlette, PoolMiddleware", HERE),
    ON_UVICORN: Site(uvicorn(FUNCTION), "Starlette, PoolMiddleware", HERE),
    ON_VERCEL: vercel(EXAMPLE_API, "index.py", "the same, with Vercel's deadline"),
    REWRITTEN: _rewritten(),
    APP_ROUTER: next_site(EXAMPLE, "/api/users-js-app"),
    PAGES: next_site(EXAMPLE, "/api/users-js"),
    NODE: node_http("pool.query({text, values})", PAGE),
    NODE_FAST: node_http("pool.query({name, text, values}): prepared", {**PAGE, "PREPARED": "yes"}),
    CONTROL: node_http("a second process of the same", PAGE),
}
#: Of these the fastest is held to the targets.
OURS = ("thawpool asyncpg, granian", "thawpool psycopg, granian")
#: Who is compared directly.
PAIRS = (
    *_PAIRS,
    (ON_UVICORN, "thawpool psycopg, uvicorn"),
    (ON_VERCEL, ON_UVICORN),
    (REWRITTEN, ON_UVICORN),
    (REWRITTEN, PAGES),
    (CONTROL, NODE),
)
