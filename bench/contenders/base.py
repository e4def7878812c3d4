"""What a contender is: one pool, in the form its users write, at one setting.

A contender's module is imported without its library, so that the table of contenders can be printed
where a peer is not installed: a library is imported in the methods that use it.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, ClassVar, Literal, NamedTuple

from .drivers import Address, Driver, System

__all__ = ["SIZE", "AsyncContender", "Contender", "Setting", "Settings", "SyncContender", "over"]

#: ``default``: as the library comes. ``fast``: its best settings for speed. ``safe``: its best for a function
#: that freezes, a check at each lease and two seconds for all that can hang.
Setting = Literal["default", "fast", "safe"]

#: The connections of every pool.
SIZE = 5


class Settings(NamedTuple):
    """What each setting is, in the library's own words. A setting without words is not measured."""

    default: str
    fast: str = ""
    safe: str = ""


class Contender:
    """What both kinds share."""

    #: The system that it speaks to.
    server: ClassVar[System] = "postgresql"
    #: What it pools, and what it is measured beside.
    driver: ClassVar[Driver]
    settings: ClassVar[Settings]
    #: The distributions whose versions the results name.
    distributions: ClassVar[tuple[str, ...]] = ()
    is_async: ClassVar[bool]

    def __init__(self, address: Address, setting: Setting = "default", size: int = SIZE) -> None:
        self.address = address
        self.setting = setting
        self.size = size

    @classmethod
    def words(cls, setting: Setting) -> str:
        """What a setting is; empty if it is not measured."""
        return str(getattr(cls.settings, setting))

    @property
    def safe(self) -> bool:
        return self.setting == "safe"

    @property
    def fast(self) -> bool:
        return self.setting != "default"


class SyncContender(Contender):
    """A pool for threads."""

    is_async = False

    def open(self) -> None:
        """Make the pool. It need not connect."""
        raise NotImplementedError

    def connection(self) -> AbstractContextManager[Any]:
        """Lease a connection as users write it."""
        raise NotImplementedError

    def rows(self, conn: Any, sql: str) -> Iterable[Any]:
        """The rows of a statement on a leased connection, in the driver's own form."""
        return self.driver.rows(conn, sql)  # type: ignore[no-any-return]

    def request(self, sql: str) -> Iterable[Any]:
        """A lease, a statement, a return."""
        with self.connection() as conn:
            return self.rows(conn, sql)

    def raw(self) -> Any:
        """A connection of the driver's own, held for good: what no pool can beat."""
        return self.driver.connect(self.address)

    def raw_rows(self, conn: Any, sql: str) -> Iterable[Any]:
        """The same statement on the raw connection, with the same result."""
        return self.driver.rows(conn, sql)  # type: ignore[no-any-return]

    def close(self) -> None:
        raise NotImplementedError


class AsyncContender(Contender):
    """A pool for asyncio."""

    is_async = True

    async def open(self) -> None:
        raise NotImplementedError

    def connection(self) -> AbstractAsyncContextManager[Any]:
        raise NotImplementedError

    async def rows(self, conn: Any, sql: str) -> Iterable[Any]:
        return await self.driver.rows(conn, sql)  # type: ignore[no-any-return]

    async def request(self, sql: str) -> Iterable[Any]:
        async with self.connection() as conn:
            return await self.rows(conn, sql)

    async def raw(self) -> Any:
        return await self.driver.connect(self.address)

    async def raw_rows(self, conn: Any, sql: str) -> Iterable[Any]:
        return await self.driver.rows(conn, sql)  # type: ignore[no-any-return]

    async def close(self) -> None:
        raise NotImplementedError


def over(kind: type[Contender], driver: Driver, settings: Settings | None = None) -> type[Contender]:
    """A pool that takes any driver, with this one."""
    return type(
        f"{kind.__name__}Over{driver.name.title()}",
        (kind,),
        {
            "driver": driver,
            "server": driver.server,
            "settings": settings or kind.settings,
            "distributions": (*kind.distributions, driver.distribution),
        },
    )
