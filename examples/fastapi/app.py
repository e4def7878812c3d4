"""Users, on one pool of at most 5 connections, on PostgreSQL or MySQL as DATABASE_URL says.

With the database away each route answers 500 ``{"error": "Database connection failed"}``: PoolMiddleware does
that, and gives each request's connections back. What else goes wrong is FastAPI's own 500, and is in the log.
"""

import re
import unicodedata
from datetime import datetime
from typing import Annotated

from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import AfterValidator, BaseModel, StringConstraints

from thawpool import AsyncPool
from thawpool.integrations.asgi import PoolMiddleware

PAGE = 50
LARGEST_ID = 2**31 - 1
LONGEST_EMAIL = 254
EMAIL = re.compile(r"[^\s@<>\"]+@[^\s@<>\"]+\.[^\s@<>\".]+")

# At module scope, so that every request of this instance shares it. It connects at the first query.
pool = AsyncPool(max_size=5)

app = FastAPI(title="Users")
app.add_middleware(PoolMiddleware, pool=pool)


def storable(text: str) -> str:
    """A database takes no NUL."""
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise ValueError("has a control character in it")
    return text


def an_email(text: str) -> str:
    if len(text) > LONGEST_EMAIL:  # once more: small letters may be longer, as those of İ are
        raise ValueError(f"is longer than {LONGEST_EMAIL} characters")
    if not EMAIL.fullmatch(text):
        raise ValueError("is not an email address")
    return text


# As long as the table has room for; an email in one spelling, since servers differ in whether case counts.
Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), AfterValidator(storable)
]
Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_lower=True, max_length=LONGEST_EMAIL),
    AfterValidator(storable),
    AfterValidator(an_email),
]


class NewUser(BaseModel):
    name: Name
    email: Email


class User(BaseModel):
    id: int
    name: str
    email: str


class Page(BaseModel):
    users: list[User]
    next: int | None  # hand it back as ``after``; None: there are no more


class Time(BaseModel):
    time: datetime


@app.exception_handler(RequestValidationError)
async def say_what_is_wrong(request: Request, error: RequestValidationError) -> JSONResponse:
    """As FastAPI does, without the input: half of an emoji cannot be sent back."""
    wrong = [{"loc": one["loc"], "msg": one["msg"]} for one in error.errors()]
    return JSONResponse({"detail": wrong}, 422)


@app.get("/", include_in_schema=False)
def home() -> RedirectResponse:
    return RedirectResponse("/docs")


@app.get("/api/users")
async def list_users(after: Annotated[int, Query(ge=0, le=LARGEST_ID)] = 0) -> Page:
    """A page by keyset: where the last one ended, not how many rows to skip, so row 100,000 costs as row 1."""
    users = await pool.query(
        "SELECT id, name, email FROM users WHERE id > %s ORDER BY id LIMIT %s", (after, PAGE + 1)
    )
    following = (
        users[PAGE - 1]["id"] if len(users) > PAGE else None
    )  # the row after the page says that there is more
    return Page.model_validate({"users": users[:PAGE], "next": following})


@app.post("/api/users", status_code=201, responses={409: {"description": "The email exists"}})
async def add_user(user: NewUser) -> User:
    try:
        async with pool.transaction() as tx:
            await tx.execute("INSERT INTO users (name, email) VALUES (%s, %s)", (user.name, user.email))
            # Not RETURNING, which MySQL does not have.
            created = await tx.query_one("SELECT id, name, email FROM users WHERE email = %s", (user.email,))
    except Exception as error:
        # Asking before the INSERT would not do: another request may come in between. The table decides.
        if not is_unique_violation(error):
            raise
        raise HTTPException(409, "This email exists already") from None
    return User.model_validate(created)


@app.get("/api/time")
async def show_time() -> Time:
    return Time.model_validate(await pool.query_one("SELECT CURRENT_TIMESTAMP(3) AS time"))


def is_unique_violation(error: Exception) -> bool:
    """Told by the server's own code: SQLSTATE 23505 in PostgreSQL, error 1062 in MySQL."""
    return getattr(error, "sqlstate", None) == "23505" or error.args[:1] == (1062,)
