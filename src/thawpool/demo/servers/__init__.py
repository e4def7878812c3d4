"""What the demo knows of each kind of database server, in one class per kind."""

from __future__ import annotations

import os
import re

from thawpool._url import parse_url
from thawpool.errors import ConfigError

from .base import Rows, Server, ServerView, System

__all__ = [
    "Rows",
    "Server",
    "ServerView",
    "System",
    "from_environment",
    "kind",
    "needs",
    "server_at",
    "with_async_driver",
]


def kind(system: System) -> type[Server]:
    """The class for a system; its driver is loaded when it first connects."""
    if system == "mysql":
        from .mysql import MySQL

        return MySQL
    from .postgresql import PostgreSQL

    return PostgreSQL


def server_at(url: str, name: str) -> Server:
    """The server that a URL leads to; ``name`` begins the names by which it knows our connections."""
    return kind(parse_url(url, is_async=True).system)(url, name)


def from_environment() -> Server:
    """The function's server, as the supervisor has told its process."""
    return server_at(os.environ["DATABASE_URL"], os.environ["THAWPOOL_DEMO_NAME"])


def needs(system: System, url: str | None) -> tuple[list[str], list[str]]:
    """What must be installed for the demo: drivers, which have an extra each, and the rest.

    Args:
        system: what is started where there is no ``url``.
    """
    web = ["starlette", "uvicorn"]
    if url is None:
        own = kind(system)
        return [own.driver], [*web, *own.packages]
    target = parse_url(url, is_async=True)
    return sorted({kind(target.system).driver, target.driver}), web


def with_async_driver(text: str) -> str:
    """A URL as pasted, less its driver where that is one for threads: the function's pool is an ``AsyncPool``.

    Raises:
        ConfigError: it is no URL of a database that thawpool knows. The message holds nothing secret.
    """
    url = text.strip(" \t\r\n\"'`")
    plain = re.sub(r"\+[a-z0-9._-]+(?=://)", "", url, count=1, flags=re.IGNORECASE)
    parse_url(plain, is_async=True, source="URL")  # whatever is wrong besides the driver
    try:
        parse_url(url, is_async=True, source="URL")
    except ConfigError as error:
        try:
            parse_url(url, is_async=False)
        except ConfigError:
            raise error from None
        return plain
    return url
