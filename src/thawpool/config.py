"""A pool's options: checked when the pool is made, and the same ever after.

This module is on the path of ``import thawpool``, so it imports next to nothing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from ._option_rules import check_options
from .errors import ConfigError

if TYPE_CHECKING:
    from ._option_types import Auto, Hook, Password, Reset
    from ._url import Target
    from .clock import Clock
    from .observe import Observer
    from .platforms import Platform

__all__ = ["PoolConfig"]

#: Where the URL comes from when the pool is given none, in this order.
URL_VARIABLES: Final = ("DATABASE_URL", "POSTGRES_URL", "MYSQL_URL")
#: One dial, where neither the option nor the URL says how long.
CONNECT_TIMEOUT: Final = 5.0
#: The pool's own limit shall come first, so that a thawed instance finds its session gone or well.
SERVER_IDLE_MARGIN: Final = 5.0
#: Where the process always runs the pool keeps its own limit, and the server's is there for a crash.
SERVER_IDLE_AWAKE: Final = 60.0
#: The server counts milliseconds in 31 bits.
MAX_SERVER_TIME: Final = 2_147_483.0

DEFAULTS: Final[Mapping[str, Any]] = {
    "driver": None,
    "host": None,
    "port": None,
    "user": None,
    "password": None,
    "database": None,
    "max_size": 5,
    "min_size": 0,
    "timeout": 5.0,
    "connect_timeout": "auto",
    "idle_timeout": 10.0,
    "trust_window": 1.0,
    "max_lifetime": 1800.0,
    "max_uses": None,
    "max_waiting": None,
    "server_idle_timeout": "auto",
    "server_transaction_timeout": 30.0,
    "statement_timeout": "auto",
    "reset": "dirty",
    "check": None,
    "configure": None,
    "tcp_timeout": 5.0,
    "keep": "auto",
    "pooler": "auto",
    "name": None,
    "platform": None,
    "clock": None,
    "observer": None,
    "debug": False,
}
#: Settled when read: a default depends on the machine or on the URL.
AUTOMATIC: Final = frozenset(
    {"connect_timeout", "keep", "platform", "server_idle_timeout", "statement_timeout"}
)


class PoolConfig:
    """The options of one pool, valid and immutable. Times are in seconds; ``make`` is the way to one.

    Attributes have the options' names. What depends on the machine is settled when it is read, since
    some platforms load the environment after the code: the URL, the platform, and the two limits of
    the server whose default is ``"auto"``.
    """

    __slots__ = ("_auto", "_platform", "url", *sorted(DEFAULTS.keys() - AUTOMATIC))

    url: str | None
    driver: str | None
    host: str | None
    port: int | None
    user: str | None
    password: Password | None
    database: str | None
    max_size: int
    min_size: int
    timeout: float
    idle_timeout: float
    trust_window: float
    max_lifetime: float | None
    max_uses: int | None
    max_waiting: int | None
    server_transaction_timeout: float | None
    reset: Reset
    check: Hook | None
    configure: Hook | None
    tcp_timeout: float
    pooler: str | None
    name: str | None
    clock: Clock | None
    observer: Observer | None
    debug: bool
    _auto: Mapping[str, Any]
    _platform: Platform | None

    def __init__(self, url: str | None, options: Mapping[str, Any]) -> None:
        values = {**DEFAULTS, **options}
        object.__setattr__(self, "url", url)
        object.__setattr__(self, "_auto", {name: values.pop(name) for name in AUTOMATIC})
        object.__setattr__(self, "_platform", self._auto["platform"])
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @classmethod
    def make(cls, url: str | None = None, *, is_async: bool, **options: Any) -> PoolConfig:
        """Check the options of a ``Pool`` or, if ``is_async``, of an ``AsyncPool``.

        Raises:
            ConfigError: an unknown option, a value out of its range, or two that exclude each other.
                The message names the option, the value, the range and the remedy.
        """
        check_options(url, options, DEFAULTS, is_async)
        return cls(url, options)

    # -- settled when read -----------------------------------------------------------------------

    @property
    def platform(self) -> Platform:
        """Where this process runs: the option, else what the environment tells when this is first asked."""
        platform = self._platform
        if platform is None:
            from .platforms import detect

            platform = detect(os.environ)
            object.__setattr__(self, "_platform", platform)
        return platform

    @property
    def connect_timeout(self) -> float:
        """Seconds for one dial, as far as the options tell. ``Target.connect_timeout`` knows the URL's."""
        given = self._auto["connect_timeout"]
        return CONNECT_TIMEOUT if given == "auto" else float(given)

    @property
    def server_idle_timeout(self) -> float | None:
        """Seconds after which the server ends an idle session; None leaves the server alone."""
        given: float | Auto | None = self._auto["server_idle_timeout"]
        if given != "auto":
            return given
        least = min(self.idle_timeout + SERVER_IDLE_MARGIN, MAX_SERVER_TIME)
        return least if self.platform.freezes else max(least, SERVER_IDLE_AWAKE)

    @property
    def statement_timeout(self) -> float | None:
        """Seconds after which the server ends a statement; None leaves the server alone."""
        given: float | Auto | None = self._auto["statement_timeout"]
        return self.platform.longest_request if given == "auto" else given

    @property
    def keep(self) -> int | None:
        """How many idle connections may sleep when the last invocation ends; None for all."""
        given: int | Auto | None = self._auto["keep"]
        return self.platform.keep if given == "auto" else given

    def resolve_target(self, *, is_async: bool) -> Target:
        """Find out where and how to connect: from the URL, the parts, or the environment.

        A ``password`` option that is a string replaces the URL's; one that is a function is left for
        the driver to ask at every dial.

        Raises:
            ConfigError: there is no URL, or one that cannot work.
        """
        from ._url import parse_url, target_from_parts

        given = self._auto["connect_timeout"]
        connect_timeout = None if given == "auto" else given
        password = self.password if isinstance(self.password, str) else None
        if self.host is not None:
            return target_from_parts(
                driver=self.driver or "",
                host=self.host,
                port=self.port,
                user=self.user,
                password=password,
                database=self.database,
                is_async=is_async,
                connect_timeout=connect_timeout,
            )
        source, url = ("url", self.url) if self.url is not None else _environment_url()
        target = parse_url(
            url, driver=self.driver, is_async=is_async, connect_timeout=connect_timeout, source=source
        )
        return target if password is None else target.replace(password=password)

    # -- a value, without secrets ----------------------------------------------------------------

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a pool's options cannot be changed ({name}); make a new pool")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a pool's options cannot be changed; make a new pool")

    def __repr__(self) -> str:
        shown = {} if self.url is None else {"url": "***"}
        for name, default in DEFAULTS.items():
            value = self._auto[name] if name in AUTOMATIC else getattr(self, name)
            if value != default:
                shown[name] = "***" if name == "password" else repr(value)
        return f"PoolConfig({', '.join(f'{name}={value}' for name, value in shown.items())})"


def _environment_url() -> tuple[str, str]:
    """The first of ``URL_VARIABLES`` that is set to something, and its name."""
    for name in URL_VARIABLES:
        url = os.environ.get(name, "")
        if url.strip():
            return name, url
    raise ConfigError(
        "no database URL: set DATABASE_URL, or pass one, for example "
        "Pool('postgresql://user:password@host:5432/database')"
    )
