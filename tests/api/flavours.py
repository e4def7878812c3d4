"""The kinds of pool that tests run over: threads and asyncio, psycopg and asyncpg. See ``tests.support.pools``."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import pytest
from tests.support.pools import Runner, done, entered, pytest_pyfunc_call

__all__ = ["ASYNC", "FLAVOURS", "PSYCOPG", "Flavour", "done", "entered", "flavour", "pytest_pyfunc_call"]


class Kind(NamedTuple):
    """What a flavour is made of."""

    scheme: str
    is_async: bool


FLAVOURS = {
    "threads": Kind("postgresql", is_async=False),
    "psycopg": Kind("postgresql", is_async=True),
    "asyncpg": Kind("postgresql+asyncpg", is_async=True),
}
#: For tests of what only asyncio has, such as cancellation, and of what only psycopg has.
ASYNC = pytest.mark.parametrize("flavour", ["psycopg", "asyncpg"], indirect=True)
PSYCOPG = pytest.mark.parametrize("flavour", ["threads", "psycopg"], indirect=True)


class Flavour(Runner):
    """One kind of pool, and its driver's words."""

    def __init__(self, name: str) -> None:
        super().__init__(name, FLAVOURS[name].scheme, is_async=FLAVOURS[name].is_async)
        self.driver = "asyncpg" if name == "asyncpg" else "psycopg"

    @property
    def connection_class(self) -> type[Any]:
        """The class that a lease yields an instance of."""
        if self.driver == "asyncpg":
            import asyncpg

            return cast("type[Any]", asyncpg.Connection)
        import psycopg

        return psycopg.AsyncConnection if self.is_async else psycopg.Connection

    @property
    def error_class(self) -> type[Exception]:
        """The base of what the driver raises about a statement."""
        if self.driver == "asyncpg":
            import asyncpg

            return cast("type[Exception]", asyncpg.PostgresError)
        import psycopg

        return psycopg.Error

    async def run_on(self, conn: Any, sql: str) -> None:
        """Execute on a leased connection, in the driver's own way."""
        await done(conn.execute(sql))

    async def value(self, conn: Any, sql: str) -> Any:
        """The first column of the first row of a query on a leased connection."""
        if self.driver == "asyncpg":
            return await conn.fetchval(sql)
        cursor = await done(conn.execute(sql))
        row = await done(cursor.fetchone())
        return next(iter(row.values())) if isinstance(row, dict) else row[0]


@pytest.fixture(params=FLAVOURS)
def flavour(request: pytest.FixtureRequest) -> Flavour:
    """Each kind of pool in turn."""
    return Flavour(request.param)
