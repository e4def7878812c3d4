"""What the pure Python libraries read over and over."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

__all__ = ["ERROR", "described"]

#: How a packet begins that is an error.
ERROR: Final = 0xFF


@lru_cache(1024)
def described(kind: Any, packet: bytes, encoding: str) -> Any:
    """What the server says of a column, read once: it says the same for each execution of a statement.

    Args:
        kind: the library's class for it, whose objects are only ever read.
    """
    return kind(packet, encoding)
