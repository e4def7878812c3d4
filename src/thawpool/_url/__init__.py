"""Where and how to connect: a database URL, as pasted from anywhere, in one typed form.

Loaded when a pool first needs its URL, so ``import thawpool`` does not pay for it. The arguments of drivers are
loaded by server, when an adapter names them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .parse import parse_url, target_from_parts
from .target import Target

if TYPE_CHECKING:
    from .libpq_args import libpq_options
    from .mysql_args import mysql_context, mysql_options, mysqlclient_tls
    from .postgresql_args import asyncpg_options, pg8000_options

__all__ = [
    "Target",
    "asyncpg_options",
    "libpq_options",
    "mysql_context",
    "mysql_options",
    "mysqlclient_tls",
    "parse_url",
    "pg8000_options",
    "target_from_parts",
]

_LATER: Final = {
    "asyncpg_options": "postgresql_args",
    "libpq_options": "libpq_args",
    "pg8000_options": "postgresql_args",
    "mysql_context": "mysql_args",
    "mysql_options": "mysql_args",
    "mysqlclient_tls": "mysql_args",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_LATER[name]}", __name__), name)
