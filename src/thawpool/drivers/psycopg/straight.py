"""The straight way of a statement through psycopg, for one that the server has prepared.

psycopg sends every statement through a chain of generators, which ask anew each time whether a transaction is to
begin, how to rewrite the text, whether to prepare it and what else is to be tidied up. For a prepared statement the
answers are known: here it is sent at once. Any other goes psycopg's own way, and so do all statements of a release
whose insides nobody has read for this file.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Final

import psycopg
from psycopg._queries import PostgresRawQuery
from psycopg.adapt import Transformer
from psycopg.generators import execute
from psycopg.pq import ExecStatus, Format
from psycopg.rows import tuple_row

__all__ = ["TUPLES_OK", "Straight", "run"]

TUPLES_OK: Final = ExecStatus.TUPLES_OK
GOOD: Final = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)
#: Whether this is a release whose insides are the ones known here: late ones of 3.3.
KNOWN: Final = psycopg.__version__.startswith("3.3.") and hasattr(psycopg.Cursor, "_statusmessage")


def _sent(conn: Any, transformer: Any, rewriter: Any, query: Any, params: Any, binary: Any) -> bool:
    """Send a statement that is prepared; False if it is not, or is not sent as simply as that."""
    prepared = conn._prepared
    names = prepared._names
    if not names or prepared._to_flush or prepared.prepare_threshold is None:
        return False
    if conn._pipeline is not None or not conn._autocommit:
        return False
    if params is None and type(query) is str and query.isascii():
        key, values, formats = (query.encode(), ()), None, None
    else:
        rewritten = rewriter(transformer)
        rewritten.convert(query, params)
        key, values, formats = (rewritten.query, rewritten.types), rewritten.params, rewritten.formats
    name = names.get(key)
    if name is None:
        return False
    conn.pgconn.send_query_prepared(name, values, param_formats=formats, result_format=binary)
    names.move_to_end(key)
    return True


def run(
    conn: Any, query: str, params: Any, prepare: bool | None = None
) -> Generator[Any, Any, tuple[Any, Any]]:
    """Run one statement with ``$1`` for parameters, in text format and without a cursor where that can be.

    Returns its result, and what reads it: a ``Transformer``.
    """
    if KNOWN and prepare is None:
        transformer = Transformer(conn)
        if _sent(conn, transformer, PostgresRawQuery, query, params, Format.TEXT):
            results = yield from execute(conn.pgconn)
            if len(results) != 1 or results[0].status not in GOOD:
                psycopg.RawCursor(conn)._check_results(results)  # raises what psycopg would
            transformer.set_pgresult(results[0])
            return results[0], transformer
    cursor = psycopg.RawCursor(conn, row_factory=tuple_row)
    yield from cursor._execute_gen(query, params, prepare=prepare)
    return cursor.pgresult, cursor._tx


class Straight:
    """A cursor that knows the straight way."""

    __slots__ = ()
    _last_query: Any
    _tx: Any

    def _execute_gen(
        self: Any, query: Any, params: Any = None, *, prepare: Any = None, binary: Any = None
    ) -> Generator[Any, Any, None]:
        if KNOWN and prepare is None and not self._closed:
            self._reset()
            if not self._last_query or self._last_query is not query:
                self._last_query = None
                self._tx = Transformer(self)
            form = self.format if binary is None else int(bool(binary))
            if _sent(self._conn, self._tx, self._query_cls, query, params, form):
                results = yield from execute(self._pgconn)
                if len(results) == 1 and results[0].status == TUPLES_OK:
                    self._results = results
                    self.pgresult = result = results[0]
                    self._tx.set_pgresult(result)
                    self._rowcount = result.ntuples
                    self._statusmessage = result.command_status
                    self._make_row = self._row_factory(self)
                else:
                    self._check_results(results)
                    self._set_results(results)
                self._last_query = query
                return
        yield from super()._execute_gen(query, params, prepare=prepare, binary=binary)  # type: ignore[misc]
