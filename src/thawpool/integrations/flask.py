"""For Flask: ``init_app(app, pool=pool)``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from thawpool.errors import Unavailable

from .http import answer, log
from .wsgi import PoolMiddleware

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from thawpool import AsyncPool, Pool

__all__ = ["init_app"]


def init_app(
    app: Flask, *, pool: Pool | AsyncPool, remaining: float | Callable[[], float] | None = None
) -> None:
    """Make each request an invocation of the pool, and answer when there is no connection.

    Flask turns every exception into a response before a middleware sees it, so it needs both:
    ``thawpool.integrations.wsgi.PoolMiddleware`` around ``app.wsgi_app``, and an error handler for ``Unavailable``.
    One of your own, registered later, takes its place.

    Args:
        app: the app.
        pool: the pool that its views use.
        remaining: as for ``PoolMiddleware``.

    Raises:
        ConfigError: ``pool`` is not a pool.
    """
    app.wsgi_app = PoolMiddleware(app.wsgi_app, pool=pool, remaining=remaining)  # type: ignore[method-assign]
    app.register_error_handler(Unavailable, _unavailable)


def _unavailable(error: Unavailable) -> tuple[dict[str, str], int, dict[str, str]]:
    said = answer(error)
    if said is None:
        raise error
    log(said, error)
    return said.body, said.status, said.headers
