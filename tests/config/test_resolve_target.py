"""Where a pool's URL comes from."""

from __future__ import annotations

from typing import Any

import pytest

from thawpool._url import Target
from thawpool.config import PoolConfig
from thawpool.errors import ConfigError

URL = "postgresql://app:hunter2@h/db"


@pytest.fixture(autouse=True)
def no_urls(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "POSTGRES_URL", "MYSQL_URL"):
        monkeypatch.delenv(name, raising=False)


def resolve(url: str | None = None, *, is_async: bool = False, **options: Any) -> Target:
    return PoolConfig.make(url, is_async=is_async, **options).resolve_target(is_async=is_async)


def refusal(url: str | None = None, **options: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        resolve(url, **options)
    assert "hunter2" not in repr(caught.value)
    return str(caught.value)


def test_the_environment_is_read_at_first_use_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    config = PoolConfig.make(is_async=False)
    monkeypatch.setenv("MYSQL_URL", "mysql://third/db")
    assert config.resolve_target(is_async=False).where == "third:3306"
    monkeypatch.setenv("POSTGRES_URL", "postgresql://second/db")
    assert config.resolve_target(is_async=False).where == "second:5432"
    monkeypatch.setenv("DATABASE_URL", "postgresql://first/db")
    assert config.resolve_target(is_async=False).where == "first:5432"
    monkeypatch.setenv("DATABASE_URL", " ")
    assert config.resolve_target(is_async=False).where == "second:5432"


def test_what_is_given_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "nonsense")
    assert resolve(URL).where == "h:5432"
    assert resolve(host="parts", driver="psycopg").where == "parts:5432"


def test_no_url_at_all() -> None:
    assert refusal() == (
        "no database URL: set DATABASE_URL, or pass one, for example "
        "Pool('postgresql://user:password@host:5432/database')"
    )


def test_a_message_says_where_the_url_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGRES_URL", "mongodb://app:hunter2@h/db")
    assert refusal().startswith("POSTGRES_URL: the scheme mongodb:// is not known; ")
    assert refusal("mongodb://app:hunter2@h/db").startswith("url: the scheme mongodb:// is not known; ")


@pytest.mark.parametrize(
    "host, port, expected",
    [
        ("db.example.com", None, (("db.example.com", 5432),)),
        ("db.example.com", 6000, (("db.example.com", 6000),)),
        ("/var/run/postgresql", None, (("/var/run/postgresql", 5432),)),
        ("::1", 6000, (("::1", 6000),)),
        ("[::1]:7000", None, (("::1", 7000),)),
        ("a:1,b", 2, (("a", 1), ("b", 2))),
    ],
)
def test_parts(host: str, port: int | None, expected: object) -> None:
    target = resolve(
        driver="psycopg",
        host=host,
        port=port,
        user="u%41",
        password="p%41",
        database="d%41",
        connect_timeout=2,
    )
    assert target.hosts == expected
    assert (target.user, target.password, target.database) == ("u%41", "p%41", "d%41")
    assert (target.driver, target.system, target.connect_timeout) == ("psycopg", "postgresql", 2)


def test_parts_for_mysql() -> None:
    target = resolve(driver="pymysql", host="h")
    assert (target.system, target.where) == ("mysql", "h:3306")


def test_parts_for_mysql_on_a_socket() -> None:
    assert resolve(driver="asyncmy", host="/run/mysqld.sock", is_async=True).where == "/run/mysqld.sock"


def test_parts_name_the_driver_by_any_of_its_names() -> None:
    assert resolve(driver="MySQLdb", host="h").driver == "mysqlclient"


def test_a_driver_that_is_not_known() -> None:
    assert refusal(driver="psycopg4", host="h").startswith(
        "there is no driver 'psycopg4': did you mean psycopg"
    )


def test_a_password_beside_a_url_replaces_the_urls() -> None:
    assert resolve(URL, password="other").password == "other"
    assert resolve("postgresql://app@h/db", password="other").password == "other"


def test_a_password_function_is_left_to_the_driver() -> None:
    assert resolve(URL, password=lambda: "token").password == "hunter2"
    assert resolve(driver="psycopg", host="h", password=lambda: "token").password is None


def test_the_option_outweighs_the_urls_connect_timeout() -> None:
    assert resolve(URL).connect_timeout == 5
    assert resolve(f"{URL}?connect_timeout=15").connect_timeout == 15
    assert resolve(f"{URL}?connect_timeout=15", connect_timeout=3).connect_timeout == 3


def test_a_target_is_a_value_without_secrets() -> None:
    target = resolve(f"{URL}?sslmode=require&sslpassword=hunter2&scram_client_key=hunter2&passfile=/p")
    assert "hunter2" not in repr(target) + str(target) + f"{target!s:>5}"
    assert repr(target) == (
        "Target(connect_timeout=5.0, database='db', driver='psycopg', extra={'sslpassword': '***', "
        "'scram_client_key': '***', 'passfile': '/p'}, hosts=(('h', 5432),), password='***', sslmode='require', "
        "system='postgresql', user='app')"
    )
    assert target == target.replace()
    assert hash(target) == hash(target.replace())
    assert target != target.replace(password="other")
    assert target != "Target"
    assert repr(resolve("postgresql://h?options=-ca=b")) == (
        "Target(connect_timeout=5.0, driver='psycopg', hosts=(('h', 5432),), options='-ca=b', settings={'a': 'b'}, "
        "system='postgresql')"
    )
    with pytest.raises(AttributeError, match=r"use target\.replace\(user=\.\.\.\)"):
        target.user = "x"
    with pytest.raises(AttributeError, match="cannot be changed"):
        del target.user
