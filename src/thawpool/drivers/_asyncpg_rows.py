"""asyncpg's records as dicts."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final, TypeAlias

from ._rows import named_twice

__all__ = ["Plan", "plan_of", "rows_of"]

#: What to do with a value other than NULL, for the columns where something is to be done.
Plan: TypeAlias = tuple[tuple[str, Callable[[Any], Any]], ...]

#: The types that asyncpg leaves as text, and every other driver decodes.
_JSON: Final = ("json", "jsonb")


def plan_of(statement: Any, coded: Collection[str]) -> Plan:
    """The plan for the rows of a statement, as asyncpg describes it.

    Args:
        coded: the types whose values somebody's own codec has decoded.

    Raises:
        PoolError: two of its columns have one name.
    """
    import json

    columns = statement._get_attributes()
    names = [column.name for column in columns]
    if len(set(names)) != len(names):
        raise named_twice(names)
    return tuple(
        (column.name, json.loads if column.type.kind == "scalar" else _each)
        for column in columns
        if column.type.name.removesuffix("[]") in _JSON and column.type.name.removesuffix("[]") not in coded
    )


def rows_of(records: list[Any], plan: Plan) -> list[dict[str, Any]]:
    """Records as dicts."""
    rows = [dict(record.items()) for record in records]
    for name, decode in plan:
        for row in rows:
            if row[name] is not None:
                row[name] = decode(row[name])
    return rows


def _each(values: list[Any]) -> list[Any]:
    """Decode an array of JSON values, of any number of dimensions."""
    import json

    return [
        value if value is None else _each(value) if isinstance(value, list) else json.loads(value)
        for value in values
    ]
