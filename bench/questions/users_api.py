"""How fast does one server process answer ``GET /api/users``, fifty rows as JSON, and what does that cost?

Every server runs `SELECT id, name, email FROM users ORDER BY id LIMIT 50` for each request, on a pool of five
connections. All servers run at once, but only one of them has load: 64 clients of wrk who keep their connections and
ask again at once, three seconds in each round. Before its first load a server is asked 640 times by 64 clients at the
same moments: each answer must equal the database's rows, and PostgreSQL's log must show one SELECT for each. Then it
is warmed up, node and Next.js longer than Python. uvicorn runs with uvloop and httptools, granian with one worker
and uvloop. All Python apps encode with orjson, FastAPI's too, which leaves its own encoder out.
"""

from __future__ import annotations

from ..report import Chart, Table, Target
from ..sampling import Results
from . import _users_report as report
from ._users import USERS, Api
from ._users_report import CONTROL, NODE, READ_SO
from ._users_sites import SITES

__all__ = ["HEADLINES", "NAME", "NOTES", "charts", "samples", "take", "tables", "targets"]

NAME = "users-api"
HEADLINES = ("GET /api/users",)
NOTES = f"""{READ_SO} The
row *static* asks no database: what HTTP and JSON alone allow.
"""
API = Api("GET /api/users", SITES, USERS)
#: Of these the faster one is held to the targets.
OURS = ("thawpool asyncpg, granian", "thawpool psycopg, granian")
#: Who is compared directly: the same server, driver and encoder.
PAIRS = (
    ("thawpool asyncpg, granian", "asyncpg.Pool, granian"),
    ("thawpool asyncpg, granian", "asyncpg.Pool, fast, granian"),
    ("thawpool asyncpg, uvicorn", "asyncpg.Pool, uvicorn"),
    ("thawpool asyncpg, uvicorn", "asyncpg.Pool, fast, uvicorn"),
    ("thawpool asyncpg, FastAPI", "asyncpg.Pool, FastAPI"),
    ("thawpool psycopg, granian", "psycopg_pool, granian"),
    ("thawpool psycopg, granian", "psycopg_pool, fast, granian"),
    (CONTROL, NODE),
)

samples, take = API.samples, API.take


def tables(results: Results) -> list[Table]:
    return report.tables(results, API, PAIRS)


def targets(results: Results) -> list[Target]:
    return report.targets(results, API, OURS)


def charts(results: Results) -> list[Chart]:
    return report.charts(results, API, NAME)
