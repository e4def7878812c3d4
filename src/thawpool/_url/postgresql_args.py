"""A ``Target`` in the words of PostgreSQL's drivers that do without libpq.

Host, port, password and time limit are left to the adapters, which give them anew for each attempt. An
option that asks for security which the driver cannot give is an error, never a shrug.
"""

from __future__ import annotations

from typing import Any, Final

from ..errors import ConfigError
from .target import SSL_MODES, Target
from .tls import client_context, demanded, load, refuse_idle_files

__all__ = ["asyncpg_options", "pg8000_options"]

#: What drivers without libpq have no use for, and nobody is less safe for it. The sockets get ``tcp_timeout``.
_IGNORED: Final = frozenset({
    "gssdelegation", "keepalives", "keepalives_count", "keepalives_idle", "keepalives_interval", "max_protocol_version",
    "min_protocol_version", "sslcompression", "tcp_user_timeout",
})  # fmt: skip
#: What a driver is told below, or never does.
_HANDLED: Final = _IGNORED | {
    "fallback_application_name", "gsslib", "krbsrvname", "ssl_max_protocol_version", "ssl_min_protocol_version",
    "sslcrl", "sslpassword",
}  # fmt: skip
_ASYNCPG: Final = _HANDLED | {"passfile", "sslnegotiation"}
#: What their way of working already fulfils with these values.
_FULFILLED: Final = {
    "client_encoding": ("auto", "utf8", "utf-8"),
    "gssencmode": ("disable", "prefer"),
    "sslcertmode": ("allow",),
    "sslnegotiation": ("postgres",),
    "sslsni": ("1",),
}


def asyncpg_options(target: Target) -> dict[str, Any]:
    """The arguments of ``asyncpg.connect``.

    The ``ssl.SSLContext`` is built here, with files read: call this once, not for each dial.

    Raises:
        ConfigError: the target asks for what asyncpg cannot do, or names a file that cannot be read.
    """
    _refuse(target, _ASYNCPG)
    extra = target.extra
    # asyncpg sends every server setting as a startup parameter, and that is what "options" is.
    settings = {"application_name": _application_name(target), "options": target.options}
    options: dict[str, Any] = {
        "user": target.user,
        "database": target.database,
        "server_settings": {key: value for key, value in settings.items() if value is not None} or None,
        "target_session_attrs": target.target_session_attrs,
        "krbsrvname": extra.get("krbsrvname"),
        "gsslib": extra.get("gsslib"),
        "passfile": extra.get("passfile"),
        "direct_tls": True if extra.get("sslnegotiation") == "direct" else None,
        "ssl": _context(target, target.sslmode) or target.sslmode,
    }
    return {key: value for key, value in options.items() if value is not None}


def pg8000_options(target: Target) -> dict[str, Any]:
    """The arguments of ``pg8000.dbapi.connect``.

    ``ssl_context`` is False for no TLS, None for TLS if the server has it, or an ``ssl.SSLContext`` without which
    nothing is sent. It is for TCP: PostgreSQL has no TLS on a Unix socket. Call this once, not for each dial.

    Raises:
        ConfigError: the target asks for what pg8000 cannot do, or names a file that cannot be read.
    """
    _refuse(target, _HANDLED)
    if target.target_session_attrs not in (None, "any"):
        raise _impossible(target, "target_session_attrs")
    import os

    from .operating_system import user_name

    # Of libpq's variables the one by which a whole environment can be made to demand TLS; asyncpg reads it too.
    mode = target.sslmode or os.environ.get("PGSSLMODE") or None
    if mode is not None and mode not in SSL_MODES:
        raise ConfigError(f"PGSSLMODE={mode} is not one of {', '.join(SSL_MODES)}")
    settings = {"client_encoding": "UTF8"}
    if target.options is not None:
        settings["options"] = target.options
    return {
        "user": target.user or user_name(),
        "database": target.database,
        "application_name": _application_name(target),
        "startup_params": settings,
        "ssl_context": False if mode == "disable" else _context(target, mode),
    }


def _application_name(target: Target) -> str | None:
    return target.application_name or target.extra.get("fallback_application_name")


def _refuse(target: Target, honoured: frozenset[str]) -> None:
    """Raise for anything in ``target`` that a driver without libpq would not honour."""
    if target.channel_binding == "require":
        raise _impossible(target, "channel_binding=require")
    if target.sslkey is not None and target.sslcert is None:
        raise ConfigError("sslkey needs sslcert beside it: the client's certificate")
    for key, value in target.extra.items():
        if key not in honoured and value.lower() not in _FULFILLED.get(key, ()):
            raise _impossible(target, key)


def _impossible(target: Target, what: str) -> ConfigError:
    return ConfigError(
        f"{target.driver} cannot honour {what}: take it out of the URL, or use postgresql+psycopg://"
    )


def _context(target: Target, mode: str | None) -> Any:
    """What libpq would check, its variables and default files included; None where TLS may be left out."""
    if mode is None or not demanded(mode):
        refuse_idle_files(target, target.driver, mode, "sslcrl", "sslnegotiation")
        return None
    import ssl

    roots = _file(target.sslrootcert, "PGSSLROOTCERT", "root.crt")
    certificate = _file(target.sslcert, "PGSSLCERT", "postgresql.crt")
    key = _file(target.sslkey, "PGSSLKEY", "postgresql.key") if certificate is not None else None
    context = client_context(mode, roots, certificate, key, target.extra.get("sslpassword", ""))
    revoked = _file(target.extra.get("sslcrl"), "PGSSLCRL", "root.crl")
    if revoked is not None:
        load("sslcrl", revoked, context.load_verify_locations)
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


def _version(target: Target, key: str, default: Any) -> Any:
    import ssl

    name = target.extra.get(key)
    if name is None:
        return default
    if name not in ("TLSv1.2", "TLSv1.3"):
        raise ConfigError(f"{key}: write TLSv1.2 or TLSv1.3")
    return ssl.TLSVersion[name.replace(".", "_")]
