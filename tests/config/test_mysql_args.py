"""What MySQL's drivers are handed, and what TLS they are bound to."""

from __future__ import annotations

import codecs
import getpass
import ssl
from pathlib import Path
from typing import Any

import pytest
from aiomysql.connection import charset_by_name as aiomysql_charset
from asyncmy.charset import charset_by_name as asyncmy_charset
from mysql.connector.charsets import MYSQL_CHARACTER_SETS
from pymysql.charset import charset_by_name as pymysql_charset

from thawpool._url import Target, mysql_context, mysql_options, mysqlclient_tls, parse_url
from thawpool._url.mysql_words import CHARSETS
from thawpool.errors import ConfigError


def target(query: str = "", start: str = "mysql://app:pw@h/db") -> Target:
    return parse_url(f"{start}?{query}", is_async=False)


def refusal(function: Any, query: str) -> str:
    with pytest.raises(ConfigError) as caught:
        function(target(query))
    return str(caught.value)


def test_a_plain_url() -> None:
    assert mysql_options(target()) == {"user": "app", "database": "db"}
    assert mysql_options(target(start="mysql://h")) == {"user": getpass.getuser()}


@pytest.mark.parametrize(
    "query, charset, collation",
    [
        ("charset=utf8mb4", "utf8mb4", None),
        ("charset=UTF8", "utf8mb4", None),
        ("charset=utf-8", "utf8mb4", None),
        ("charset=utf8mb3&collation=utf8mb3_bin", "utf8mb4", "utf8mb4_bin"),
        ("charset=utf8&collation=utf8_general_ci", "utf8mb4", "utf8mb4_general_ci"),
        ("collation=latin1_swedish_ci", "latin1", "latin1_swedish_ci"),
        ("charset=utf8mb4_unicode_ci", "utf8mb4", "utf8mb4_unicode_ci"),
        ("collation=uca1400_ai_ci", None, "uca1400_ai_ci"),
        ("charset=", None, None),
    ],
)
def test_how_texts_are_written(query: str, charset: str | None, collation: str | None) -> None:
    options = mysql_options(target(query))
    assert (options.get("charset"), options.get("collation")) == (charset, collation)


@pytest.mark.parametrize("name", sorted(CHARSETS))
def test_every_driver_knows_every_character_set(name: str) -> None:
    assert name in {entry[0] for entry in MYSQL_CHARACTER_SETS if entry}
    for charset in (pymysql_charset, aiomysql_charset, asyncmy_charset):
        assert codecs.lookup(charset(name).encoding)


@pytest.mark.parametrize(
    "query", ["", "sslmode=prefer", "sslmode=allow", "ssl-mode=DISABLED", "ssl-mode=disabled&ssl-ca=x"]
)
def test_no_tls_is_demanded(query: str) -> None:
    assert mysql_context(target(query)) is None


@pytest.mark.parametrize(
    "query, verified, named",
    [
        ("ssl-mode=REQUIRED", False, False),
        ("ssl=true", False, False),
        ("tls=skip-verify", False, False),
        ("useSSL=true&requireSSL=true", False, False),
        ("ssl-ca=FILE", True, False),
        ("ssl-mode=REQUIRED&ssl-ca=FILE", True, False),
        ("ssl-mode=VERIFY_CA&ssl-ca=FILE", True, False),
        ("ssl_ca=FILE&ssl_verify_cert=true", True, False),
        ("ssl_ca=FILE&ssl_verify_cert=true&ssl_verify_identity=true", True, True),
        ("ssl_ca=FILE&ssl_check_hostname=false", True, False),
        ("ssl-mode=VERIFY_IDENTITY", True, True),
        ("ssl={}", True, True),
        ("tls=true", True, True),
    ],
)
def test_tls_is_demanded(query: str, verified: bool, named: bool, files: dict[str, str]) -> None:
    made = mysql_context(target(query.replace("FILE", files["ca.pem"])))
    assert made is not None
    assert (made.verify_mode is ssl.CERT_REQUIRED, made.check_hostname) == (verified, named)
    assert made.minimum_version is ssl.TLSVersion.TLSv1_2


def test_a_clients_certificate(files: dict[str, str]) -> None:
    query = f"sslmode=require&sslcert={files['client.crt']}&sslkey={files['client.key']}"
    assert mysql_context(target(query)) is not None
    assert mysqlclient_tls(target(query)) == {
        "ssl_mode": "REQUIRED",
        "ssl": {"cert": files["client.crt"], "key": files["client.key"]},
    }


@pytest.mark.parametrize(
    "query, mode", [("", "PREFERRED"), ("sslmode=allow", "PREFERRED"), ("sslmode=disable", "DISABLED")]
)
def test_mysqlclient_without_tls_demanded(query: str, mode: str) -> None:
    assert mysqlclient_tls(target(query)) == {"ssl_mode": mode}


def test_mysqlclient_with_an_authority(files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    ca = files["ca.pem"]
    assert mysqlclient_tls(target(f"ssl-ca={ca}")) == {"ssl_mode": "VERIFY_CA", "ssl": {"ca": ca}}
    monkeypatch.setenv("SSL_CERT_FILE", ca)
    assert mysqlclient_tls(target("sslmode=verify-full")) == {
        "ssl_mode": "VERIFY_IDENTITY",
        "ssl": {"ca": ca},
    }
    monkeypatch.setenv("SSL_CERT_FILE", "/none.pem")
    assert refusal(mysqlclient_tls, "sslmode=verify-full") == (
        "the system's authorities are not in one file here: name it with sslrootcert"
    )


@pytest.mark.parametrize("function", [mysql_context, mysqlclient_tls])
def test_what_is_missing_or_unreadable_is_named(function: Any, tmp_path: Path) -> None:
    assert refusal(function, "sslmode=verify-ca") == (
        "sslmode=verify-ca needs sslrootcert: the server's authority as a file, or verify-full with system"
    )
    assert refusal(function, "ssl-ca=/none.pem") == "sslrootcert=/none.pem: No such file or directory"
    assert (
        refusal(function, "sslmode=require&sslcert=/none.pem")
        == "sslcert=/none.pem: No such file or directory"
    )
    assert (
        refusal(function, "ssl-key=k&sslmode=require")
        == "sslkey needs sslcert beside it: the client's certificate"
    )
    assert refusal(function, "ssl-cert=c").startswith("with pymysql sslcert needs sslmode=require, ")
