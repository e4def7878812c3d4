"""The verbs of an adapter for threads and for asyncio, over the flows and steps of ``_adapter``."""

from __future__ import annotations

from collections.abc import Coroutine
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import ConfigError
from . import _dial
from ._adapter import Adapter
from ._rows import Rows, rows_named
from .base import Params, Row

if TYPE_CHECKING:
    from .._url import Target
    from ..config import PoolConfig

__all__ = ["AsyncAdapter", "ThreadAdapter"]

T = TypeVar("T")


class ThreadAdapter(Adapter):
    """The verbs for threads."""

    def _addresses(self, until: float) -> dict[str, list[str]]:
        return _dial.lookup(self.target)

    def _password(self, until: float) -> str | None:
        return _dial.password(self.config, self.target)

    def connect(self, timeout: float) -> Any:
        return at_once(self._connect(timeout))

    def check(self, conn: Any, timeout: float) -> bool:
        return at_once(self._check(conn, timeout))

    def reset(self, conn: Any, timeout: float) -> bool:
        return at_once(self._reset(conn, timeout))

    def answers(self, conn: Any) -> bool:
        """Ask the connection's server, on a socket of its own, whether it is there at all."""
        return at_once(self._answers(conn))

    def tell(self, conn: Any) -> None:
        """Tell the server that the statement which runs was given up. Never raises."""
        if callable(self.config.password):
            return  # it might wait for who knows what, and has no deadline here
        at_once(self._tell(conn))

    def fetch(self, conn: Any, sql: str, params: Params | None) -> list[Row]:
        text, arguments = self.arranged(sql, params)
        conn.note(sql)
        try:
            names, rows, _ = self.run(conn, text, arguments)
        finally:
            conn.noted = False  # it may have failed before it was sent
        return named(names)(rows) if names is not None else []

    def execute(self, conn: Any, sql: str, params: Params | None) -> int:
        text, arguments = self.arranged(sql, params)
        conn.note(sql)
        try:
            count: int = self.run(conn, text, arguments)[2]
        finally:
            conn.noted = False
        return count

    def begin(self, conn: Any, isolation: str | None, readonly: bool, deferrable: bool) -> None:
        at_once(self._begin(conn, isolation, readonly, deferrable))

    def commit(self, conn: Any) -> bool:
        return at_once(self._commit(conn))

    def rollback(self, conn: Any, timeout: float) -> None:
        at_once(self._rollback(conn, timeout))


class AsyncAdapter(Adapter):
    """The verbs for asyncio."""

    def __init__(self, target: Target, config: PoolConfig) -> None:
        super().__init__(target, config)
        from ._sentry import Sentry

        self.sentry = Sentry(super().close)

    def close(self, conn: Any) -> None:
        super().close(conn)
        self.sentry.forget(conn)

    def abandon(self, conn: Any) -> None:
        super().abandon(conn)
        self.sentry.forget_all()

    def _addresses(self, until: float) -> Any:
        return _dial.resolve(self.target, until)

    def _password(self, until: float) -> Any:
        return _dial.async_password(self.config, self.target, until)

    async def _set_up(self, conn: Any, until: float) -> None:
        await self.sentry.watch(conn)
        await super()._set_up(conn, until)

    async def connect(self, timeout: float) -> Any:
        return await self._connect(timeout)

    async def check(self, conn: Any, timeout: float) -> bool:
        return await self._check(conn, timeout)

    async def reset(self, conn: Any, timeout: float) -> bool:
        return await self._reset(conn, timeout)

    async def answers(self, conn: Any) -> bool:
        return await self._answers(conn)

    async def tell(self, conn: Any) -> None:
        await self._tell(conn)

    async def fetch(self, conn: Any, sql: str, params: Params | None) -> list[Row]:
        text, arguments = self.arranged(sql, params)
        conn.note(sql)
        try:
            names, rows, _ = await self.run(conn, text, arguments)
        finally:
            conn.noted = False  # it may have failed before it was sent
        return named(names)(rows) if names is not None else []

    async def execute(self, conn: Any, sql: str, params: Params | None) -> int:
        text, arguments = self.arranged(sql, params)
        conn.note(sql)
        try:
            count: int = (await self.run(conn, text, arguments))[2]
        finally:
            conn.noted = False
        return count

    async def begin(self, conn: Any, isolation: str | None, readonly: bool, deferrable: bool) -> None:
        await self._begin(conn, isolation, readonly, deferrable)

    async def commit(self, conn: Any) -> bool:
        return await self._commit(conn)

    async def rollback(self, conn: Any, timeout: float) -> None:
        await self._rollback(conn, timeout)


def at_once(flow: Coroutine[Any, Any, T]) -> T:
    """Run a flow whose steps never suspend."""
    try:
        flow.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    flow.close()
    raise ConfigError(
        "a hook of a Pool must not wait for an event loop: give a plain function, or use AsyncPool"
    )


@lru_cache(256)
def named(names: tuple[str, ...]) -> Rows:
    """What makes dicts of the rows with these columns."""
    return rows_named(names)
