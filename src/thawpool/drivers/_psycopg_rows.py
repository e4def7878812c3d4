"""psycopg's results as dicts."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, TypeAlias

from ._psycopg_straight import TUPLES_OK
from ._rows import named_twice

__all__ = ["count_of", "dicts"]

#: Makes dicts of the tuples of a result.
Rows: TypeAlias = Callable[[list[tuple[Any, ...]]], list[dict[str, Any]]]

#: Up to so many columns a display of its own is worth its making: 0.3 ms for so many, once, and then a fifth of the
#: time of ``dict(zip(..))`` for a row of a few.
_WIDEST: Final = 32
#: How many sets of columns are known at a time.
_KEPT: Final = 256


def dicts(result: Any, transformer: Any) -> list[dict[str, Any]]:
    """The rows of a result; none if it is that of a statement without any.

    Raises:
        PoolError: two of its columns have one name.
    """
    if result.status != TUPLES_OK:
        return []
    names = tuple([result.fname(at) for at in range(result.nfields)])
    rows: list[dict[str, Any]] = _rows(names, transformer.encoding)(
        transformer.load_rows(0, result.ntuples, tuple)
    )
    return rows


def count_of(result: Any) -> int:
    """The number of rows that a statement returned or touched; -1 if the server did not say."""
    if result.status == TUPLES_OK:
        return int(result.ntuples)
    touched = result.command_tuples
    return -1 if touched is None else int(touched)


@lru_cache(_KEPT)
def _rows(encoded: tuple[bytes, ...], encoding: str) -> Rows:
    """What makes dicts of the rows with these columns."""
    names = [name.decode(encoding) for name in encoded]
    if len(set(names)) != len(names):
        raise named_twice(names)
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
