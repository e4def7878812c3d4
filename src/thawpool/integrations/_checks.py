"""What integrations are given, checked when they are made and not at the first request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from thawpool.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["invocation_of"]


def invocation_of(pool: Any) -> Callable[..., Any]:
    """The pool's ``invocation``.

    Raises:
        ConfigError: it is not a pool. The value itself is not shown: it may be a URL with its password.
    """
    if isinstance(pool, type) or not hasattr(pool, "invocation"):
        what = f"the class {pool.__name__}" if isinstance(pool, type) else f"of type {type(pool).__name__}"
        raise ConfigError(
            f"pool is {what}: give the Pool or AsyncPool that the app uses, made at module scope"
        )
    invocation: Callable[..., Any] = pool.invocation
    return invocation
