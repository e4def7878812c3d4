"""What the demo asks of a server, whatever its kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, TypeAlias

from thawpool import AsyncPool
from thawpool._url import parse_url

if TYPE_CHECKING:
    from thawpool.testing import MariaDB, Postgres

__all__ = ["Mark", "Part", "Rows", "Server", "ServerView", "System"]

System: TypeAlias = Literal["postgresql", "mysql"]
#: Whose connections they are: the pool's, those of the mistakes beside it, or the supervisor's one.
Part: TypeAlias = Literal["pool", "mistakes", "supervisor"]
#: What marks a new connection as a part's, before anybody uses it.
Mark: TypeAlias = Callable[[Any], Awaitable[None]]
Rows: TypeAlias = list[dict[str, Any]]


class ServerView(NamedTuple):
    """What the server itself says."""

    #: Connections of the function's pool that are open now.
    pool: int
    #: Connections that the function opened beside its pool.
    mistakes: int
    #: Connections that anybody opened, ever: to this database (PostgreSQL) or to the server (MySQL).
    sessions: int


class Server(ABC):
    """A server that the demo runs with. Its SQL is here; what is done with it is ``Database``'s.

    Args:
        url: where it is, and whose driver the pools use.
        name: begins the names that this demo's connections have at the server, where no others may have them.
    """

    #: What starting one of our own is called.
    product: ClassVar[str]
    #: Of its drivers for asyncio the usual one, which is also what the mistakes without a pool use.
    driver: ClassVar[str]
    #: What must be installed to start one.
    packages: ClassVar[tuple[str, ...]] = ()
    #: The time in UTC, as an expression whose value has no time zone.
    NOW: ClassVar[str]
    #: Makes an empty table ``users``.
    CREATE: ClassVar[str]

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._target = parse_url(url, is_async=True)
        self._names: dict[str, str] = {part: f"{name}-{part}" for part in ("pool", "mistakes", "supervisor")}

    @staticmethod
    @abstractmethod
    def start() -> Postgres | MariaDB:
        """Start one of our own with temporary data.

        Raises:
            OSError, RuntimeError: that cannot be done here; the message says what to install.
        """

    @property
    def where(self) -> str:
        """Host, port and database: nothing secret."""
        return f"{self._target.where}/{self._target.database or ''}"

    @abstractmethod
    def url(self, part: Part) -> str:
        """Where a part of the demo connects."""

    @abstractmethod
    def mark(self, part: Part) -> Mark | None:
        """The ``configure`` hook of a part's pool, which lets the server tell its connections from others.

        None where their URL does.
        """

    @abstractmethod
    async def describe(self, pool: AsyncPool) -> tuple[str, bool]:
        """Product and version, and whether there is a table ``users``.

        Raises:
            DemoError: the URL leads to no database in which there could be one.
        """

    @abstractmethod
    async def view(self, pool: AsyncPool) -> ServerView:
        """The server's own count."""

    @abstractmethod
    async def terminate(self, pool: AsyncPool) -> int:
        """End every session of the function's pool, and wait until they are gone. Returns how many."""

    @abstractmethod
    async def query_once(self, sql: str) -> Rows:
        """One statement over a connection of its own, as one writes it without a pool."""
