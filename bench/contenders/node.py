"""The pools of node: what they are. What they do is in ``bench/node``."""

from __future__ import annotations

from .base import Contender, Settings

__all__ = ["Mysql2", "NodeContender", "Pg"]


class NodeContender(Contender):
    """A pool that ``node/child.mjs`` knows by its package's name."""

    is_async = True
    package = ""


class Pg(NodeContender):
    package = "pg"
    settings = Settings(
        default="Pool({max: 5})",
        safe="query_timeout, connectionTimeoutMillis=2000, keepAlive; it has no check",
    )
    distributions = ("pg",)


class Mysql2(NodeContender):
    package = "mysql2"
    server = "mysql"
    settings = Settings(
        default="createPool({connectionLimit: 5})",
        safe="connectTimeout, timeout=2000 for each query, keep-alive; it has no check",
    )
    distributions = ("mysql2",)
