"""Vercel's Python functions.

Requests overlap in one instance, on one event loop (ASGI) or on a new thread for every connection (WSGI and
``handler``). When the last of them has ended, the instance may be suspended at any instant.

The runtime tells the deadline and offers ``wait_until``. Both are asked of the runtime's own modules, which it has
loaded before any request; no header is read here, which a client elsewhere could send.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, final

from ..clock import wall
from .base import Platform

__all__ = ["Vercel", "platform"]


@final
class Vercel(Platform):
    """Vercel: the deadline is the runtime's, and work after the response is its ``wait_until``."""

    __slots__ = ()

    def remaining(self) -> float | None:
        """Until the end of ``maxDuration``, as ``vercel.functions.get_deadline`` has it."""
        # https://github.com/vercel/vercel-py/pull/306; a runtime before it does not tell.
        get_deadline = getattr(sys.modules.get("vercel_runtime"), "get_deadline", None)
        deadline = get_deadline() if get_deadline is not None else None
        return None if deadline is None else deadline.timestamp() - wall()

    def after_response(self, work: Callable[[], Coroutine[Any, Any, None]]) -> bool:
        """By ``vercel.functions.wait_until``, where the function has the package ``vercel``."""
        # https://github.com/vercel/vercel-py/pull/218; a package before it has none.
        get_context = getattr(sys.modules.get("vercel.cache.context"), "get_context", None)
        wait_until = getattr(get_context(), "wait_until", None) if get_context is not None else None
        if wait_until is None:
            return False
        coroutine = work()
        try:
            wait_until(coroutine)
        except RuntimeError:  # the request has ended
            coroutine.close()
            return False
        return True


def platform(environ: Mapping[str, str]) -> Platform:
    # https://vercel.com/docs/functions/configuring-functions/duration (800 s, with Fluid compute)
    return Vercel("vercel", freezes=True, longest_request=800.0)
