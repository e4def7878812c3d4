"""What each option may be, and what to say where it is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from .errors import ConfigError

__all__ = ["check_options"]

INFINITY: Final = float("inf")
#: Coroutine functions are told by this flag of their code, without importing ``inspect``.
CO_COROUTINE: Final = 0x80

POOLERS: Final = (
    "auto", "azure", "neon", "odyssey", "pgbouncer", "pgcat", "pgdog", "proxysql", "rds_proxy", "supavisor",
)  # fmt: skip


class _Range(NamedTuple):
    """The numbers an option may be, and what else: None (no limit) or ``"auto"``."""

    least: float
    most: float = INFINITY
    none: bool = False
    auto: bool = False

    def __str__(self) -> str:
        words = f"{self.least:g} or more" if self.most == INFINITY else f"{self.least:g} to {self.most:.0f}"
        return words + (", 'auto'" if self.auto else "") + (" or None" if self.none else "")


#: A wait of less than a millisecond is a mistake in the unit; of more than 31 bits of milliseconds, too
#: long for a socket and for the server.
_WAIT: Final = _Range(0.001, 2_147_483.0)

_SECONDS: Final = {
    "timeout": _WAIT,
    "connect_timeout": _WAIT._replace(auto=True),
    "idle_timeout": _Range(0),
    "trust_window": _Range(0),
    "max_lifetime": _Range(0.001, none=True),
    "server_idle_timeout": _WAIT._replace(none=True, auto=True),
    "server_transaction_timeout": _WAIT._replace(none=True),
    "statement_timeout": _WAIT._replace(none=True, auto=True),
    "tcp_timeout": _Range(0.001, 32_767),  # the kernel counts keepalive seconds in 15 bits
}
_COUNTS: Final = {
    "max_size": _Range(1),
    "min_size": _Range(0),
    "max_uses": _Range(1, none=True),
    "max_waiting": _Range(0, none=True),
    "keep": _Range(0, none=True, auto=True),
    "port": _Range(1, 65_535, none=True),
}

#: The words of other pools and drivers, in small letters without ``_``.
_ELSEWHERE: Final = {
    "acquiretimeout": "timeout",
    "commandtimeout": "statement_timeout",
    "connectionlimit": "max_size",
    "conninfo": "url",
    "db": "database",
    "dbname": "database",
    "dsn": "url",
    "idletimeoutmillis": "idle_timeout",
    "init": "configure",
    "initcommand": "configure",
    "maxconnections": "max_size",
    "maxidle": "idle_timeout",
    "maxinactiveconnectionlifetime": "idle_timeout",
    "maxoverflow": "max_size",
    "maxqueries": "max_uses",
    "maxsize": "max_size",
    "minsize": "min_size",
    "passwd": "password",
    "poolname": "name",
    "poolprepping": "trust_window",
    "poolrecycle": "max_lifetime",
    "poolresetsession": "reset",
    "poolsize": "max_size",
    "pooltimeout": "timeout",
    "queuelimit": "max_waiting",
    "setup": "configure",
    "socketpath": "host",
    "unixsocket": "host",
    "uri": "url",
    "username": "user",
}
#: What others have a word for, and thawpool none.
_INSTEAD: Final = {
    "autocommit": "connections are always in autocommit, and pool.transaction() begins a transaction",
    "charset": "write it into the URL, as ?charset=utf8mb4",
    "collation": "write it into the URL, as ?collation=utf8mb4_unicode_ci",
    "ssl": "demand TLS in the URL, as ?sslmode=verify-full&sslrootcert=ca.pem",
    "sslmode": "demand TLS in the URL, as ?sslmode=verify-full&sslrootcert=ca.pem",
    "waitforconnections": "requests always wait, up to timeout; max_waiting=0 lets none wait",
}


def check_options(url: object, options: Mapping[str, Any], known: Mapping[str, Any], is_async: bool) -> None:
    """Check everything that can be known without the URL and the machine.

    Raises:
        ConfigError: see ``PoolConfig.make``.
    """
    for name in options:
        if name not in known:
            raise _unknown(name, known)
    _check_url(url)
    _check_parts(url, options, is_async)
    for name, value in options.items():
        if name in _SECONDS:
            _check_seconds(name, value, _SECONDS[name])
        elif name in _COUNTS:
            _check_count(name, value, _COUNTS[name])
    _check_together({**known, **options})
    _check_words(options)
    _check_callables(options, is_async)
    _check_seams(options)


def _unknown(name: str, known: Mapping[str, Any]) -> ConfigError:
    plain = name.replace("_", "").lower()
    if plain in _INSTEAD:
        return ConfigError(f"there is no option {name!r}: {_INSTEAD[plain]}")
    near = _ELSEWHERE.get(plain)
    if near is None:
        import difflib

        near = next(iter(difflib.get_close_matches(name.lower(), sorted(known), n=1)), None)
    hint = f"did you mean {near}?" if near else f"the options are url, {', '.join(known)}"
    return ConfigError(f"there is no option {name!r}: {hint}")


def _check_url(url: object) -> None:
    if url is None:
        return
    if not isinstance(url, str):
        raise ConfigError(
            f"url is of type {type(url).__name__}: pass a str. Of a SQLAlchemy URL that is "
            "url.render_as_string(hide_password=False), of a pydantic one str(url)"
        )
    if not url.strip():
        raise ConfigError(
            "url is empty: pass postgresql://user:password@host:5432/database, or None for DATABASE_URL"
        )


def _check_parts(url: object, options: Mapping[str, Any], is_async: bool) -> None:
    """A URL, or a driver and a host with what belongs to it: not both, and not half of one."""
    given = {name for name, value in options.items() if value is not None}
    for name in ("driver", "host", "user", "database", "name"):
        if name in given and (not isinstance(options[name], str) or not options[name]):
            raise ConfigError(f"{name} must be a str that is not empty, or None for the default")
    parts = [name for name in ("host", "port", "user", "database") if name in given]
    if url is not None and parts:
        raise ConfigError(
            f"url and {parts[0]} say the same thing twice: put {parts[0]} into the URL, or drop url"
        )
    if parts and "host" not in given:
        raise ConfigError(
            f"{parts[0]} without host: name host and driver too, or put {parts[0]} into the URL (DATABASE_URL)"
        )
    if "host" in given and "driver" not in given:
        mysql = "asyncmy" if is_async else "pymysql"
        raise ConfigError(
            f'host without driver: name it, driver="psycopg" for PostgreSQL, "{mysql}" for MySQL and MariaDB, or another'
        )
    if "host" in given and "://" in options["host"]:
        raise ConfigError("host holds a URL: pass it as url")


def _check_seconds(name: str, value: object, allowed: _Range) -> None:
    if (value is None and allowed.none) or (value == "auto" and allowed.auto):
        return
    if value is None:
        raise ConfigError(f"{name}=None: thawpool never waits for ever; give {allowed} (seconds)")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(
            f"{name}={value!r} is of type {type(value).__name__}: give seconds as a number, {allowed}"
        )
    if not allowed.least <= value <= allowed.most or value == INFINITY:
        raise ConfigError(f"{name}={value!r} is out of range: give {allowed} (seconds)")


def _check_count(name: str, value: object, allowed: _Range) -> None:
    if (value is None and allowed.none) or (value == "auto" and allowed.auto):
        return
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigError(
            f"{name}={value!r} is of type {type(value).__name__}: give a whole number, {allowed}"
        )
    if not allowed.least <= value <= allowed.most:
        raise ConfigError(f"{name}={value!r} is out of range: give {allowed}")


def _check_together(options: Mapping[str, Any]) -> None:
    """Options that only make sense beside others."""
    size = options["max_size"]
    for name in ("min_size", "keep"):
        if isinstance(options[name], int) and options[name] > size:
            raise ConfigError(
                f"{name}={options[name]} is more than max_size={size}: lower it, or raise max_size"
            )
    server, window = options["server_idle_timeout"], min(options["trust_window"], options["idle_timeout"])
    if isinstance(server, int | float) and server <= window:
        raise ConfigError(
            f"server_idle_timeout={server!r} is not more than trust_window={window!r}: the server would end sessions "
            "that the pool leases without a look; raise it, or lower trust_window"
        )


def _check_words(options: Mapping[str, Any]) -> None:
    reset = options.get("reset", "dirty")
    if not callable(reset) and reset not in ("dirty", "always", "never"):
        raise ConfigError(
            f"reset={reset!r}: give 'dirty', 'always', 'never' or a function that is passed the connection"
        )
    pooler = options.get("pooler")
    if pooler is not None and pooler not in POOLERS:
        raise ConfigError(
            f"pooler={pooler!r} is not known: give None for none, or one of {', '.join(POOLERS)}"
        )
    debug = options.get("debug", False)
    if not isinstance(debug, bool):
        raise ConfigError(f"debug={debug!r}: give True or False")


def _check_callables(options: Mapping[str, Any], is_async: bool) -> None:
    if options.get("password") == "":
        raise ConfigError("password is empty: give the password, or None for the URL's")
    for name in ("check", "configure", "reset", "password"):
        value = options.get(name)
        if value is None or (isinstance(value, str) and name in ("reset", "password")):
            continue
        if not callable(value):
            what = (
                "a str or a function that returns one"
                if name == "password"
                else "a function, passed the connection"
            )
            raise ConfigError(f"{name} is of type {type(value).__name__}: give {what}, or None")
        if not is_async and _is_coroutine_function(value):
            raise ConfigError(
                f"{name} is an async function, which Pool cannot await: give a plain one, or use AsyncPool"
            )


def _check_seams(options: Mapping[str, Any]) -> None:
    clock = options.get("clock")
    if clock is not None and not all(callable(getattr(clock, name, None)) for name in ("wall", "mono")):
        raise ConfigError(
            f"clock is of type {type(clock).__name__}: give an object with wall() and mono(), or None"
        )
    platform = options.get("platform")
    if platform is not None and not hasattr(platform, "after_response"):
        raise ConfigError(
            "platform: give a thawpool.platforms.Platform, or None to have it told from the environment"
        )


def _is_coroutine_function(function: Any) -> bool:
    while hasattr(function, "func"):  # a functools.partial
        function = function.func
    call = getattr(type(function), "__call__", None)  # noqa: B004 - its code is wanted, not whether there is one
    for candidate in (function, getattr(function, "__func__", None), call):
        code = getattr(candidate, "__code__", None)
        if code is not None:
            return bool(code.co_flags & CO_COROUTINE)
    return False
