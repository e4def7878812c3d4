"""The options: what they are by default, what they may be, what is said where they may not."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from thawpool import _option_rules
from thawpool._option_types import PoolOptions
from thawpool.config import DEFAULTS, PoolConfig
from thawpool.errors import ConfigError
from thawpool.platforms import LOCAL, Platform

URL = "postgresql://app:hunter2@h/db"
FROZEN = Platform("somewhere", freezes=True, longest_request=60.0)


def make(url: Any = URL, *, is_async: bool = False, **options: Any) -> PoolConfig:
    return PoolConfig.make(url, is_async=is_async, **options)


def refusal(url: Any = URL, *, is_async: bool = False, **options: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        make(url, is_async=is_async, **options)
    assert "hunter2" not in repr(caught.value)
    return str(caught.value)


def test_the_defaults() -> None:
    config = make(None, platform=LOCAL)
    assert {name: getattr(config, name) for name in DEFAULTS if name != "platform"} == {
        "driver": None, "host": None, "port": None, "user": None, "password": None, "database": None,
        "max_size": 5, "min_size": 0, "timeout": 5.0, "connect_timeout": 5.0, "idle_timeout": 10.0, "trust_window": 1.0,
        "max_lifetime": 1800.0, "max_uses": None, "max_waiting": None, "server_idle_timeout": 60.0,
        "server_transaction_timeout": 30.0, "statement_timeout": None, "reset": "dirty", "check": None,
        "configure": None, "tcp_timeout": 5.0, "keep": None, "pooler": "auto", "name": None, "clock": None,
        "observer": None, "debug": False,
    }  # fmt: skip


def test_the_typed_options_are_the_options() -> None:
    assert list(PoolOptions.__annotations__) == list(DEFAULTS)


def test_every_option_can_be_given() -> None:
    given: dict[str, Any] = {
        "max_size": 3, "min_size": 1, "timeout": 0.3, "connect_timeout": 1, "idle_timeout": 0, "trust_window": 0,
        "max_lifetime": None, "max_uses": 9, "max_waiting": 0, "server_idle_timeout": None,
        "server_transaction_timeout": None, "statement_timeout": 7.5, "reset": "always", "check": bool,
        "configure": print, "tcp_timeout": 2, "keep": 0, "pooler": None, "name": "main", "debug": True,
        "driver": "psycopg", "observer": object(), "platform": FROZEN,
    }  # fmt: skip
    config = make(**given)
    assert {name: getattr(config, name) for name in given} == given


SECONDS = ["timeout", "connect_timeout", "idle_timeout", "trust_window", "max_lifetime", "server_idle_timeout",
           "server_transaction_timeout", "statement_timeout", "tcp_timeout"]  # fmt: skip
COUNTS = ["max_size", "min_size", "max_uses", "max_waiting", "keep"]


@pytest.mark.parametrize("value", [-1, -0.5, float("nan"), float("inf")])
@pytest.mark.parametrize("name", SECONDS)
def test_times_out_of_range(name: str, value: Any) -> None:
    assert refusal(**{name: value}).startswith(f"{name}={value!r} is out of range: give 0")


@pytest.mark.parametrize("value, kind", [(True, "bool"), ("5", "str"), (b"5", "bytes"), ([1], "list")])
@pytest.mark.parametrize("name", SECONDS + COUNTS)
def test_numbers_that_are_none(name: str, value: Any, kind: str) -> None:
    assert refusal(**{name: value}).startswith(f"{name}={value!r} is of type {kind}: give ")


@pytest.mark.parametrize(
    "name", ["timeout", "connect_timeout", "idle_timeout", "trust_window", "tcp_timeout"]
)
def test_there_is_no_waiting_for_ever(name: str) -> None:
    nothing: dict[str, Any] = {name: None}
    assert refusal(**nothing).startswith(f"{name}=None: thawpool never waits for ever; give 0")


@pytest.mark.parametrize(
    "options, message",
    [
        ({"max_size": 0}, "max_size=0 is out of range: give 1 or more"),
        ({"max_size": 2.0}, "max_size=2.0 is of type float: give a whole number, 1 or more"),
        ({"max_uses": 0}, "max_uses=0 is out of range: give 1 or more or None"),
        ({"max_waiting": -1}, "max_waiting=-1 is out of range: give 0 or more or None"),
        ({"timeout": 0}, "timeout=0 is out of range: give 0.001 to 2147483 (seconds)"),
        ({"statement_timeout": 0}, "statement_timeout=0 is out of range: give 0.001 to 2147483, 'auto' or None (seconds)"),
        ({"tcp_timeout": 40_000}, "tcp_timeout=40000 is out of range: give 0.001 to 32767 (seconds)"),
        ({"max_lifetime": 0}, "max_lifetime=0 is out of range: give 0.001 or more or None (seconds)"),
        ({"min_size": 6}, "min_size=6 is more than max_size=5: lower it, or raise max_size"),
        ({"keep": 3, "max_size": 2}, "keep=3 is more than max_size=2: lower it, or raise max_size"),
        (
            {"server_idle_timeout": 1},
            ("server_idle_timeout=1 is not more than trust_window=1.0: the server would end sessions that the pool leases "
            "without a look; raise it, or lower trust_window"),
        ),
        (
            {"reset": "sometimes"},
            "reset='sometimes': give 'dirty', 'always', 'never' or a function that is passed the connection",
        ),
        (
            {"pooler": "bouncer"},
            ("pooler='bouncer' is not known: give None for none, or one of auto, azure, neon, odyssey, pgbouncer, pgcat, "
            "pgdog, proxysql, rds_proxy, supavisor"),
        ),
        ({"debug": 1}, "debug=1: give True or False"),
        ({"name": ""}, "name must be a str that is not empty, or None for the default"),
        ({"driver": 5}, "driver must be a str that is not empty, or None for the default"),
        ({"check": 5}, "check is of type int: give a function, passed the connection, or None"),
        ({"configure": "SET x"}, "configure is of type str: give a function, passed the connection, or None"),
        ({"password": 5}, "password is of type int: give a str or a function that returns one, or None"),
        ({"password": ""}, "password is empty: give the password, or None for the URL's"),
        ({"clock": 5}, "clock is of type int: give an object with wall() and mono(), or None"),
        (
            {"platform": "lambda"},
            "platform: give a thawpool.platforms.Platform, or None to have it told from the environment",
        ),
        ({"max_sizes": 5}, "there is no option 'max_sizes': did you mean max_size?"),
        ({"pool_recycle": 5}, "there is no option 'pool_recycle': did you mean max_lifetime?"),
        ({"dsn": URL}, "there is no option 'dsn': did you mean url?"),
        ({"connectionLimit": 5}, "there is no option 'connectionLimit': did you mean max_size?"),
        ({"passwd": "hunter2"}, "there is no option 'passwd': did you mean password?"),
        ({"maxSize": 5}, "there is no option 'maxSize': did you mean max_size?"),
        ({"idleTimeout": 5}, "there is no option 'idleTimeout': did you mean idle_timeout?"),
        (
            {"waitForConnections": True},
            "there is no option 'waitForConnections': requests always wait, up to timeout; max_waiting=0 lets none wait",
        ),
        ({"charset": "utf8mb4"}, "there is no option 'charset': write it into the URL, as ?charset=utf8mb4"),
        ({"zzz": 5}, f"there is no option 'zzz': the options are url, {', '.join(DEFAULTS)}"),
    ],
)  # fmt: skip
def test_what_is_said_about_an_option(options: dict[str, Any], message: str) -> None:
    assert refusal(**options) == message


@pytest.mark.parametrize(
    "url, options, message",
    [
        (
            b"postgresql://app:hunter2@h/db",
            {},
            ("url is of type bytes: pass a str. Of a SQLAlchemy URL that is url.render_as_string(hide_password=False), of a "
            "pydantic one str(url)"),
        ),
        (" ", {}, "url is empty: pass postgresql://user:password@host:5432/database, or None for DATABASE_URL"),
        (URL, {"host": "h"}, "url and host say the same thing twice: put host into the URL, or drop url"),
        (URL, {"database": "x"}, "url and database say the same thing twice: put database into the URL, or drop url"),
        (None, {"port": 5}, "port without host: name host and driver too, or put port into the URL (DATABASE_URL)"),
        (
            None,
            {"host": "h"},
            'host without driver: name it, driver="psycopg" for PostgreSQL, "pymysql" for MySQL and MariaDB, or another',
        ),
        (None, {"driver": "psycopg", "host": URL}, "host holds a URL: pass it as url"),
        (None, {"driver": "psycopg", "host": "h", "port": 0}, "port=0 is out of range: give 1 to 65535 or None"),
        (None, {"driver": "psycopg", "host": 5}, "host must be a str that is not empty, or None for the default"),
    ],
)  # fmt: skip
def test_what_is_said_about_where_to_connect(url: Any, options: dict[str, Any], message: str) -> None:
    assert refusal(url, **options) == message


def test_the_words_of_mysql2_lead_to_ours() -> None:
    """As in ``createPool({host, user, password, database, waitForConnections, connectionLimit, queueLimit})``."""
    for word in ("host", "port", "user", "password", "database"):
        assert word in DEFAULTS
    for word in (
        "waitForConnections",
        "connectionLimit",
        "queueLimit",
        "idleTimeout",
        "maxIdle",
        "socketPath",
        "uri",
    ):
        given: dict[str, Any] = {word: 1}
        near = refusal(**given).partition(": ")[2]
        assert "did you mean" in near or "always wait" in near


def test_host_without_driver_in_an_async_pool() -> None:
    assert '"asyncmy" for MySQL and MariaDB' in refusal(None, is_async=True, host="h")


def test_other_words_mean_options_that_there_are() -> None:
    assert {*_option_rules._ELSEWHERE.values()} <= {"url", *DEFAULTS}


async def coroutine(*_: Any) -> str:
    return "hunter2"


class Awaited:
    async def __call__(self, *_: Any) -> str:
        return "hunter2"

    async def method(self, *_: Any) -> str:
        return "hunter2"


@pytest.mark.parametrize(
    "function", [coroutine, functools.partial(coroutine, 1), Awaited(), Awaited().method]
)
@pytest.mark.parametrize("name", ["check", "configure", "reset", "password"])
def test_async_functions_are_for_async_pools(name: str, function: Any) -> None:
    assert refusal(**{name: function}) == (
        f"{name} is an async function, which Pool cannot await: give a plain one, or use AsyncPool"
    )
    assert getattr(make(is_async=True, **{name: function}), name) is function


@pytest.mark.parametrize("name", ["check", "configure", "reset", "password"])
def test_plain_functions_are_for_both(name: str) -> None:
    for is_async in (False, True):
        assert getattr(make(is_async=is_async, **{name: len}), name) is len


def test_nothing_can_be_changed() -> None:
    config = make()
    with pytest.raises(AttributeError, match="cannot be changed"):
        config.max_size = 9
    with pytest.raises(AttributeError, match="cannot be changed"):
        del config.max_size


def test_repr_shows_what_differs_and_no_secret() -> None:
    assert repr(make(max_size=2, password="hunter2", server_idle_timeout=None)) == (
        "PoolConfig(url=***, password=***, max_size=2, server_idle_timeout=None)"
    )
    assert repr(make(None)) == "PoolConfig()"


@pytest.mark.parametrize(
    "platform, options, idle, statement",
    [
        (FROZEN, {}, 15.0, 60.0),
        (FROZEN, {"idle_timeout": 100}, 105.0, 60.0),
        (FROZEN, {"idle_timeout": 1e12}, 2_147_483.0, 60.0),
        (LOCAL, {}, 60.0, None),
        (LOCAL, {"idle_timeout": 100}, 105.0, None),
        (FROZEN, {"server_idle_timeout": 20, "statement_timeout": None}, 20, None),
        (FROZEN, {"server_idle_timeout": None, "statement_timeout": 5}, None, 5),
    ],
)
def test_the_servers_limits_follow_the_platform(
    platform: Platform, options: dict[str, Any], idle: float | None, statement: float | None
) -> None:
    config = make(platform=platform, **options)
    assert (config.server_idle_timeout, config.statement_timeout) == (idle, statement)


def test_the_platform_is_told_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    config = make()
    monkeypatch.setenv("VERCEL", "1")
    assert (config.platform.name, config.statement_timeout) == ("vercel", 800.0)
