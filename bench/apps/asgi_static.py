"""The same answer without a database: what HTTP and JSON alone allow."""

from __future__ import annotations

from typing import Any

from .asgi import application

users = [{"id": i, "name": f"User {i}", "email": f"user{i}@example.com"} for i in range(1, 51)]


async def _users() -> list[dict[str, Any]]:
    return users


app = application(_users, Exception)
