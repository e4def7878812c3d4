"""asyncpg's records as dicts."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import lru_cache
from typing import Any, Final, TypeAlias

from ._rows import named_twice

__all__ = ["Rows", "rows_of"]

#: Makes dicts of the records of one statement.
Rows: TypeAlias = Callable[[list[Any]], list[dict[str, Any]]]

#: The types that asyncpg leaves as text, and every other driver decodes.
_JSON: Final = ("json", "jsonb")
#: Up to so many columns a display of its own is worth its making: 0.2 ms for so many, and then half the time of
#: ``dict(record.items())`` for a few of them.
_WIDEST: Final = 32


def rows_of(statement: Any, coded: Collection[str]) -> Rows:
    """What makes dicts of the records of a statement, as asyncpg describes it.

    Args:
        coded: the types whose values somebody's own codec has decoded.

    Raises:
        PoolError: two of its columns have one name.
    """
    columns = statement._get_attributes()
    names = [column.name for column in columns]
    if len(set(names)) != len(names):
        raise named_twice(names)
    rows = _display(len(names))(*names) if len(names) <= _WIDEST else _any
    json = [
        column
        for column in columns
        if column.type.name.removesuffix("[]") in _JSON and column.type.name.removesuffix("[]") not in coded
    ]
    return _decoding(rows, json) if json else rows


@lru_cache(_WIDEST)
def _display(width: int) -> Callable[..., Rows]:
    """What makes, of the names of so many columns, ``[{name: record[0], ..} for record in records]``.

    The text that is compiled depends on the number of columns alone: no name of a column is ever in it.
    """
    keys = [f"k{at}" for at in range(width)]
    items = ", ".join(f"{key}: record[{at}]" for at, key in enumerate(keys))
    text = f"lambda {', '.join(keys)}: lambda records: [{{{items}}} for record in records]"
    made: Callable[..., Rows] = eval(text, {"__name__": __name__})
    return made


def _any(records: list[Any]) -> list[dict[str, Any]]:
    return [dict(record.items()) for record in records]


def _decoding(rows: Rows, columns: list[Any]) -> Rows:
    """The same with JSON decoded in these columns."""
    import json

    plan = [(column.name, json.loads if column.type.kind == "scalar" else _each) for column in columns]

    def decoded(records: list[Any]) -> list[dict[str, Any]]:
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
