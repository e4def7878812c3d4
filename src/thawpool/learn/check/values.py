"""What goes into a reader's function, and what came out of it as JSON can carry it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

__all__ = ["arguments", "described"]


def arguments(function: Callable[..., Any]) -> list[Any]:
    """A request for each argument that must be given: handlers differ in how many they take."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    request = SimpleNamespace(method="GET", path="/api/users", headers={}, query={}, body=b"")
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [request for each in parameters if each.kind in positional and each.default is each.empty]


def described(value: Any, depth: int = 2) -> dict[str, Any]:
    """A value's type, and what it holds as far as the lesson looks into it."""
    facts: dict[str, Any] = {"type": type(value).__name__}
    if isinstance(value, (list, tuple)) and depth:
        facts["items"] = [described(item, depth - 1) for item in value[:100]]
        facts["length"] = len(value)
    elif value is None or isinstance(value, (str, int, float)):
        facts["value"] = value
    elif isinstance(value, (bytes, bytearray)):
        facts["value"] = bytes(value).decode("utf-8", "replace")
    elif isinstance(value, dict):
        facts["value"] = {str(key): _plain(each) for key, each in value.items()}
    return facts


def _plain(value: Any) -> Any:
    plain = value is None or isinstance(value, (str, int, float))
    return value if plain else f"({type(value).__name__})"
