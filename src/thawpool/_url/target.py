"""``Target``: the one typed form of "where and how to connect"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias

__all__ = ["DEFAULT_CONNECT_TIMEOUT", "SSL_MODES", "Endpoint", "System", "Target"]

System: TypeAlias = Literal["postgresql", "mysql"]
Endpoint: TypeAlias = tuple[str, int]

#: libpq's words, from the weakest to the strongest.
SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
DEFAULT_CONNECT_TIMEOUT: Final = 5.0

#: libpq keys that may be in ``extra`` and whose values are nobody's business.
_SECRETS: Final = frozenset({"oauth_client_secret", "scram_client_key", "scram_server_key", "sslpassword"})


class Target:
    """Where and how to connect. Immutable; the password is in no ``repr``.

    It is not a tuple or a dataclass on purpose: tools that report errors walk into those, and would
    carry the password along.

    Attributes:
        driver: the library that connects, by its name in ``drivers.DRIVERS``.
        system: what it connects to, in OpenTelemetry's words.
        hosts: (host, port) pairs in the order in which to try them. A host that starts with ``/`` is
            the directory of a Unix socket (PostgreSQL) or the socket itself (MySQL).
        user: None for the library's own default, the operating system's user.
        password: None if the URL has none.
        database: None for the library's own default.
        sslmode: one of libpq's words, see ``SSL_MODES``; None for the library's own default.
        sslrootcert, sslcert, sslkey: files; ``sslrootcert`` may be ``"system"``.
        channel_binding: ``"disable"``, ``"prefer"``, ``"require"`` or None.
        connect_timeout: seconds that one dial may take: the pool's option, else the URL's, else 5.
        application_name: None if the URL gives none.
        options: the raw ``options`` string for the server, as libpq sends it.
        target_session_attrs: which of several hosts is wanted, in libpq's words.
        settings: the server settings that ``options`` sets, so that nobody overrides them.
        extra: further keys of libpq, or of the MySQL library, as the URL gives them.
    """

    __slots__ = (
        "application_name",
        "channel_binding",
        "connect_timeout",
        "database",
        "driver",
        "extra",
        "hosts",
        "options",
        "password",
        "settings",
        "sslcert",
        "sslkey",
        "sslmode",
        "sslrootcert",
        "system",
        "target_session_attrs",
        "user",
    )

    driver: str
    system: System
    hosts: tuple[Endpoint, ...]
    user: str | None
    password: str | None
    database: str | None
    sslmode: str | None
    sslrootcert: str | None
    sslcert: str | None
    sslkey: str | None
    channel_binding: str | None
    connect_timeout: float
    application_name: str | None
    options: str | None
    target_session_attrs: str | None
    settings: Mapping[str, str]
    extra: Mapping[str, str]

    def __init__(
        self,
        *,
        driver: str,
        system: System,
        hosts: tuple[Endpoint, ...],
        user: str | None = None,
        password: str | None = None,
        database: str | None = None,
        sslmode: str | None = None,
        sslrootcert: str | None = None,
        sslcert: str | None = None,
        sslkey: str | None = None,
        channel_binding: str | None = None,
        connect_timeout: float = DEFAULT_CONNECT_TIMEOUT,
        application_name: str | None = None,
        options: str | None = None,
        target_session_attrs: str | None = None,
        settings: Mapping[str, str] | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> None:
        values = dict(locals())
        del values["self"]
        values["settings"] = MappingProxyType(dict(settings or {}))
        values["extra"] = MappingProxyType(dict(extra or {}))
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def where(self) -> str:
        """The endpoint, or endpoints, for a message: ``db.example.com:5432``."""
        return ",".join(_endpoint(host, port) for host, port in self.hosts)

    def replace(self, **changes: Any) -> Target:
        """A copy with these attributes changed."""
        return Target(**{**dict(self._items()), **changes})

    def _items(self) -> Iterator[tuple[str, Any]]:
        return ((name, getattr(self, name)) for name in self.__slots__)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Target cannot be changed; use target.replace({name}=...)")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a Target cannot be changed")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Target):
            return NotImplemented
        return all(value == getattr(other, name) for name, value in self._items())

    def __hash__(self) -> int:
        return hash((self.driver, self.hosts, self.user, self.database))

    def __repr__(self) -> str:
        shown = {name: value for name, value in self._items() if value not in (None, {})}
        if "password" in shown:
            shown["password"] = "***"
        if "extra" in shown:
            shown["extra"] = {key: "***" if key in _SECRETS else value for key, value in self.extra.items()}
        if "settings" in shown:
            shown["settings"] = dict(self.settings)
        return f"Target({', '.join(f'{name}={value!r}' for name, value in shown.items())})"


def _endpoint(host: str, port: int) -> str:
    if host.startswith("/"):
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
