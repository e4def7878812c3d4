"""The statements that an asyncpg connection keeps prepared, and the short way to execute one."""

from __future__ import annotations

from collections.abc import Coroutine
from types import FunctionType
from typing import Any, Final

import asyncpg
from asyncpg.protocol import NO_TIMEOUT, Record

from .._rows import Rows
from .rows import rows_of

__all__ = ["Statements"]

#: How many statements a connection keeps prepared: asyncpg's own default.
PREPARED: Final = 100
#: What such a connection carries beyond asyncpg's own slots.
MARKS: Final = ("_at_hand", "_rows", "coded", "described", "running", "unsynced")
#: Bound once, for it is called for every statement.
_bind_execute: Final = asyncpg.protocol.Protocol.bind_execute
#: Typed as anything, since most of what it has is not typed at all.
Base: Any = asyncpg.Connection


class Statements(Base):  # type: ignore[misc]
    """``asyncpg.Connection``, but that a prepared statement is executed without detours.

    asyncpg goes through five coroutines from ``fetch`` to its protocol object; one is enough for a statement that it
    has prepared. This is what a pool does all day, and pays for what the pool itself costs. Where somebody has put
    a method in place of asyncpg's to trace its calls, there is no short way around it.
    """

    __slots__ = MARKS

    #: asyncpg's own cache of prepared statements, the youngest last; empty where there is no short way.
    _at_hand: Any
    #: How many operations are on their way. asyncpg refuses a second one.
    running: int
    #: Whether the server waits for more: asyncpg prepares a statement without ending the exchange.
    unsynced: bool
    #: The statement that was executed last, as asyncpg describes it.
    described: Any
    #: The names of the types that have a codec of somebody's own.
    coded: set[str]
    # asyncpg's own, as far as they are changed here.
    _config: Any
    _server_caps: Any

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.running = 0
        self.unsynced = False
        self.described = None
        self.coded = set()
        self._rows: dict[Any, Rows] = {}
        self._at_hand = self._stmt_cache._entries if _own(Base.fetch, Base._execute) else {}

    def fetch(
        self, query: str, *args: Any, timeout: Any = None, record_class: Any = None
    ) -> Coroutine[Any, Any, Any]:
        """As asyncpg's."""
        if timeout is None and record_class is None and (key := (query, Record, False)) in self._at_hand:
            return self._run(key, args, 0, False)
        fetching: Coroutine[Any, Any, Any] = super().fetch(
            query, *args, timeout=timeout, record_class=record_class
        )
        return fetching

    def _execute(
        self, query: str, args: Any, limit: int, timeout: Any, **options: Any
    ) -> Coroutine[Any, Any, Any]:
        """What asyncpg's other verbs come to when they have arguments or rows."""
        key = query, Record, options.get("ignore_custom_codec", False)
        if timeout is None and options.get("record_class") is None and key in self._at_hand:
            return self._run(key, args, limit, options.get("return_status", False))
        executing: Coroutine[Any, Any, Any] = super()._execute(query, args, limit, timeout, **options)
        return executing

    async def _run(self, key: tuple[str, type, bool], args: Any, limit: int, return_status: bool) -> Any:
        """Execute what asyncpg's cache of prepared statements holds under this key, if it still does."""
        self._check_open()
        with (
            self._stmt_exclusive_section
        ):  # asyncpg's own: until this one's rows have been taken, nobody describes others
            entry = self._at_hand.get(key)
            if entry is not None and not entry._statement.closed and not self._query_loggers:
                self._at_hand.move_to_end(key)
                self.described = statement = entry._statement
                granted = self.enter(key[0], NO_TIMEOUT)
                try:
                    result = await _bind_execute(
                        self._protocol, statement, args, "", limit, return_status, granted
                    )
                except BaseException as error:
                    await self._protocol.failed(self, error)
                    if not await self._outdated(error):
                        raise
                else:
                    self.unsynced = False
                    self.running -= 1
                    return result
        options = {"return_status": return_status, "ignore_custom_codec": key[2]}
        return await super()._execute(key[0], args, limit, None, **options)

    async def _outdated(self, error: BaseException) -> bool:
        """Forget what an error proves to be out of date. Returns whether the statement, which did not run, may do so."""
        if isinstance(error, asyncpg.OutdatedSchemaCacheError):
            await self.reload_schema_state()
        elif isinstance(error, asyncpg.InvalidCachedStatementError):
            self._drop_global_statement_cache()
            return not self._protocol.is_in_transaction()
        return False

    def prepares(self, willing: bool) -> None:
        """Keep prepared statements from here on, or do nothing that outlives a transaction: behind a pooler."""
        size = PREPARED if willing else 0
        self._config = self._config._replace(statement_cache_size=size)
        self._stmt_cache.set_max_size(size)
        self._stmt_cache_enabled = willing
        if not willing:
            self._server_caps = self._server_caps._replace(jit=False)  # it would switch JIT off for a moment

    def forget_prepared(self) -> None:
        """The server has forgotten its prepared statements: so does the client."""
        self._mark_stmts_as_closed()
        self._rows.clear()

    def rows(self, records: list[Any]) -> list[dict[str, Any]]:
        """The records of the statement that was executed last, as dicts.

        Raises:
            PoolError: two of its columns have one name.
        """
        statement = self.described
        rows = self._rows.get(statement)
        if rows is None:
            rows = rows_of(statement, self.coded)
            if len(self._rows) >= PREPARED:
                self._rows.clear()
            self._rows[statement] = rows
        return rows(records)


def _own(*methods: Any) -> bool:
    """Whether these are asyncpg's own methods, and none is that of somebody who traces their calls."""
    home = vars(asyncpg.connection)
    return all(type(method) is FunctionType and method.__globals__ is home for method in methods)
