"""A ``Target`` in the words of libpq, which psycopg and psycopg2 connect with."""

from __future__ import annotations

from typing import Final

from ..errors import ConfigError
from .target import Target

__all__ = ["libpq_options"]

#: The libpq that each of the younger keywords came with.
_SINCE: Final = {
    "channel_binding": 13, "gssdelegation": 17, "max_protocol_version": 18, "min_protocol_version": 18,
    "oauth_client_id": 18, "oauth_client_secret": 18, "oauth_issuer": 18, "oauth_scope": 18, "require_auth": 16,
    "scram_client_key": 18, "scram_server_key": 18, "ssl_max_protocol_version": 13, "ssl_min_protocol_version": 13,
    "sslcertmode": 16, "sslcrldir": 14, "sslnegotiation": 17, "sslpassword": 13, "sslsni": 14,
}  # fmt: skip


def libpq_options(target: Target, version: int | None = None) -> dict[str, str]:
    """The keywords of a libpq connection string, for psycopg and psycopg2.

    Args:
        target: where and how to connect.
        version: the libpq that is used, in its own numbers (170005 for 17.5); None if that is not known.

    Raises:
        ConfigError: this libpq does not know one of the keywords.
    """
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
    for key in options:
        if version is not None and version // 10_000 < _SINCE.get(key, 0):
            raise ConfigError(
                f"the libpq that {target.driver} brings is version {version // 10_000}, and {key} came with "
                f"{_SINCE[key]}: take it out of the URL, or install a newer {target.driver}"
            )
    return options


def _authorities() -> str:
    """The system's certificate authorities; without a file of them libpq is left to find them."""
    from .tls import authorities

    return authorities() or "system"
