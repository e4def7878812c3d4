"""Content as JSON bytes, rows with dates, decimals, UUIDs and bytes included."""

from __future__ import annotations

import json
from collections.abc import Iterable
from math import isfinite
from typing import Any

from thawpool import json_default

try:
    import orjson as _orjson
except ImportError:
    orjson: Any = None
else:
    orjson = _orjson

__all__ = ["encode"]


def encode(content: Any) -> bytes:
    """``content`` as compact JSON in UTF-8, by orjson where it is installed, which is ten times as fast.

    It makes no difference to what is accepted: what orjson refuses (whole numbers beyond 64 bit, times with a
    time zone, keys that are no strings) the standard library writes, and what that refuses is an error.

    Raises:
        TypeError: a value that neither they nor ``thawpool.json_default`` know.
        ValueError: a number that is none (NaN), or infinite; the message says where it stands.
    """
    if orjson is not None:
        try:
            body: bytes = orjson.dumps(content, json_default, orjson.OPT_PASSTHROUGH_DATACLASS)
        except TypeError:
            pass
        else:
            # It writes null for a number that is none.
            if b"null" in body and (way := _way_to_nan(content)) is not None:
                raise _no_word(way)
            return body
    try:
        text = json.dumps(
            content, default=json_default, allow_nan=False, ensure_ascii=False, separators=(",", ":")
        )
    except ValueError as error:
        # It raises this for content that contains itself, too, in which the search would have no end.
        if str(error).startswith("Out of range") and (way := _way_to_nan(content)) is not None:
            raise _no_word(way) from None
        raise
    return text.encode()


def _way_to_nan(value: Any) -> str | None:
    """How to reach the first number in ``value`` that JSON cannot write, as ``['users'][3]['score']``."""
    parts: Iterable[tuple[Any, Any]]
    if value is None or isinstance(value, str | int):
        return None
    if isinstance(value, float):
        return None if isfinite(value) else ""
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list | tuple):
        parts = enumerate(value)
    else:
        return _way_to_nan(json_default(value))
    for key, part in parts:
        way = _way_to_nan(part)
        if way is not None:
            return f"[{key!r}]{way}"
    return None


def _no_word(way: str) -> ValueError:
    return ValueError(
        f"content{way} is NaN or infinite, for which JSON has no word: select NULLIF(column, 'NaN'), "
        "or cast it to text"
    )
