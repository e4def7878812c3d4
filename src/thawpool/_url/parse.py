"""From a URL, or from its parts, to a ``Target``."""

from __future__ import annotations

import re
from typing import Any, Final

from ..errors import ConfigError
from .authority import default_port, parse_hosts, split, spread, unquote
from .drivers import choose, system_of
from .params import read_params
from .target import Endpoint, System, Target

__all__ = ["parse_url", "target_from_parts"]

#: What comes along when a URL is copied from a shell, an ``.env`` file or a provider's ``psql`` line.
_WRAPPING: Final = r"(?a)\A(?:export\s+)?(?:[A-Z][A-Z0-9_]*\s*=\s*)?(?:psql\s+)?"
_BLANK: Final = " \t\r\n\v\f\ufeff\u200b\"'`"
_SCHEME: Final = r"[a-z][a-z0-9+._-]{0,30}"
_KEYWORDS: Final = r"(?:host|hostaddr|port|user|password|dbname|service)\s*="
_PLACEHOLDER: Final = r"(?i)\*{3,}|[\[<{](?:your[ _-]?)?password[\]>}]"


def parse_url(
    url: str,
    *,
    driver: str | None = None,
    is_async: bool,
    connect_timeout: float | None = None,
    source: str = "url",
) -> Target:
    """Read a database URL.

    Args:
        url: as pasted: quotes and white space around it, ``NAME=`` or ``psql`` before it do no harm.
        driver: the library to use; None for the one that the scheme means, see ``docs/urls.md``. It
            never depends on what is installed.
        is_async: whether an ``AsyncPool`` asks.
        connect_timeout: seconds for one dial, over what the URL says; None for the URL's, else 5.
        source: where the URL came from, for messages.

    Raises:
        ConfigError: it cannot be understood, or asks for what cannot be had. The message begins with
            ``source`` and holds neither the password nor any part of the URL that could be one.
    """
    try:
        return _parse(url, driver, is_async, connect_timeout)
    except ConfigError as error:
        reason = str(error)
    raise ConfigError(f"{source}: {reason}")  # out here, so that nothing hangs on the error but its text


def target_from_parts(
    *,
    driver: str,
    host: str,
    port: int | None = None,
    user: str | None = None,
    password: str | None = None,
    database: str | None = None,
    is_async: bool,
    connect_timeout: float | None = None,
) -> Target:
    """Say where to connect without a URL.

    Raises:
        ConfigError: an unknown driver, one that does not fit the pool, or a host that is none.
    """
    driver, system = system_of(driver, is_async)
    fields: dict[str, Any] = {} if connect_timeout is None else {"connect_timeout": connect_timeout}
    return Target(
        driver=driver,
        system=system,
        hosts=parse_hosts(host, default_port(system) if port is None else port, encoded=False),
        user=user or None,
        password=password or None,
        database=database or None,
        **fields,
    )


def _parse(url: str, driver: str | None, is_async: bool, connect_timeout: float | None) -> Target:
    scheme, rest = _split_scheme(_unwrap(url))
    driver, system = choose(scheme, driver, is_async)
    userinfo, hostlist, path, query = split(rest)
    fields, hosts = _read(system, hostlist, query)
    user, _, password = userinfo.partition(":")
    fields.setdefault("user", unquote(user))
    fields.setdefault("password", unquote(password))
    fields.setdefault("database", unquote(path.removesuffix("/")))
    if re.fullmatch(_PLACEHOLDER, fields["password"]):
        raise ConfigError("the password is a placeholder; put the real one there, percent-encoded")
    if connect_timeout is not None:
        fields["connect_timeout"] = connect_timeout
    for name in ("user", "password", "database"):
        fields[name] = fields[name] or None
    return Target(driver=driver, system=system, hosts=hosts, **fields)


def _read(system: System, hostlist: str, query: str) -> tuple[dict[str, Any], tuple[Endpoint, ...]]:
    """The parameters and the hosts."""
    try:
        fields = read_params(system, query)
        return fields, _hosts(hostlist, fields, system)
    except ConfigError:
        if "@" not in query:
            raise
    # What looks like parameters may be the end of a password: nothing of it is shown.
    raise ConfigError(
        "it can be read in more than one way, or a parameter is not known; percent-encode @ as %40, ? as %3F and / "
        "as %2F in the user, the password and the parameters"
    )


def _unwrap(url: str) -> str:
    """``url`` without what was copied along with it."""
    bare = re.sub(_WRAPPING, "", url.strip(_BLANK)).strip(_BLANK)
    if not bare:
        raise ConfigError("it is empty; write postgresql://user:password@host:5432/database")
    if any("\ud800" <= char <= "\udfff" for char in bare):
        raise ConfigError("it is not valid UTF-8; percent-encode what is not ASCII")
    if any(char < " " or char == "\x7f" for char in bare):
        raise ConfigError("there is a line break or another control character in it; write it on one line")
    return bare


def _split_scheme(url: str) -> tuple[str, str]:
    if url[:5].lower() == "jdbc:":
        mysql = url[5:].lower().startswith(("mysql:", "mariadb:"))
        raise ConfigError(
            "it is Java's form; drop 'jdbc:' and put the user and the password before the host: "
            f"{'mysql://user:password@host:3306' if mysql else 'postgresql://user:password@host:5432'}/database"
        )
    scheme, mark, rest = url.partition("://")
    scheme = scheme.lower()
    if not mark and re.match(_KEYWORDS, url):
        raise ConfigError(
            "it is libpq's keyword form (host=... dbname=...); write it as a URL: "
            "postgresql://user:password@host:5432/database"
        )
    if not mark or not re.fullmatch(_SCHEME, scheme):
        raise ConfigError("it has no scheme; write postgresql://user:password@host:5432/database")
    if scheme in ("prisma", "prisma+postgres"):
        raise ConfigError(
            f"{scheme}:// leads to Prisma's HTTP proxy, which only Prisma's own client speaks to; use the "
            "database's direct URL, which begins with postgres://"
        )
    return scheme, rest


def _hosts(hostlist: str, fields: dict[str, Any], system: System) -> tuple[Endpoint, ...]:
    """The hosts before the path; those among the parameters take precedence, as in libpq."""
    named = fields.pop("host", None)
    ports = fields.pop("port", None)
    port: int | list[int] = default_port(system) if ports is None else ports
    if named is not None:
        return parse_hosts(named, port, encoded=False)
    if not hostlist:
        hostlist = "localhost"
    hosts = parse_hosts(hostlist, port, encoded=True)
    if ports is not None:
        return tuple((host, own) for (host, _), own in zip(hosts, spread(ports, len(hosts)), strict=True))
    return hosts
