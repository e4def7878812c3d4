"""The database behind the demo: the users in it, and the server's own view of the function's connections."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from thawpool import AsyncPool
from thawpool.errors import PoolError

from .errors import DemoError
from .people import people
from .servers import ServerView, server_at

if TYPE_CHECKING:
    from thawpool.testing import MariaDB, Postgres

__all__ = ["Database"]


class Database:
    """A server of our own, or one that ``--database-url`` names; seen over one connection of our own.

    The function's connections carry names that no other demo on the same server has.
    """

    def __init__(self, url: str, own: MariaDB | Postgres | None) -> None:
        #: The server itself if it is ours, to stop and to start.
        self.own = own
        name = f"thawpool-demo-{os.getpid()}"
        self._server = server_at(url, name)
        #: What the function's process needs to find its database and its name there.
        self.environment = {"DATABASE_URL": self._server.url("pool"), "THAWPOOL_DEMO_NAME": name}
        # It leaves nothing in its session, which therefore owes no reset after a statement that nobody knows.
        self._pool = AsyncPool(self._server.url("supervisor"), max_size=1, timeout=0.5, reset="never")
        self._created = False

    @property
    def where(self) -> str:
        """Host, port and database: nothing secret."""
        return self._server.where

    async def prepare(self) -> str:
        """Lay out ``users``, unless the database has one already. Returns what server it is.

        Raises:
            DemoError: the database cannot be reached or written to, or its ``users`` is another table than ours.
        """
        try:
            title, has_users = await self._server.describe(self._pool)
            if not has_users:
                await self._lay_out()
            await self._look_at_users()
        except PoolError as error:
            raise DemoError(f"the database at {self.where} cannot be used: {error}") from error
        return title

    async def _lay_out(self) -> None:
        """Make the table and fill it. A Ctrl-C waits for that, so that it is known what to drop."""
        creating = asyncio.create_task(self._create())
        try:
            await asyncio.shield(creating)
        except asyncio.CancelledError:
            await asyncio.wait({creating})
            raise
        except PoolError:
            raise
        except Exception as error:  # of whichever driver
            raise DemoError(
                f"there is no table users at {self.where}, and none can be made: {error}"
            ) from error

    async def _create(self) -> None:
        rows = people(50)
        async with self._pool.transaction(timeout=5) as tx:
            await tx.execute(self._server.CREATE)
            self._created = True  # by MySQL at once, whatever becomes of the transaction
            values = ", ".join(["(%s, %s)"] * len(rows))
            await tx.execute(
                f"INSERT INTO users (name, email) VALUES {values}", [text for row in rows for text in row]
            )

    async def _look_at_users(self) -> None:
        try:
            await self._pool.execute("SELECT id, name, email FROM users LIMIT 0")
        except PoolError:
            raise
        except Exception as error:  # of whichever driver
            raise DemoError(
                f"the table users at {self.where} is not one with id, name, email: {error}"
            ) from error

    async def view(self) -> ServerView:
        """Ask the server; raises ``PoolError`` when it is away."""
        return await self._server.view(self._pool)

    async def terminate(self) -> int:
        """Have the server close every connection of the function, and wait until it has. Returns how many."""
        return await self._server.terminate(self._pool)

    async def close(self) -> None:
        """Drop the table if we made it in somebody's database, and disconnect."""
        if self._created and self.own is None:
            try:
                await self._pool.execute("DROP TABLE IF EXISTS users", timeout=5)
            except Exception as error:  # of whichever driver
                print(f"thawpool demo: the table users is left behind at {self.where}: {error}")
        await self._pool.close()
