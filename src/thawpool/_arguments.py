"""What callers hand to a verb, checked."""

from __future__ import annotations

from .errors import ConfigError

__all__ = ["check_count", "check_seconds", "encodable"]


def check_seconds(name: str, value: object) -> None:
    """Raise ConfigError unless ``value`` is a number of seconds, 0 or more."""
    if type(value) not in (int, float) or not value >= 0:  # type: ignore[operator]
        raise ConfigError(f"{name}={value!r}: give a number of seconds, 0 or more")


def check_count(name: str, value: object, least: int) -> None:
    """Raise ConfigError unless ``value`` is a whole number of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigError(f"{name}={value!r}: give a whole number of at least {least}")


def encodable(text: str) -> bool:
    """Whether ``text`` has no half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
