"""The parameters behind the ``?``: which are known, what they mean, which belong to other tools."""

from __future__ import annotations

import re
from typing import Any, Final

from ..errors import ConfigError
from .authority import unquote
from .target import SSL_MODES, System

__all__ = ["read_params"]

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

#: The words of node-postgres and of Prisma; Prisma's checks against the system's authorities.
_ELSEWHERE: Final = {"no-verify": "require", "strict": "verify-full"}
_YES: Final = ("1", "on", "true", "yes")


def read_params(system: System, query: str) -> dict[str, Any]:
    """The attributes of a ``Target`` that the parameters give, and ``host`` and ``port`` if they do.

    What belongs to other tools is left out, with one log line that names it.

    Raises:
        ConfigError: an unknown parameter, or a value that cannot work.
    """
    words = _words(system)
    given = {words.name_of(key): value for key, value in _pairs(query)} if query else {}
    fields: dict[str, Any] = {}
    others: dict[str, str] = {}
    dropped: list[str] = []
    for key, value in given.items():
        if key in words.TYPED:
            fields[key] = value
        elif key in words.EXTRA:
            others[key] = value
        elif key in words.FOREIGN or key.lower() in words.FOREIGN:
            dropped.append(key)
        elif key not in words.UNDERSTOOD:
            raise _unknown(key, words)
    _tls(given, fields, words)
    words.finish(given, fields, others)
    fields = {key: value for key, value in fields.items() if value != ""}
    if "dbname" in fields:
        fields["database"] = fields.pop("dbname")
    _convert(fields)
    if others:
        fields["extra"] = {key: value for key, value in others.items() if value != ""}
    if dropped:
        _log_dropped(dropped)
    return fields


def _words(system: System) -> Any:
    """The vocabulary of a system: a module. The other one is not loaded."""
    if system == "mysql":
        from . import mysql_words

        return mysql_words
    from . import postgresql_words

    return postgresql_words


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


def _tls(given: dict[str, str], fields: dict[str, Any], words: Any) -> None:
    """What the URL demands of TLS, in libpq's words; of several demands the strongest holds."""
    mode = words.mode_of(given.get("sslmode", "").lower())
    bidden = _from_ssl(given.get("ssl", ""))
    demands = [mode, bidden, *words.tls_demands(given)]
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
    if "strict" in (accept, bidden):
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
    if plain.startswith("{"):  # as node reads it where it says nothing else
        return "strict"
    return "" if plain in ("0", "off", "false", "no") else plain


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


def _unknown(key: str, words: Any) -> ConfigError:
    if key in _REFUSED:
        return ConfigError(f"the parameter {key} cannot be used: {_REFUSED[key]}")
    if not _is_name(key):
        return ConfigError(
            "a parameter's name in it is not valid; percent-encode & as %26 and = as %3D in values"
        )
    import difflib

    known = sorted(words.TYPED | words.EXTRA | words.UNDERSTOOD)
    near = difflib.get_close_matches(key.lower(), known, n=1, cutoff=0.8)
    hint = f"did you mean {near[0]}? " if near else ""
    return ConfigError(
        f"the parameter {key!r} is not known; {hint}A setting of the server is {words.SETTING}"
    )


def _log_dropped(keys: list[str]) -> None:
    import logging

    logging.getLogger("thawpool").info(
        "left out of the database URL, since they speak to other tools: %s", ", ".join(sorted(keys))
    )
