"""psycopg's results as dicts."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from .._rows import Rows, rows_named
from .straight import TUPLES_OK

__all__ = ["count_of", "dicts"]

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
    return rows_named([name.decode(encoding) for name in encoded])
