"""The parameters of PostgreSQL's URLs: libpq's, and what other tools put beside them."""

from __future__ import annotations

from typing import Any, Final

__all__ = [
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

#: libpq's parameters that a Target has a place of its own for.
TYPED: Final = frozenset({
    "application_name", "channel_binding", "connect_timeout", "database", "dbname", "host", "options", "password",
    "port", "sslcert", "sslkey", "sslmode", "sslrootcert", "target_session_attrs", "user",
})  # fmt: skip

#: libpq's further parameters; they go to libpq as they are.
EXTRA: Final = frozenset({
    "client_encoding", "fallback_application_name", "gssdelegation", "gssencmode", "gsslib", "keepalives",
    "keepalives_count", "keepalives_idle", "keepalives_interval", "krbsrvname",
    "max_protocol_version", "min_protocol_version", "oauth_client_id", "oauth_client_secret", "oauth_issuer",
    "oauth_scope", "passfile", "require_auth", "requirepeer", "scram_client_key", "scram_server_key",
    "ssl_max_protocol_version", "ssl_min_protocol_version", "sslcertmode", "sslcompression", "sslcrl",
    "sslcrldir", "sslnegotiation", "sslpassword", "sslsni", "tcp_user_timeout",
})  # fmt: skip

#: Understood here rather than passed on.
UNDERSTOOD: Final = frozenset({"schema", "ssl", "sslaccept"})

#: Said to other tools: Prisma, Supabase and Vercel, node-postgres, pgx, PgJDBC, SQLAlchemy's asyncpg dialect.
FOREIGN: Final = frozenset({
    "connection_limit", "default_query_exec_mode", "description_cache_capacity", "pgbouncer", "pool_health_check_period",
    "pool_max_conn_idle_time", "pool_max_conn_lifetime", "pool_max_conns", "pool_min_conns", "pool_mode", "pool_timeout",
    "preparethreshold", "prepared_statement_cache_size", "single_use_connections", "socket_timeout",
    "statement_cache_capacity", "statement_cache_size", "supa", "uselibpqcompat", "workaround",
})  # fmt: skip


#: How a setting of the server is given.
SETTING: Final = "written options=-c%20name%3Dvalue"


def name_of(key: str) -> str:
    """A parameter's one name, which it has already."""
    return key


def mode_of(mode: str) -> str:
    """A mode of TLS in libpq's words."""
    return mode


def tls_demands(given: dict[str, str]) -> list[str]:
    """What the URL demands of TLS beside ``sslmode``, ``ssl`` and ``sslaccept``."""
    return []


def finish(given: dict[str, str], fields: dict[str, Any], others: dict[str, str]) -> None:
    """Read what the server is told at the start of the session, into ``fields``."""
    options, schema = given.get("options", ""), given.get("schema", "")
    if not options and schema in ("", "public"):
        return
    from .server_options import read_settings, with_search_path

    settings = read_settings(options)
    if schema not in ("", "public") and "search_path" not in settings:
        fields["options"] = with_search_path(options, schema)
        settings["search_path"] = schema
    if settings:
        fields["settings"] = settings
