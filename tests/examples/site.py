"""The app of Next.js in production: ``next start``, its Python function on Vercel's runtime, and a database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.examples.databases import Database
from tests.support.next_app import Edge, NextServer
from tests.support.vercel import VercelFunction

__all__ = ["Site", "site"]


class Site(NamedTuple):
    next: NextServer
    function: VercelFunction
    database: Database

    @property
    def url(self) -> str:
        return self.next.url

    def freeze(self) -> None:
        """As between two requests: the function when its last one is over."""
        self.function.rest()
        self.function.freeze()
        self.next.freeze()

    def thaw(self) -> None:
        self.next.thaw()
        self.function.thaw()


@contextmanager
def site(app: Path, edge: Edge, database: Database, packages: Path) -> Iterator[Site]:
    """Run a built app on a database; ``packages`` is where its thawpool is."""
    environ = {"DATABASE_URL": database.url}
    root = app / "api"  # as vercel.json says
    path = f"{root}{os.pathsep}{packages}"
    with (
        VercelFunction(root, "index.py", environ={**environ, "PYTHONPATH": path}) as function,
        edge.before(function),
        NextServer(app, environ) as server,
    ):
        yield Site(server, function, database)
