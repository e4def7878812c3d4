"""A stand-in for a leased connection that ends with its lease, for ``debug=True``.

Without it, use after return is caught while the connection lies idle. Once it has been leased again, the
connection alone cannot tell its present borrower from its former one; a stand-in for each lease can.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

from ._lease import BaseLease
from .errors import LeaseError

__all__ = ["LeasedConnection", "stand_in"]


class LeasedConnection:
    """Behaves as the connection, ``isinstance`` included, until the lease ends."""

    __slots__ = ("__weakref__", "_thawpool_conn", "_thawpool_lease", "_thawpool_where")

    def __init__(self, lease: BaseLease, conn: Any, where: str | None) -> None:
        object.__setattr__(self, "_thawpool_lease", lease)
        object.__setattr__(self, "_thawpool_conn", conn)
        object.__setattr__(self, "_thawpool_where", where)

    @staticmethod
    def lease_of(lent: LeasedConnection) -> BaseLease:
        """The lease that a stand-in belongs to."""
        lease: BaseLease = object.__getattribute__(lent, "_thawpool_lease")
        return lease

    def _thawpool_live(self) -> Any:
        if object.__getattribute__(self, "_thawpool_lease")._slot is None:
            raise LeaseError(
                "this connection was returned to the pool and must not be used any more; its lease was taken at "
                f"{object.__getattribute__(self, '_thawpool_where')}. Keep the work inside the block"
            )
        return object.__getattribute__(self, "_thawpool_conn")

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(object.__getattribute__(self, "_thawpool_conn"))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._thawpool_live(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._thawpool_live(), name, value)

    def __repr__(self) -> str:
        return f"<leased {object.__getattribute__(self, '_thawpool_conn')!r}>"

    def __enter__(self) -> Any:
        self._thawpool_live().__enter__()
        return self

    def __exit__(self, *exc: Any) -> Any:
        return self._thawpool_live().__exit__(*exc)

    async def __aenter__(self) -> Any:
        await self._thawpool_live().__aenter__()
        return self

    async def __aexit__(self, *exc: Any) -> Any:
        return await self._thawpool_live().__aexit__(*exc)


def stand_in(lease: BaseLease, conn: Any, where: str | None) -> LeasedConnection:
    """A stand-in for a connection: an instance of its class, as far as ``isinstance`` can tell."""
    cls: Any = type(conn)
    return _kind(cls)(lease, conn, where)


@cache
def _kind(cls: type[Any]) -> type[LeasedConnection]:
    """asyncpg's ``isinstance`` does not ask for ``__class__``: it looks for a base that it has for stand-ins."""
    for base in cls.__mro__:
        proxy = getattr(sys.modules.get(base.__module__), "_ConnectionProxy", None)
        if proxy is not None:
            return type("LeasedConnection", (LeasedConnection, proxy), {"__slots__": ()})
    return LeasedConnection
