"""One driver, in threads or asyncio, before one server: what a test of the suite runs over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.drivers import guide
from tests.drivers.conformance.declared import DRIVERS, SERVERS, Declared, Difference, Kind, System
from tests.drivers.conformance.dialects import DIALECTS
from tests.drivers.conformance.outside import Outside, Server
from tests.support.pools import Runner, done

from thawpool import AsyncPool

__all__ = ["ASYNCIO", "EVERY_SERVER", "MYSQL", "POSTGRESQL", "THREADS", "Case", "case", "over"]


#: The driver that a page of the docs builds: the suite runs over it too, though it is none of ours.
TOY: Declared = guide.declaration({"Declared": Declared})


class Case(Runner):
    """A driver, a kind of pool and a server."""

    def __init__(self, name: str, request: pytest.FixtureRequest | None = None) -> None:
        self.driver, kind, self._server, *loop = name.split("-")
        self.declared = next(declared for declared in (*DRIVERS, TOY) if declared.name == self.driver)
        self.system: System = self.declared.system
        super().__init__(name, f"{self.system}+{self.driver}", is_async=kind == "asyncio")
        self.loop = "".join(loop)
        self.dialect = DIALECTS[self.system]
        self._request = request

    @property
    def server(self) -> Server:
        """The server, shared with all other tests."""
        server: Server = self._fixture(self._server)
        return server

    @property
    def tls(self) -> Server:
        """A server with TLS and passwords, shared likewise."""
        server: Server = self._fixture(f"{self._server}_tls")
        return server

    @property
    def outside(self) -> Outside:
        """Somebody else who asks the server, not by the driver of this case."""
        return Outside(self.server)

    def server_is(self, fixture: str) -> bool:
        """Whether the server is the one of this fixture."""
        return self._server == fixture

    def pool(self, url: str | None = None, **options: Any) -> AsyncPool:
        """A pool, to the shared server if nothing says where to."""
        if url is None and "host" not in options:
            url = self.server.url()
        return super().pool(url, **options)

    # -- the driver's own words ------------------------------------------------------------------

    async def run_on(self, conn: Any, *statements: str) -> None:
        """Execute on a leased connection, in the driver's own way."""
        for sql in statements:
            if self.declared.words == "cursor":
                async with _cursor(conn) as cursor:
                    await done(cursor.execute(sql))
                    if cursor.description:
                        await done(cursor.fetchall())
            else:
                await done(conn.execute(sql))

    async def rows(self, conn: Any, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query on a leased connection."""
        if self.declared.words == "fetchval":
            return [tuple(row) for row in await conn.fetch(sql)]
        if self.declared.words == "execute":
            cursor = await done(conn.execute(sql))
            return list(await done(cursor.fetchall()))
        async with _cursor(conn) as cursor:
            await done(cursor.execute(sql))
            return [tuple(row) for row in await done(cursor.fetchall())]

    async def value(self, conn: Any, sql: str) -> Any:
        """The first column of the first row."""
        return (await self.rows(conn, sql))[0][0]

    async def begin_reading(self, conn: Any, sql: str) -> Any:
        """Read the first row of a query, and no more."""
        if self.declared.words == "fetchval":
            return await conn.fetchrow(sql)
        cursor = conn.cursor()
        if self.declared.words == "cursor":
            cursor = await done(cursor)  # some wait for it
        await done(cursor.execute(sql))
        return await done(cursor.fetchone())

    async def session(self, pool: AsyncPool) -> int:
        """The server's number for the session that the pool leases next."""
        async with pool.connection() as conn:
            return int(await self.value(conn, self.dialect.session))

    def _fixture(self, name: str) -> Any:
        assert self._request is not None
        return self._request.getfixturevalue(name)


@asynccontextmanager
async def _cursor(conn: Any) -> AsyncIterator[Any]:
    """A cursor, closed at the end: not every library's is a context manager."""
    cursor = await done(conn.cursor())  # some wait for it
    try:
        yield cursor
    finally:
        await done(cursor.close())


def over(
    *,
    kind: Kind | None = None,
    system: System | None = None,
    every_server: bool = False,
    loops: bool = False,
    without: Difference | None = None,
    differing: Difference | None = None,
    children: bool = False,
) -> pytest.MarkDecorator:
    """Run a test over all cases that fit.

    Args:
        every_server: over each version of a server, not the first alone.
        loops: over uvloop too.
        without: leave out the drivers that declare this difference.
        differing: leave out all others.
        children: it is a child process that uses the driver, and there the guide's is not known.
    """
    found = [
        pytest.param(name, marks=[pytest.mark.needs(part) for part in parts if part])
        for declared in (*DRIVERS, *([] if children else [TOY]))
        if system in (None, declared.system)
        and without not in declared.differs
        and (differing is None or differing in declared.differs)
        for name, parts in _names(declared, kind, every_server, loops)
    ]
    return pytest.mark.parametrize("case", found, indirect=True)


def _names(
    declared: Declared, wanted: Kind | None, every_server: bool, loops: bool
) -> Iterator[tuple[str, tuple[str, ...]]]:
    for kind in declared.kinds:
        if wanted in (None, kind):
            for fixture, _, part in SERVERS[declared.system][: None if every_server else 1]:
                for loop in ("", "-uvloop") if loops and kind == "asyncio" else ("",):
                    yield f"{declared.name}-{kind}-{fixture}{loop}", (declared.part, part)


EVERY_SERVER = over(every_server=True)
THREADS = over(kind="threads")
ASYNCIO = over(kind="asyncio")
POSTGRESQL = over(system="postgresql")
MYSQL = over(system="mysql")


@pytest.fixture
def case(request: pytest.FixtureRequest) -> Case:
    """Each case of the test in turn."""
    running = Case(request.param, request)
    if running.declared is TOY:
        guide.build(request.getfixturevalue("monkeypatch"))
    return running
