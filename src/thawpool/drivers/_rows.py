"""Rows as dicts, for every driver."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Final, TypeAlias

from ..errors import PoolError

__all__ = ["Rows", "rows_named"]

#: Makes dicts of the rows of a result, as its driver gives them: each as an iterable of its values.
Rows: TypeAlias = Callable[[Iterable[Iterable[Any]]], list[dict[str, Any]]]

#: Up to so many columns a display of its own is worth its making: 0.3 ms for so many, once, and then for a row of
#: a few a fifth of the time of ``dict(zip(..))``.
_WIDEST: Final = 32


def rows_named(names: Sequence[str]) -> Rows:
    """What makes dicts of rows with these columns.

    Raises:
        PoolError: two columns have one name.
    """
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise PoolError(
            f"more than one result column is named {', '.join(map(repr, twice))}, and a dict holds only one: "
            "give them different names with AS"
        )
    if 0 < len(names) <= _WIDEST:
        rows: Rows = _display(len(names))(*names)
        return rows
    return lambda records: [dict(zip(names, record, strict=True)) for record in records]


@lru_cache(_WIDEST)
def _display(width: int) -> Callable[..., Rows]:
    """What makes, of the names of so many columns, ``[{name: value, ..} for value, .. in records]``.

    The text that is compiled depends on the number of columns alone: no name of a column is ever in it.
    """
    keys = [f"k{at}" for at in range(width)]
    values = [f"v{at}" for at in range(width)]
    items = ", ".join(f"{key}: {value}" for key, value in zip(keys, values, strict=True))
    text = f"lambda {', '.join(keys)}: lambda records: [{{{items}}} for {', '.join(values)}, in records]"
    made: Callable[..., Rows] = eval(text, {"__name__": __name__})
    return made
