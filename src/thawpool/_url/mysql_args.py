"""A ``Target`` in the words of MySQL's drivers.

Host, port, password and time limit are left to the adapters, which give them anew for each attempt. Beside a
context a driver must not go on in plain text where the server has no TLS: that is for its adapter to see.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ..errors import ConfigError
from .operating_system import user_name
from .target import Target
from .tls import authorities, client_context, demanded, refuse_idle_files

if TYPE_CHECKING:
    import ssl

__all__ = ["mysql_context", "mysql_options", "mysqlclient_tls"]

#: MySQL's words for the modes.
_MODES: Final = {
    "disable": "DISABLED",
    "require": "REQUIRED",
    "verify-ca": "VERIFY_CA",
    "verify-full": "VERIFY_IDENTITY",
}


def mysql_options(target: Target) -> dict[str, str]:
    """Who connects to which database and how texts are written: ``user``, and if they are said ``database``,
    ``charset`` and ``collation``.
    """
    options = {"user": target.user or user_name(), "database": target.database, **target.extra}
    return {key: value for key, value in options.items() if value is not None}


def mysql_context(target: Target) -> ssl.SSLContext | None:
    """What the target demands of TLS; None where TLS may be left out, or is to be (``sslmode=disable``).

    Files are read here: call this once, not for each dial.

    Raises:
        ConfigError: a file that is needed is not given, or cannot be read.
    """
    if not _strict(target):
        return None
    return client_context(target.sslmode or "", _roots(target), target.sslcert, target.sslkey)


def mysqlclient_tls(target: Target) -> dict[str, Any]:
    """The arguments of ``MySQLdb.connect`` for TLS, which it does without Python.

    Raises:
        ConfigError: a file that is needed is not given, or cannot be read.
    """
    mysql_context(
        target
    )  # for its errors: where a file cannot be read, some client libraries go on without it
    mode = _MODES.get(target.sslmode or "", "PREFERRED")
    if not _strict(target):
        return {"ssl_mode": mode}
    roots = _roots(target)
    if roots == "system":
        roots = authorities()
        if roots is None:
            raise ConfigError("the system's authorities are not in one file here: name it with sslrootcert")
    files = {"ca": roots, "cert": target.sslcert, "key": target.sslkey or target.sslcert}
    return {"ssl_mode": mode, "ssl": {key: path for key, path in files.items() if path is not None}}


def _strict(target: Target) -> bool:
    if target.sslkey is not None and target.sslcert is None:
        raise ConfigError("sslkey needs sslcert beside it: the client's certificate")
    strict = demanded(target.sslmode)
    if not strict:
        refuse_idle_files(target, target.driver, target.sslmode)
    return strict


def _roots(target: Target) -> str | None:
    """To know the server's name is enough only with an authority; those of the system are the usual ones."""
    return target.sslrootcert or ("system" if target.sslmode == "verify-full" else None)
