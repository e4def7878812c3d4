"""psycopg2's cursors and large objects, which pass the gate of their connection whenever they may wait."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, TypeVar

from psycopg2 import extensions
from psycopg2.sql import Composable

__all__ = ["Cursor", "LargeObject", "NamedCursor", "gated"]

#: What ``copy_from`` and ``copy_to`` send, as far as it matters.
COPY: Final = "COPY it FROM STDIN"
C = TypeVar("C", bound=type)


@lru_cache(64)
def gated(factory: type, mixed_in: C) -> C:
    """A subclass of both: of the class that a borrower asked for, and of the one here that passes the gate.

    Raises:
        TypeError: it is no class. psycopg2 takes any function, but what that makes could not be bounded.
    """
    if not isinstance(factory, type):
        raise TypeError(
            f"the factory {factory!r} must be a class, so that the pool can derive its own from it"
        )
    if issubclass(mixed_in, factory):
        return mixed_in
    made: Any = type(factory.__name__, (mixed_in, factory), {"__slots__": ()})
    return made  # type: ignore[no-any-return]


class Cursor(extensions.cursor):  # type: ignore[misc]
    """Any cursor."""

    __slots__ = ()

    def execute(self, query: Any, vars: Any = None) -> Any:  # noqa: A002 - psycopg2's name for it
        text = query if type(query) is str and type(self) is Cursor else self._text(query)
        return self.connection.io(text, super().execute, query, vars)

    def executemany(self, query: Any, vars_list: Any) -> Any:
        return self.connection.io(self._text(query), super().executemany, query, vars_list)

    def callproc(self, *args: Any) -> Any:
        return self.connection.io(None, super().callproc, *args)

    def copy_expert(self, sql: Any, *args: Any, **options: Any) -> Any:
        return self.connection.io(self._text(sql), super().copy_expert, sql, *args, **options)

    def copy_from(self, *args: Any, **options: Any) -> Any:
        return self.connection.io(COPY, super().copy_from, *args, **options)

    def copy_to(self, *args: Any, **options: Any) -> Any:
        return self.connection.io(COPY, super().copy_to, *args, **options)

    def _text(self, query: Any) -> str | bytes | None:
        """The statement as text; None where it cannot be told."""
        if isinstance(query, Composable):
            return str(query.as_string(self.connection))
        return query if isinstance(query, (str, bytes)) else None


class NamedCursor(Cursor):
    """One that lives on the server, and reads its rows from there as they are asked for."""

    __slots__ = ()

    def _text(self, query: Any) -> str | bytes | None:
        return None if self.withhold else super()._text(query)

    def fetchone(self) -> Any:
        return self.connection.io("", super().fetchone)

    def fetchmany(self, *args: Any, **options: Any) -> Any:
        return self.connection.io("", super().fetchmany, *args, **options)

    def fetchall(self) -> Any:
        return self.connection.io("", super().fetchall)

    def __next__(self) -> Any:
        return self.connection.io("", super().__next__)

    def scroll(self, *args: Any, **options: Any) -> Any:
        return self.connection.io("", super().scroll, *args, **options)

    def close(self) -> Any:
        return self.connection.io("", super().close)


def _passing(name: str) -> Callable[..., Any]:
    def method(self: LargeObject, *args: Any) -> Any:
        return self.connection.io("", getattr(super(LargeObject, self), name), *args)

    return method


class LargeObject(extensions.lobject):  # type: ignore[misc]
    """Any large object. What waits when it is made is within ``Connection.lobject``."""

    def __init__(self, connection: Any, *args: Any) -> None:
        self.connection = connection
        super().__init__(connection, *args)

    close = _passing("close")
    export = _passing("export")
    read = _passing("read")
    seek = _passing("seek")
    tell = _passing("tell")
    truncate = _passing("truncate")
    unlink = _passing("unlink")
    write = _passing("write")
