"""The routes in Python: one function, one pool of at most 5 connections, on PostgreSQL or MySQL as DATABASE_URL says.

=======  =================  ===========================================================================
GET      /api/users         ``{"users": [...], "next": id or null}``; ``?after=<id>`` is the next page
POST     /api/users         ``{"name": ..., "email": ...}``: 201 and the user, 422 with what is wrong, 409 for
                            an email that exists, 413 for a body above 16 KB
GET      /api/time          the database's time
GET      /api/connections   who has how many connections open, for the page's load test
=======  =================  ===========================================================================

With the database away each answers 500 ``{"error": "Database connection failed"}``: PoolMiddleware does that,
and gives each request's connections back. What else goes wrong is the framework's own 500, and is in the log.
"""

import json
import re
import unicodedata
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from thawpool import AsyncPool
from thawpool.integrations.asgi import JSONResponse, PoolMiddleware

PAGE = 50
LARGEST_ID = 2**31 - 1
LARGEST_BODY = 16 * 1024
LARGEST_DISCARDED = 64 * 1024 * 1024
LONGEST = {"name": 100, "email": 254}  # in characters, as the table has them
EMAIL = re.compile(r"[^\s@<>\"]+@[^\s@<>\"]+\.[^\s@<>\".]+")

# At module scope, so that every request of this instance shares it. It connects at the first query.
pool = AsyncPool(max_size=5)


async def list_users(request: Request) -> Response:
    """A page of 50 by keyset: where the last page ended, not how many rows to skip, so row 100,000 costs as row 1."""
    after = request.query_params.get("after", "0")
    if not re.fullmatch("[0-9]{1,10}", after) or int(after) > LARGEST_ID:
        return invalid({"after": "must be the id of a user"})
    users = await pool.query(
        "SELECT id, name, email FROM users WHERE id > %s ORDER BY id LIMIT %s", (int(after), PAGE + 1)
    )
    # The row after the page, which is not shown, says that there is more.
    following = users[PAGE - 1]["id"] if len(users) > PAGE else None
    return JSONResponse({"users": users[:PAGE], "next": following})


async def add_user(request: Request) -> Response:
    body = await read_body(request)
    if body is None:
        return JSONResponse({"error": f"The body is larger than {LARGEST_BODY // 1024} KB"}, 413)
    user, wrong = parse_user(body)
    if wrong:
        return invalid(wrong)
    try:
        async with pool.transaction() as tx:
            await tx.execute("INSERT INTO users (name, email) VALUES (%s, %s)", (user["name"], user["email"]))
            # Not RETURNING, which MySQL does not have.
            created = await tx.query_one(
                "SELECT id, name, email FROM users WHERE email = %s", (user["email"],)
            )
    except Exception as error:
        # Asking before the INSERT would not do: another request may come in between. The table decides.
        if not is_unique_violation(error):
            raise
        return JSONResponse(
            {"error": "This email exists already", "fields": {"email": "exists already"}}, 409
        )
    return JSONResponse(created, 201)


async def show_time(request: Request) -> Response:
    return JSONResponse(await pool.query_one("SELECT CURRENT_TIMESTAMP(3) AS time"))


async def count_connections(request: Request) -> Response:
    """What the server says of this database's clients. It goes when the page's load test goes."""
    row = await pool.query_one("SELECT version() AS version")
    assert row is not None
    if row["version"].startswith("PostgreSQL"):
        sql = (
            "SELECT application_name AS client, count(*) AS connections FROM pg_stat_activity"
            " WHERE datname = current_database() AND backend_type = 'client backend' GROUP BY 1 ORDER BY 1"
        )
    else:
        sql = (
            "SELECT '' AS client, count(*) AS connections FROM information_schema.processlist"
            " WHERE db = database() GROUP BY 1"
        )
    return JSONResponse(await pool.query(sql))


def invalid(fields: dict[str, str]) -> Response:
    return JSONResponse({"error": "Invalid input", "fields": fields}, 422)


async def read_body(request: Request) -> bytes | None:
    """The body; None if it is too large, whatever its Content-Length says.

    The rest of a large one is thrown away piece by piece: who is still sending would not see an answer.
    """
    body, size = b"", 0
    async for piece in request.stream():
        size += len(piece)
        if size <= LARGEST_BODY:
            body += piece
        elif size > LARGEST_DISCARDED:
            break
    return body if size <= LARGEST_BODY else None


def parse_user(body: bytes) -> tuple[dict[str, str], dict[str, str]]:
    """A name and an email as they go into the table, and what is wrong with which field."""
    try:
        data: Any = json.loads(body)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        return {}, {"body": "must be a JSON object with name and email"}
    user: dict[str, str] = {}
    wrong: dict[str, str] = {}
    for field, longest in LONGEST.items():
        value = data.get(field)
        text = value.strip() if isinstance(value, str) else ""
        if field == "email":
            text = text.lower()  # one spelling, since the servers differ in whether case counts
        if value is None or text == value == "":
            wrong[field] = "is missing"
        elif not isinstance(value, str):
            wrong[field] = "must be text"
        elif not text:
            wrong[field] = "is blank"
        elif len(text) > longest:
            wrong[field] = f"is longer than {longest} characters"
        elif any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
            # No database takes NUL, or half of a surrogate pair.
            wrong[field] = "has a control character in it"
        elif field == "email" and not EMAIL.fullmatch(text):
            wrong[field] = "is not an email address"
        else:
            user[field] = text
    return user, wrong


def is_unique_violation(error: Exception) -> bool:
    """Told by the server's own code: SQLSTATE 23505 in PostgreSQL, error 1062 in MySQL."""
    return getattr(error, "sqlstate", None) == "23505" or error.args[:1] == (1062,)


app = Starlette(
    routes=[
        Route("/api/users", list_users, methods=["GET"]),
        Route("/api/users", add_user, methods=["POST"]),
        Route("/api/time", show_time),
        Route("/api/connections", count_connections),
    ],
    middleware=[Middleware(PoolMiddleware, pool=pool)],
)
