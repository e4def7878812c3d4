"""Rows as JSON: what ``json.dumps`` and ``orjson.dumps`` do not know by themselves."""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

__all__ = ["json_default"]


def json_default(value: Any) -> Any:
    """Make a database value JSON: ``json.dumps(rows, default=json_default)``, or orjson the same.

    =============================================  ============================================
    date, time, datetime                           ISO 8601: ``"2026-01-31T09:30:00+00:00"``
    timedelta                                      an ISO 8601 duration: ``"P1DT2H0.5S"``
    Decimal, UUID, IP addresses and networks       as text, so that no digit is lost
    bytes, bytearray, memoryview                   base64
    Enum                                           its value
    a range (psycopg's, asyncpg's)                 ``{"lower": 1, "upper": 5, "bounds": "[)"}``
    asyncpg's Record, any mapping                  an object
    asyncpg's BitString, Path and Polygon          ``"0101"``, an array of points
    a set, any other sequence                      an array
    =============================================  ============================================

    A range that is empty has ``"bounds": "empty"``, as PostgreSQL writes it.

    Raises:
        TypeError: a value of any other type.
    """
    for cls in type(value).__mro__:
        convert = _BY_NAME.get((cls.__module__, cls.__name__))
        if convert is not None:
            return convert(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return b2a_base64(value, newline=False).decode()
    if hasattr(value, "lower_inc") and hasattr(value, "upper_inc"):
        return _range(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, AbstractSet | Sequence):
        return list(value)
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    raise TypeError(
        f"{kind} cannot be made JSON: cast the column in SQL (::text), or pass a default= of your own "
        "that handles it and calls json_default for the rest"
    )


def _isoformat(value: Any) -> str:
    return str(value.isoformat())


def _duration(value: Any) -> str:
    """``P1DT2H0.5S``: days and seconds of any size, a minus sign before a negative one."""
    total: int = (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds
    seconds, micros = divmod(abs(total), 1_000_000)
    days, seconds = divmod(seconds, 86_400)
    hours, seconds = divmod(seconds, 3600)
    minutes, seconds = divmod(seconds, 60)
    fraction = f".{micros:06}".rstrip("0") if micros else ""
    time = f"{hours}H" * (hours > 0) + f"{minutes}M" * (minutes > 0)
    time += f"{seconds}{fraction}S" * (seconds > 0 or micros > 0)
    date = f"{days}D" * (days > 0)
    if not time and not date:
        return "PT0S"
    return "-" * (total < 0) + "P" + date + ("T" + time) * bool(time)


def _range(value: Any) -> dict[str, Any]:
    if value.isempty:
        return {"lower": None, "upper": None, "bounds": "empty"}
    bounds = ("[" if value.lower_inc else "(") + ("]" if value.upper_inc else ")")
    return {"lower": value.lower, "upper": value.upper, "bounds": bounds}


#: By name, so that nothing is imported for values that a program does not have.
_BY_NAME: Final[dict[tuple[str, str], Callable[[Any], Any]]] = {
    ("datetime", "date"): _isoformat,
    ("datetime", "time"): _isoformat,
    ("datetime", "timedelta"): _duration,
    ("decimal", "Decimal"): str,
    ("uuid", "UUID"): str,
    ("ipaddress", "IPv4Address"): str,
    ("ipaddress", "IPv6Address"): str,
    ("ipaddress", "IPv4Interface"): str,
    ("ipaddress", "IPv6Interface"): str,
    ("ipaddress", "IPv4Network"): str,
    ("ipaddress", "IPv6Network"): str,
    ("enum", "Enum"): lambda value: value.value,
    ("asyncpg.protocol.record", "Record"): dict,
    ("asyncpg.pgproto.types", "BitString"): lambda value: value.as_string(),
    ("asyncpg.pgproto.types", "Path"): lambda value: list(value.points),
}
