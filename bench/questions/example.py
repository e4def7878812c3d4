"""How fast does the Next.js example answer, in Python with an invocation for every request and in JavaScript?

Every server runs `SELECT id, name, email FROM users WHERE id > 0 ORDER BY id LIMIT 51`, both figures as parameters, on a
pool of five connections, and answers with fifty users and where the next page begins. *The example* is `examples/nextjs`:
its Python function under four servers, one of them Vercel's own runtime for Python, one `next start`, whose rewrite leads to
the function in a second process; and its two routes in JavaScript, of one build. The other rows of thawpool are bare ASGI
apps with the same answer, with `PoolMiddleware` and with nothing.

Servers are asked, counted and warmed up as in users-api: by 64 clients who ask again at once, three seconds in each
round, and with one SELECT for each request in PostgreSQL's log. All Python apps encode with orjson.
"""

from __future__ import annotations

from ..report import Chart, Table, Target
from ..sampling import Results
from . import _users_report as report
from ._example_sites import OURS, PAIRS, SITES
from ._users import USERS, Api
from ._users_report import READ_SO

__all__ = ["HEADLINES", "NAME", "NOTES", "charts", "samples", "take", "tables", "targets"]

NAME = "example"
HEADLINES = ("the example's users, ",)
NOTES = f"""{READ_SO}

Vercel's runtime tells its host of every request that begins and ends; the host's reading is not counted. How Vercel itself
runs on its machines is not measured here. Through Next.js a request passes two servers on one CPU.
"""
API = Api("the example's users", SITES, {"users": USERS, "next": USERS[-1]["id"]})

samples, take = API.samples, API.take


def tables(results: Results) -> list[Table]:
    return report.tables(results, API, PAIRS)


def targets(results: Results) -> list[Target]:
    return report.targets(results, API, OURS)


def charts(results: Results) -> list[Chart]:
    return report.charts(results, API, NAME)
