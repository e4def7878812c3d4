"""The parameters of MySQL's URLs. It has no common form: each client calls the same thing by another name."""

from __future__ import annotations

import re
from typing import Any, Final

from ..errors import ConfigError

__all__ = [
    "CHARSETS",
    "EXTRA",
    "FOREIGN",
    "SETTING",
    "TYPED",
    "UNDERSTOOD",
    "finish",
    "mode_of",
    "name_of",
    "tls_demands",
]

#: What a Target has a place of its own for.
TYPED: Final = frozenset({
    "connect_timeout", "database", "host", "password", "port", "sslcert", "sslkey", "sslmode", "sslrootcert", "user",
})  # fmt: skip
#: How texts are written.
EXTRA: Final = frozenset({"charset", "collation"})
#: Prisma's and node's words for TLS; Go's; PyMySQL's and Connector/Python's, SQLAlchemy's; Java's.
UNDERSTOOD: Final = frozenset({
    "ssl", "sslaccept", "tls", "ssl_check_hostname", "ssl_disabled", "ssl_verify_cert", "ssl_verify_identity",
    "requiressl", "usessl", "verifyservercertificate",
})  # fmt: skip
#: Said to other tools: Prisma, node's mysql2, Go's driver, Rails, Doctrine, Connector/J.
FOREIGN: Final = frozenset({
    "allowpublickeyretrieval", "autoreconnect", "connection_limit", "connectionlimit", "interpolateparams", "parsetime",
    "pool_timeout", "queuelimit", "reconnect", "servertimezone", "serverversion", "socket_timeout",
    "statement_cache_size", "useunicode", "waitforconnections",
})  # fmt: skip

#: How a setting of the server is given.
SETTING: Final = "made by a SET statement in the option configure"

#: Other names of the parameters above, in small letters with ``-`` as ``_``.
_NAMES: Final = {
    "ssl_mode": "sslmode", "ssl_ca": "sslrootcert", "sslca": "sslrootcert", "ssl_cert": "sslcert", "ssl_key": "sslkey",
    "ssl_verify_server_cert": "ssl_verify_cert", "socket": "host", "socketpath": "host", "unix_socket": "host",
    "db": "database",
}  # fmt: skip
#: MySQL's modes in libpq's words.
_MODES: Final = {
    "disabled": "disable", "preferred": "prefer", "required": "require", "verify_ca": "verify-ca",
    "verify_identity": "verify-full",
}  # fmt: skip
#: What a switch demands when it is on. Go's ``tls=true`` checks the name too.
_SWITCHES: Final = {
    "requiressl": "require", "ssl_check_hostname": "verify-full", "ssl_disabled": "disable",
    "ssl_verify_cert": "verify-ca", "ssl_verify_identity": "verify-full", "tls": "verify-full", "usessl": "require",
    "verifyservercertificate": "verify-ca",
}  # fmt: skip
_GO: Final = {"preferred": "prefer", "skip-verify": "require"}
_YES: Final = ("1", "on", "true", "yes")
_NO: Final = ("", "0", "off", "false", "no")

#: The character sets that a session can have and Python can read. Servers call UTF-8 utf8mb4.
CHARSETS: Final = frozenset({
    "ascii", "big5", "cp1250", "cp1251", "cp1256", "cp1257", "cp850", "cp852", "cp866", "cp932", "euckr", "gb18030",
    "gb2312", "gbk", "greek", "hebrew", "koi8r", "koi8u", "latin1", "latin2", "latin5", "latin7", "macroman", "sjis",
    "tis620", "ujis", "utf8mb4",
})  # fmt: skip
_UTF8: Final = ("utf8", "utf8mb3", "utf-8")


def name_of(key: str) -> str:
    """A parameter's one name."""
    plain = key.lower().replace("-", "_")
    return _NAMES.get(plain, plain)


def mode_of(mode: str) -> str:
    """A mode of TLS in libpq's words."""
    return _MODES.get(mode.replace("-", "_"), mode)


def tls_demands(given: dict[str, str]) -> list[str]:
    """What the URL demands of TLS beside ``sslmode``, ``ssl`` and ``sslaccept``, in libpq's words.

    Raises:
        ConfigError: a switch is neither on nor off.
    """
    demands = []
    for name, demand in _SWITCHES.items():
        value = given.get(name, "").lower()
        if value in _YES:
            demands.append(demand)
        elif name == "tls" and value in _GO:
            demands.append(_GO[value])
        elif value not in _NO:
            raise ConfigError(f"{name}: write true or false, or sslmode= with one of the modes")
    if given.get("sslrootcert") and not given.get("sslmode"):
        demands.append("verify-ca")  # as MySQL's own client reads it
    return demands


def finish(given: dict[str, str], fields: dict[str, Any], others: dict[str, str]) -> None:
    """Give ``others`` the character set and the collation by names that every driver knows.

    Raises:
        ConfigError: a name that no server or no Python knows, or two that do not go together.
    """
    charset, collation = (given.get(name, "").lower() for name in ("charset", "collation"))
    if "_" in charset and not collation:
        charset, collation = "", charset  # as node's mysql2 calls it
    family = collation.partition("_")[0]
    if family in _UTF8:
        family, collation = "utf8mb4", "utf8mb4" + collation[len(family) :]
    if charset in _UTF8:
        charset = "utf8mb4"
    if not charset and family in CHARSETS:
        charset = family
    if charset and charset not in CHARSETS:
        raise _no_charset(charset)
    if collation and (
        not re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)+", collation) or family in CHARSETS - {charset}
    ):
        raise ConfigError(
            f"the collation is none of the character set {charset or 'utf8mb4'}: write its name, as in "
            "collation=utf8mb4_unicode_ci, or leave it to the server"
        )
    others.update({name: value for name, value in (("charset", charset), ("collation", collation)) if value})


def _no_charset(name: str) -> ConfigError:
    import difflib

    near = difflib.get_close_matches(name, sorted(CHARSETS), n=1)
    return ConfigError(
        f"charset: there is no such character set; {f'did you mean {near[0]}? ' if near else ''}utf8mb4 serves all texts"
    )
