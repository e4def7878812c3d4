"""A ``Target`` in the words of each driver.

Host, port, password and time limit are left to the adapters, which give them anew for each attempt. An
option that asks for security which the driver cannot give is an error, never a shrug.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ..errors import ConfigError
from .target import SSL_MODES, Target

__all__ = ["asyncpg_options", "libpq_options"]


def libpq_options(target: Target) -> dict[str, str]:
    """The keywords of a libpq connection string, for psycopg."""
    options = dict(target.extra)
    named = {
        "user": target.user,
        "dbname": target.database,
        "sslmode": target.sslmode,
        "sslrootcert": _authorities() if target.sslrootcert == "system" else target.sslrootcert,
        "sslcert": target.sslcert,
        "sslkey": target.sslkey,
        "channel_binding": target.channel_binding,
        "application_name": target.application_name,
        "options": target.options,
        "target_session_attrs": target.target_session_attrs,
    }
    options.update((key, value) for key, value in named.items() if value is not None)
    return options


def _authorities() -> str:
    """The file of the system's certificate authorities, for ``sslrootcert=system``.

    The OpenSSL inside psycopg's wheels looks for it in a directory that no system has, Python's own
    knows better. Without such a file libpq is left to find them.
    """
    import ssl

    return ssl.get_default_verify_paths().cafile or "system"


#: What asyncpg has no use for, and nobody is less safe for it. The sockets get ``tcp_timeout``.
_IGNORED: Final = frozenset({
    "gssdelegation", "keepalives", "keepalives_count", "keepalives_idle", "keepalives_interval", "max_protocol_version",
    "min_protocol_version", "sslcompression", "tcp_user_timeout",
})  # fmt: skip
#: What asyncpg is told below, or what its way of working already fulfils with these values.
_HANDLED: Final = frozenset({
    "fallback_application_name", "gsslib", "krbsrvname", "passfile", "ssl_max_protocol_version",
    "ssl_min_protocol_version", "sslcrl", "sslnegotiation", "sslpassword",
})  # fmt: skip
_FULFILLED: Final = {
    "client_encoding": ("auto", "utf8", "utf-8"),
    "gssencmode": ("disable", "prefer"),
    "sslcertmode": ("allow",),
    "sslsni": ("1",),
}


def asyncpg_options(target: Target) -> dict[str, Any]:
    """The arguments of ``asyncpg.connect``.

    The ``ssl.SSLContext`` is built here, with files read: call this once, not for each dial.

    Raises:
        ConfigError: the target asks for what asyncpg cannot do, or names a file that cannot be read.
    """
    _refuse(target)
    extra = target.extra
    # asyncpg sends every server setting as a startup parameter, and that is what "options" is.
    settings = {
        "application_name": target.application_name or extra.get("fallback_application_name"),
        "options": target.options,
    }
    options: dict[str, Any] = {
        "user": target.user,
        "database": target.database,
        "server_settings": {key: value for key, value in settings.items() if value is not None} or None,
        "target_session_attrs": target.target_session_attrs,
        "krbsrvname": extra.get("krbsrvname"),
        "gsslib": extra.get("gsslib"),
        "passfile": extra.get("passfile"),
        "direct_tls": True if extra.get("sslnegotiation") == "direct" else None,
        "ssl": _ssl(target),
    }
    return {key: value for key, value in options.items() if value is not None}


def _refuse(target: Target) -> None:
    """Raise for anything in ``target`` that asyncpg would not honour."""
    if target.channel_binding == "require":
        raise _impossible("channel_binding=require")
    if target.sslkey is not None and target.sslcert is None:
        raise ConfigError("sslkey needs sslcert beside it: the client's certificate")
    for key, value in target.extra.items():
        if key in _IGNORED or key in _HANDLED or value.lower() in _FULFILLED.get(key, ()):
            continue
        raise _impossible(key)


def _impossible(what: str) -> ConfigError:
    return ConfigError(f"asyncpg cannot honour {what}: take it out of the URL, or use postgresql+psycopg://")


def _ssl(target: Target) -> Any:
    """asyncpg's ``ssl`` argument: a mode's name where TLS may be left out, else a context."""
    mode = target.sslmode
    strict = mode is not None and SSL_MODES.index(mode) >= SSL_MODES.index("require")
    if not strict:
        given = [name for name in ("sslrootcert", "sslcert", "sslkey") if getattr(target, name) is not None]
        given += [name for name in ("sslcrl", "sslnegotiation") if name in target.extra]
        if given and mode != "disable":
            raise ConfigError(
                f"with asyncpg {given[0]} needs sslmode=require, verify-ca or verify-full beside it; "
                "without, TLS may be left out and the file with it"
            )
        return mode
    return _context(target, mode or "")


def _context(target: Target, mode: str) -> Any:
    """What libpq would check, as an ``ssl.SSLContext``: its variables and default files count too."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = mode == "verify-full"
    roots = _file(target.sslrootcert, "PGSSLROOTCERT", "root.crt")
    if roots == "system":
        context.load_default_certs()
    elif roots is not None:
        _load("sslrootcert", roots, context.load_verify_locations)
    elif mode == "require":
        context.verify_mode = ssl.CERT_NONE
    else:
        raise ConfigError(f"sslmode={mode} needs sslrootcert: the server's authority as a file, or system")
    certificate = _file(target.sslcert, "PGSSLCERT", "postgresql.crt")
    if certificate is not None:
        key = _file(target.sslkey, "PGSSLKEY", "postgresql.key")
        secret = target.extra.get("sslpassword", "")  # given even if empty, or OpenSSL asks the terminal
        _load("sslcert", certificate, lambda path: context.load_cert_chain(path, key, secret))
    revoked = _file(target.extra.get("sslcrl"), "PGSSLCRL", "root.crl")
    if revoked is not None:
        _load("sslcrl", revoked, context.load_verify_locations)
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
    context.minimum_version = _version(target, "ssl_min_protocol_version", ssl.TLSVersion.TLSv1_2)
    context.maximum_version = _version(target, "ssl_max_protocol_version", ssl.TLSVersion.MAXIMUM_SUPPORTED)
    context.set_alpn_protocols(["postgresql"])  # which direct TLS asks for
    return context


def _file(given: str | None, variable: str, name: str) -> str | None:
    """The URL's file, the environment's, or the one in libpq's default place if there is one."""
    import os

    path = given or os.environ.get(variable)
    if path:
        return path
    path = os.path.join(os.path.expanduser("~"), ".postgresql", name)
    return path if os.path.exists(path) else None


def _load(name: str, path: str, load: Callable[[str], None]) -> None:
    try:
        load(path)
    except OSError as error:
        raise ConfigError(f"{name}={path}: {error.strerror or error}") from error


def _version(target: Target, key: str, default: Any) -> Any:
    import ssl

    name = target.extra.get(key)
    if name is None:
        return default
    if name not in ("TLSv1.2", "TLSv1.3"):
        raise ConfigError(f"{key}: write TLSv1.2 or TLSv1.3")
    return ssl.TLSVersion[name.replace(".", "_")]
