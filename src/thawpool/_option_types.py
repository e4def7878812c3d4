"""The types of a pool's options. Nothing but a type checker needs them, so no cold start loads them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict

if TYPE_CHECKING:
    from .clock import Clock
    from .observe import Observer
    from .platforms import Platform

__all__ = ["Auto", "Hook", "Password", "PoolOptions", "Reset"]

Auto: TypeAlias = Literal["auto"]
Hook: TypeAlias = Callable[[Any], Any]
Password: TypeAlias = str | Callable[[], str | Awaitable[str]]
Reset: TypeAlias = Literal["dirty", "always", "never"] | Hook


class PoolOptions(TypedDict, total=False):
    """The options of ``Pool`` and ``AsyncPool``; ``docs/options.md`` says what each one means."""

    driver: str | None
    host: str | None
    port: int | None
    user: str | None
    password: Password | None
    database: str | None
    max_size: int
    min_size: int
    timeout: float
    connect_timeout: float | Auto
    idle_timeout: float
    trust_window: float
    max_lifetime: float | None
    max_uses: int | None
    max_waiting: int | None
    server_idle_timeout: float | Auto | None
    server_transaction_timeout: float | None
    statement_timeout: float | Auto | None
    reset: Reset
    check: Hook | None
    configure: Hook | None
    tcp_timeout: float
    keep: int | Auto | None
    pooler: str | None
    name: str | None
    platform: Platform | None
    clock: Clock | None
    observer: Observer | None
    debug: bool
