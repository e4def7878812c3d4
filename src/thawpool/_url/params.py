"""The parameters behind the ``?``: which are known, what they mean, which belong to other tools."""

from __future__ import annotations

import re
from typing import Any, Final

from ..errors import ConfigError
from .authority import unquote
from .server_options import read_settings, with_search_path
from .target import SSL_MODES, System

__all__ = ["read_params"]

#: libpq's parameters that a Target has a place of its own for.
_TYPED: Final = frozenset({
    "application_name", "channel_binding", "connect_timeout", "database", "dbname", "host", "options", "password",
    "port", "sslcert", "sslkey", "sslmode", "sslrootcert", "target_session_attrs", "user",
})  # fmt: skip

#: libpq's further parameters; they go to libpq as they are.
_EXTRA: Final = frozenset({
    "client_encoding", "fallback_application_name", "gssdelegation", "gssencmode", "gsslib", "keepalives",
    "keepalives_count", "keepalives_idle", "keepalives_interval", "krbsrvname",
    "max_protocol_version", "min_protocol_version", "oauth_client_id", "oauth_client_secret", "oauth_issuer",
    "oauth_scope", "passfile", "require_auth", "requirepeer", "scram_client_key", "scram_server_key",
    "ssl_max_protocol_version", "ssl_min_protocol_version", "sslcertmode", "sslcompression", "sslcrl",
    "sslcrldir", "sslnegotiation", "sslpassword", "sslsni", "tcp_user_timeout",
})  # fmt: skip

#: Understood here rather than passed on.
_UNDERSTOOD: Final = frozenset({"schema", "ssl", "sslaccept"})
_MYSQL_UNDERSTOOD: Final = frozenset({"ssl", "sslaccept"})

#: Said to other tools: Prisma, Supabase and Vercel, node-postgres, pgx, PgJDBC, SQLAlchemy's asyncpg dialect.
_FOREIGN: Final = frozenset({
    "connection_limit", "default_query_exec_mode", "description_cache_capacity", "pgbouncer", "pool_health_check_period",
    "pool_max_conn_idle_time", "pool_max_conn_lifetime", "pool_max_conns", "pool_min_conns", "pool_mode", "pool_timeout",
    "preparethreshold", "prepared_statement_cache_size", "single_use_connections", "socket_timeout",
    "statement_cache_capacity", "statement_cache_size", "supa", "uselibpqcompat", "workaround",
})  # fmt: skip

_REFUSED: Final = {
    "hostaddr": "put the address where the host is",
    "load_balance_hosts": "thawpool tries the hosts in the order of the URL",
    "replication": "a replication connection cannot be pooled; open it with the driver",
    "service": "thawpool reads no service file; put the host, user and database in the URL",
    "servicefile": "thawpool reads no service file; put the host, user and database in the URL",
    "sslidentity": "convert the PKCS #12 file to PEM and give sslcert and sslkey",
    "sslkeylogfile": "it would give the connection's keys away; set it only with the driver itself",
}

