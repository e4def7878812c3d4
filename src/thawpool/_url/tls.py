"""TLS for the drivers that leave it to Python: what is demanded, as an ``ssl.SSLContext``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import ConfigError
from .target import SSL_MODES, Target

if TYPE_CHECKING:
    import ssl

__all__ = ["authorities", "client_context", "demanded", "load", "refuse_idle_files"]


def authorities() -> str | None:
    """The file of the system's certificate authorities, for ``sslrootcert=system``; None if there is none.

    The OpenSSL inside a driver's wheels looks for it in a directory that no system has, Python's own
    knows better.
    """
    import ssl

    return ssl.get_default_verify_paths().cafile


def demanded(mode: str | None) -> bool:
    """Whether a mode says that nothing may be sent in plain text."""
    return mode is not None and SSL_MODES.index(mode) >= SSL_MODES.index("require")


def refuse_idle_files(target: Target, driver: str, mode: str | None, *extra: str) -> None:
    """Raise for a file of TLS beside a mode that may leave TLS out.

    Args:
        target: what the URL says.
        driver: who would be handed it, for the message.
        mode: what holds, be it from the URL or not; "disable" says clearly that the files are not wanted.
        extra: the keys of ``target.extra`` that count as well.
    """
    if mode == "disable":
        return
    given = [name for name in ("sslrootcert", "sslcert", "sslkey") if getattr(target, name) is not None]
    given += [name for name in extra if name in target.extra]
    if given:
        raise ConfigError(
            f"with {driver} {given[0]} needs sslmode=require, verify-ca or verify-full beside it; "
            "without, TLS may be left out and the file with it"
        )


def client_context(
    mode: str, roots: str | None, certificate: str | None = None, key: str | None = None, secret: str = ""
) -> ssl.SSLContext:
    """What a mode that demands TLS has checked, with TLS 1.2 or newer.

    Args:
        mode: "require" checks the certificate only if there are ``roots``, as in libpq.
        roots: the file of the authorities, or "system".
        certificate: the file of the client's certificate.
        key: the file of its key; None if the same file has it.
        secret: the key's password. Given even if empty, or OpenSSL asks the terminal.

    Raises:
        ConfigError: a file that is needed is not given, or cannot be read.
    """
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = mode == "verify-full"
    if roots == "system":
        context.load_default_certs()
    elif roots is not None:
        load("sslrootcert", roots, context.load_verify_locations)
    elif mode == "require":
        context.verify_mode = ssl.CERT_NONE
    else:
        system = "system" if mode == "verify-full" else "verify-full with system"
        raise ConfigError(f"sslmode={mode} needs sslrootcert: the server's authority as a file, or {system}")
    if certificate is not None:
        load("sslcert", certificate, lambda path: context.load_cert_chain(path, key, secret))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def load(name: str, path: str, how: Callable[[str], None]) -> None:
    """Read a file of TLS.

    Raises:
        ConfigError: it cannot be read, or is not what it should be.
    """
    try:
        how(path)
    except OSError as error:
        raise ConfigError(f"{name}={path}: {error.strerror or error}") from error
