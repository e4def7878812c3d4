"""asyncpg's records as dicts."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Final

from .._rows import Rows, rows_named

__all__ = ["rows_of"]

#: The types that asyncpg leaves as text, and every other driver decodes.
_JSON: Final = ("json", "jsonb")


def rows_of(statement: Any, coded: Collection[str]) -> Rows:
    """What makes dicts of the records of a statement, as asyncpg describes it.

    Args:
        coded: the types whose values somebody's own codec has decoded.

    Raises:
        PoolError: two of its columns have one name.
    """
    columns = statement._get_attributes()
    rows = rows_named([column.name for column in columns])
    json = [
        column
        for column in columns
        if column.type.name.removesuffix("[]") in _JSON and column.type.name.removesuffix("[]") not in coded
    ]
    return _decoding(rows, json) if json else rows


def _decoding(rows: Rows, columns: list[Any]) -> Rows:
    """The same with JSON decoded in these columns."""
    import json

    plan = [(column.name, json.loads if column.type.kind == "scalar" else _each) for column in columns]

    def decoded(records: Iterable[Iterable[Any]]) -> list[dict[str, Any]]:
        made = rows(records)
        for name, decode in plan:
            for row in made:
                if row[name] is not None:
                    row[name] = decode(row[name])
        return made

    return decoded


def _each(values: list[Any]) -> list[Any]:
    """Decode an array of JSON values, of any number of dimensions."""
    import json

    return [
        value if value is None else _each(value) if isinstance(value, list) else json.loads(value)
        for value in values
    ]