_CHOICES: Final = {
    "channel_binding": ("disable", "prefer", "require"),
    "sslmode": SSL_MODES,
    "target_session_attrs": ("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
}

#: MySQL has no common URL form: what its clients call the same thing, with ``-`` as ``_``.
_MYSQL_NAMES: Final = {
    "ssl_mode": "sslmode", "tls": "ssl", "ssl_ca": "sslrootcert", "sslca": "sslrootcert", "ssl_cert": "sslcert",
    "ssl_key": "sslkey", "socket": "host", "unix_socket": "host", "db": "database",
}  # fmt: skip
_MYSQL_MODES: Final = {
    "disabled": "disable", "preferred": "prefer", "required": "require", "verify_ca": "verify-ca",
    "verify_identity": "verify-full",
}  # fmt: skip
_MYSQL_TYPED: Final = frozenset({
    "connect_timeout", "database", "host", "password", "port", "sslcert", "sslkey", "sslmode", "sslrootcert", "user",
})  # fmt: skip
_MYSQL_EXTRA: Final = frozenset({"charset", "collation"})
_MYSQL_FOREIGN: Final = frozenset({
    "allowpublickeyretrieval", "connection_limit", "connectionlimit", "parsetime", "pool_timeout", "queuelimit",
    "reconnect", "serverversion", "socket_timeout", "statement_cache_size", "waitforconnections",
})  # fmt: skip

#: The words of node-postgres and of Prisma; Prisma's checks against the system's authorities.
_ELSEWHERE: Final = {"no-verify": "require", "strict": "verify-full"}
_YES: Final = ("1", "on", "true", "yes")


def read_params(system: System, query: str) -> dict[str, Any]:
    """The attributes of a ``Target`` that the parameters give, and ``host`` and ``port`` if they do.

    What belongs to other tools is left out, with one log line that names it.

    Raises:
        ConfigError: an unknown parameter, or a value that cannot work.
    """
    given = dict(_pairs(query)) if query else {}
    if system == "mysql":
        given = {_mysql_name(key): value for key, value in given.items()}
        typed, extra, understood, foreign = _MYSQL_TYPED, _MYSQL_EXTRA, _MYSQL_UNDERSTOOD, _MYSQL_FOREIGN
    else:
        typed, extra, understood, foreign = _TYPED, _EXTRA, _UNDERSTOOD, _FOREIGN
    fields: dict[str, Any] = {}
    others: dict[str, str] = {}
    dropped: list[str] = []
    for key, value in given.items():
        if key in typed:
            fields[key] = value
        elif key in extra:
            others[key] = value
        elif key in foreign or key.lower() in foreign:
            dropped.append(key)
        elif key not in understood:
            raise _unknown(key, typed | extra | understood)
    _tls(given, fields, system)
    if system == "postgresql":
        _server_options(given, fields)
    fields = {key: value for key, value in fields.items() if value != ""}
    if "dbname" in fields:
        fields["database"] = fields.pop("dbname")
    _convert(fields)
    if others:
        fields["extra"] = {key: value for key, value in others.items() if value != ""}
    if dropped:
        _log_dropped(dropped)
    return fields


def _pairs(query: str) -> list[tuple[str, str]]:
    pairs = []
    for piece in query.split("&"):
        key, mark, value = piece.partition("=")
        if not piece:
            continue
        if not mark:
            raise ConfigError("a parameter in it has no value; write name=value, and & between two of them")
        key = unquote(key)
        if key == "options" and "-c+" in value:
            value = value.replace("+", " ")  # as a web form writes a space; "-c+name" could mean nothing else
        pairs.append((key, unquote(value)))
    return pairs


def _mysql_name(key: str) -> str:
    plain = key.lower().replace("-", "_")
    return _MYSQL_NAMES.get(plain, plain)


def _tls(given: dict[str, str], fields: dict[str, Any], system: System) -> None:
    """What the URL demands of TLS, in libpq's words; of several demands the strongest holds."""
    mode = given.get("sslmode", "").lower()
    if system == "mysql":
        mode = _MYSQL_MODES.get(mode.replace("-", "_"), mode)
    demands = [mode, _from_ssl(given.get("ssl", ""))]
    if given.get("sslrootcert") == "system":
        # libpq's own rule: from such an authority anybody gets a certificate, so the name must be checked.
        if mode not in ("", "verify-full"):
            raise ConfigError(f"sslrootcert=system needs sslmode=verify-full, not {_word(mode)}")
        demands.append("verify-full")
    accept = given.get("sslaccept", "")
    if accept not in ("", "accept_invalid_certs", "strict"):
        raise ConfigError("sslaccept: write strict, or sslmode=verify-full instead")
    if accept and "sslkey" not in given and "sslcert" in fields:
        fields["sslrootcert"] = fields.pop("sslcert")  # Prisma's name for the server's authority
    if "strict" in (accept, demands[1]):
        demands.append("strict")
        fields.setdefault("sslrootcert", "system")
    demands = [_ELSEWHERE.get(demand, demand) for demand in demands if demand]
    for demand in demands:
        if demand not in SSL_MODES:
            raise ConfigError(f"sslmode={_word(demand)} is not one of {', '.join(SSL_MODES)}")
    if demands:
        fields["sslmode"] = max(demands, key=SSL_MODES.index)


def _from_ssl(value: str) -> str:
    """``ssl=true`` means ``sslmode=require``, as libpq reads it; node-postgres and MySQL have more forms."""
    plain = value.lower().replace(" ", "")
    if plain in _YES or '"rejectunauthorized":false' in plain:
        return "require"
    if '"rejectunauthorized":true' in plain:
        return "strict"
    return "" if plain in ("0", "off", "false", "no") else plain


def _server_options(given: dict[str, str], fields: dict[str, Any]) -> None:
    """What the server is told at the start of the session."""
    settings = read_settings(given.get("options", ""))
    schema = given.get("schema", "")
    if schema not in ("", "public") and "search_path" not in settings:
        fields["options"] = with_search_path(given.get("options", ""), schema)
        settings["search_path"] = schema
    if settings:
        fields["settings"] = settings


def _convert(fields: dict[str, Any]) -> None:
    """Check and convert the values that are not free text, in place."""
    for key, choices in _CHOICES.items():
        if key in fields and fields[key] not in choices:
            raise ConfigError(f"{key}={_word(fields[key])} is not one of {', '.join(choices)}")
    if "connect_timeout" in fields:
        timeout = _number(fields.pop("connect_timeout"))
        if timeout > 0:  # 0 means "wait for ever" to libpq, which thawpool never does
            fields["connect_timeout"] = timeout
    if "port" in fields:
        ports = fields["port"].split(",")
        if not all(port.isascii() and port.isdigit() and 0 < int(port) < 65536 for port in ports):
            raise ConfigError(
                "port: give a number from 1 to 65535, or one for each host with a comma between"
            )
        fields["port"] = [int(port) for port in ports]


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not number < 2_147_483:
        raise ConfigError("connect_timeout: give a number of seconds")
    return number


def _word(value: str) -> str:
    """A value to show in a message: only what can be a choice."""
    return repr(value) if _is_name(value) else "that"


def _is_name(text: str) -> bool:
    return re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]{0,40}", text) is not None


def _unknown(key: str, known: frozenset[str]) -> ConfigError:
    if key in _REFUSED:
        return ConfigError(f"the parameter {key} cannot be used: {_REFUSED[key]}")
    if not _is_name(key):
        return ConfigError(
            "a parameter's name in it is not valid; percent-encode & as %26 and = as %3D in values"
        )
    import difflib

    near = difflib.get_close_matches(key.lower(), sorted(known), n=1, cutoff=0.8)
    hint = f"did you mean {near[0]}? " if near else ""
    return ConfigError(
        f"the parameter {key!r} is not known; {hint}A setting of the server is written options=-c%20name%3Dvalue"
    )


def _log_dropped(keys: list[str]) -> None:
    import logging

    logging.getLogger("thawpool").info(
        "left out of the database URL, since they speak to other tools: %s", ", ".join(sorted(keys))
    )
