"""URLs as pasted from providers, and what is understood of each."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from tests.config.pasted_urls import MYSQL, PASSWORD, POSTGRESQL, Case
from tests.config.url_forms import FORMS

from thawpool._url import Target, libpq_options, parse_url


def understood(target: Target) -> dict[str, Any]:
    """The attributes that say something, as plain values."""
    values = {name: getattr(target, name) for name in Target.__slots__ if name not in ("driver", "system")}
    values["settings"], values["extra"] = dict(target.settings), dict(target.extra)
    optional: dict[str, Any] = {**dict.fromkeys(values), "connect_timeout": 5.0, "settings": {}, "extra": {}}
    always = ("hosts", "user", "password", "database")
    return {name: value for name, value in values.items() if name in always or value != optional[name]}


def without_default(expected: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in expected.items() if (name, value) != ("connect_timeout", 5.0)}


@pytest.mark.parametrize("case", POSTGRESQL + FORMS + MYSQL, ids=lambda case: case.name)
def test_a_url_as_pasted(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    mysql = case in MYSQL
    with caplog.at_level(logging.INFO, "thawpool"):
        target = parse_url(case.url, is_async=False)
    assert understood(target) == without_default(case.expected)
    assert target.system == ("mysql" if mysql else "postgresql")
    assert target.driver == ("pymysql" if mysql else "psycopg")
    assert [record.args for record in caplog.records] == (
        [(", ".join(case.dropped),)] if case.dropped else []
    )
    assert PASSWORD not in caplog.text


@pytest.mark.parametrize(
    "case", [case for case in POSTGRESQL + FORMS if case.libpq], ids=lambda case: case.name
)
def test_what_libpq_is_told(case: Case) -> None:
    options = libpq_options(parse_url(case.url, is_async=False))
    who = {"user": case.expected["user"], "dbname": case.expected["database"]}
    assert options == {key: value for key, value in who.items() if value is not None} | case.libpq


@pytest.mark.parametrize("case", POSTGRESQL + FORMS, ids=lambda case: case.name)
def test_libpq_knows_every_keyword(case: Case) -> None:
    target = parse_url(case.url, is_async=True)
    host, port = target.hosts[0]
    options: dict[str, Any] = libpq_options(target)
    assert conninfo_to_dict(make_conninfo(**options, host=host, port=port))["host"] == host


@pytest.mark.parametrize(
    "password, url",
    [
        ("p#ss", "postgresql://app:p#ss@h/db"),
        ("p/ss", "postgresql://app:p/ss@h/db"),
        ("p?ss", "postgresql://app:p?ss@h/db"),
        ("p@ss", "postgresql://app:p@ss@h/db"),
        ("p:ss", "postgresql://app:p:ss@h/db"),
        ("p%ss", "postgresql://app:p%ss@h/db"),
        ("p ss", "postgresql://app:p ss@h/db"),
        ("p&ss=1", "postgresql://app:p&ss=1@h/db"),
        ("p[ss]", "postgresql://app:p[ss]@h/db"),
        ("p/ss?x", "postgresql://app:p/ss?x@h:5432/db?sslmode=require"),
        ("p+ss", "postgresql://app:p+ss@h/db"),
        ("pä", "postgresql://app:pä@h/db"),
        ("pä", "postgresql://app:p%C3%A4@h/db"),
        ("p@/:#?%", "postgresql://app:p%40%2F%3A%23%3F%25@h/db"),
    ],
)
def test_a_password_that_leaves_one_way_to_read_the_url(password: str, url: str) -> None:
    target = parse_url(url, is_async=False)
    assert (target.user, target.password, target.hosts, target.database) == (
        "app",
        password,
        (("h", 5432),),
        "db",
    )


@pytest.mark.parametrize(
    "url, is_async, driver, expected",
    [
        ("postgresql://h/db", False, None, "psycopg"),
        ("postgres://h/db", True, None, "psycopg"),
        ("postgresql://h/db", True, "asyncpg", "asyncpg"),
        ("postgresql+asyncpg://h/db", True, None, "asyncpg"),
        ("postgres+asyncpg://h/db", True, "asyncpg", "asyncpg"),
        ("mysql://h/db", False, None, "pymysql"),
        ("mysql://h/db", True, None, "asyncmy"),
        ("mariadb://h/db", True, None, "asyncmy"),
        ("mysql+pymysql://h/db", False, None, "pymysql"),
        ("mysql+asyncmy://h/db", True, "asyncmy", "asyncmy"),
        ("mysql+aiomysql://h/db", True, None, "aiomysql"),
        ("mysql://h/db", False, "MySQLdb", "mysqlclient"),
        ("mysql+mysqldb://h/db", False, "mysqlclient", "mysqlclient"),
        ("mariadb+mysqlclient://h/db", False, None, "mysqlclient"),
        ("mysql+mysqlconnector://h/db", False, None, "mysqlconnector"),
        ("mysql+mysql-connector-python://h/db", False, None, "mysqlconnector"),
        ("mysql://h/db", False, "mysql.connector", "mysqlconnector"),
        ("mysql://h/db", False, "mysql-connector", "mysqlconnector"),
        ("postgresql+psycopg2://h/db", False, None, "psycopg2"),
        ("postgresql://h/db", False, "psycopg2-binary", "psycopg2"),
        ("postgresql+pg8000://h/db", False, None, "pg8000"),
        ("postgresql+psycopg3://h/db", True, None, "psycopg"),
        ("postgresql+psycopg_async://h/db", True, None, "psycopg"),
    ],
)
def test_the_driver_is_told_by_the_url(url: str, is_async: bool, driver: str | None, expected: str) -> None:
    assert parse_url(url, driver=driver, is_async=is_async).driver == expected


def test_the_option_outweighs_the_urls_connect_timeout() -> None:
    url = "postgresql://h/db?connect_timeout=15"
    assert parse_url(url, is_async=False).connect_timeout == 15
    assert parse_url(url, is_async=False, connect_timeout=2.5).connect_timeout == 2.5


def test_where_names_the_endpoints() -> None:
    target = parse_url("postgresql://a:1,[::2]:2,%2Ftmp/db", is_async=False)
    assert target.where == "a:1,[::2]:2,/tmp"
