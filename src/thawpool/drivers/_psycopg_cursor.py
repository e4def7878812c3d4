"""psycopg's cursors and transaction blocks, which tell their connection what they are about to send."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.adapt import AdaptersMap
from psycopg.types import TypesRegistry

__all__ = ["Adapters", "AsyncCursor", "AsyncTransaction", "Cursor", "Transaction"]


class Types(TypesRegistry):
    """A connection's own list of types, which knows whether a borrower added any."""

    changed = False

    def add(self, info: Any) -> None:
        self.changed = True
        super().add(info)


class Adapters(AdaptersMap):
    """A connection's own adapters, which know whether a borrower registered any."""

    changed = False
    types: Types

    def __init__(self, template: AdaptersMap) -> None:
        super().__init__(template)
        self.types = Types(self.types)

    def register_dumper(self, cls: Any, dumper: Any) -> None:
        self.changed = True
        super().register_dumper(cls, dumper)

    def register_loader(self, oid: Any, loader: Any) -> None:
        self.changed = True
        super().register_loader(oid, loader)


class Cursor(psycopg.Cursor[Any]):
    """psycopg's cursor, which announces its statements."""

    _conn: Any

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        self._conn.note(query)
        try:
            return super().execute(query, params, **options)
        finally:
            self._conn.noted = False

    def executemany(self, query: Any, params_seq: Any, **options: Any) -> None:
        self._conn.note(query)
        super().executemany(query, params_seq, **options)


class AsyncCursor(psycopg.AsyncCursor[Any]):
    """The same for asyncio."""

    _conn: Any

    async def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        self._conn.note(query)
        try:
            return await super().execute(query, params, **options)
        finally:
            self._conn.noted = False

    async def executemany(self, query: Any, params_seq: Any, **options: Any) -> None:
        self._conn.note(query)
        await super().executemany(query, params_seq, **options)


class Transaction(psycopg.Transaction):
    """A transaction block, whose BEGIN, SAVEPOINT, COMMIT and ROLLBACK are known to leave nothing."""

    _conn: Any

    def __enter__(self) -> Any:
        self._conn.noted = True
        return super().__enter__()

    def __exit__(self, *exc: Any) -> bool:
        self._conn.noted = True
        return super().__exit__(*exc)


class AsyncTransaction(psycopg.AsyncTransaction):
    """The same for asyncio."""

    _conn: Any

    async def __aenter__(self) -> Any:
        self._conn.noted = True
        return await super().__aenter__()

    async def __aexit__(self, *exc: Any) -> bool:
        self._conn.noted = True
        return await super().__aexit__(*exc)
