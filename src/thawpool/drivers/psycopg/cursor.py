"""psycopg's cursors and transaction blocks, which tell their connection what they are about to send."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.adapt import AdaptersMap
from psycopg.errors import _NO_TRACEBACK
from psycopg.types import TypesRegistry

from .straight import TUPLES_OK, Straight

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


class Cursor(Straight, psycopg.Cursor[Any]):
    """psycopg's cursor, which announces its statements."""

    __slots__ = ()
    _conn: Any

    def execute(
        self, query: Any, params: Any = None, *, prepare: bool | None = None, binary: bool | None = None
    ) -> Any:
        conn = self._conn
        try:
            with conn.lock:
                conn.note(query)
                conn.wait(self._execute_gen(query, params, prepare=prepare, binary=binary))
        except _NO_TRACEBACK as error:
            error.__traceback__ = None
            raise
        finally:
            conn.noted = False
        return self

    def executemany(self, query: Any, params_seq: Any, **options: Any) -> None:
        self._conn.note(query)
        super().executemany(query, params_seq, **options)

    def fetchall(self) -> list[Any]:
        result = self.pgresult
        if self._closed or not result or result.status != TUPLES_OK:
            return super().fetchall()
        rows: list[Any] = self._tx.load_rows(self._pos, result.ntuples, self._make_row)
        self._pos = result.ntuples
        return rows


class AsyncCursor(Straight, psycopg.AsyncCursor[Any]):
    """The same for asyncio."""

    __slots__ = ()
    _conn: Any

    async def execute(
        self, query: Any, params: Any = None, *, prepare: bool | None = None, binary: bool | None = None
    ) -> Any:
        conn = self._conn
        try:
            async with conn.lock:
                conn.note(query)
                await conn.wait(self._execute_gen(query, params, prepare=prepare, binary=binary))
        except _NO_TRACEBACK as error:
            error.__traceback__ = None
            raise
        finally:
            conn.noted = False
        return self

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
