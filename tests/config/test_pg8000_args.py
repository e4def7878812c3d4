"""What pg8000 is handed, and what it is refused rather than denied silently."""

from __future__ import annotations

import getpass
import ssl
from typing import Any

import pytest

from thawpool._url import parse_url, pg8000_options
from thawpool.errors import ConfigError

pytestmark = pytest.mark.usefixtures("nobody_home")


def options(query: str = "", user: str = "app:pw@") -> dict[str, Any]:
    return pg8000_options(parse_url(f"postgresql+pg8000://{user}h/db?{query}", is_async=False))


def refusal(query: str) -> str:
    with pytest.raises(ConfigError) as caught:
        options(query)
    return str(caught.value)


def test_a_plain_url() -> None:
    assert options() == {
        "user": "app",
        "database": "db",
        "application_name": None,
        "startup_params": {"client_encoding": "UTF8"},
        "ssl_context": None,
    }


def test_what_is_said_to_the_server() -> None:
    made = options("fallback_application_name=a&options=-c%20work_mem%3D8MB&target_session_attrs=any")
    assert made["application_name"] == "a"
    assert made["startup_params"] == {"client_encoding": "UTF8", "options": "-c work_mem=8MB"}


def test_without_a_user_it_is_the_operating_systems() -> None:
    assert options(user="")["user"] == getpass.getuser()


def test_without_any_name_for_us(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise OSError("No username set in the environment")

    monkeypatch.setattr(getpass, "getuser", nobody)
    with pytest.raises(ConfigError, match="the URL names no user"):
        options(user="")


@pytest.mark.parametrize(
    "query, expected", [("sslmode=disable", False), ("sslmode=allow", None), ("sslmode=prefer", None)]
)
def test_tls_that_may_be_left_out(query: str, expected: bool | None) -> None:
    assert options(query)["ssl_context"] is expected


@pytest.mark.parametrize(
    "mode, verified, named",
    [("require", False, False), ("verify-ca", True, False), ("verify-full", True, True)],
)
def test_tls_that_may_not(mode: str, verified: bool, named: bool, files: dict[str, str]) -> None:
    made = options(f"sslmode={mode}" + (f"&sslrootcert={files['ca.pem']}" if verified else ""))["ssl_context"]
    assert isinstance(made, ssl.SSLContext)
    assert (made.verify_mode is ssl.CERT_REQUIRED, made.check_hostname) == (verified, named)


def test_the_environment_can_demand_tls(files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    monkeypatch.setenv("PGSSLROOTCERT", files["ca.pem"])
    assert options()["ssl_context"].check_hostname
    assert options("sslmode=disable")["ssl_context"] is False
    monkeypatch.setenv("PGSSLMODE", "on")
    assert refusal("").startswith("PGSSLMODE=on is not one of disable, allow, ")


@pytest.mark.parametrize(
    "query, what",
    [
        ("channel_binding=require", "channel_binding=require"),
        ("require_auth=scram-sha-256", "require_auth"),
        ("target_session_attrs=read-write", "target_session_attrs"),
        ("passfile=/p", "passfile"),
        ("sslmode=require&sslnegotiation=direct", "sslnegotiation"),
        ("gssencmode=require", "gssencmode"),
    ],
)
def test_what_pg8000_cannot_honour_is_refused(query: str, what: str) -> None:
    assert refusal(query) == (
        f"pg8000 cannot honour {what}: take it out of the URL, or use postgresql+psycopg://"
    )


def test_files_of_tls_do_not_go_with_modes_that_may_leave_it_out() -> None:
    assert refusal("sslrootcert=ca.pem").startswith("with pg8000 sslrootcert needs sslmode=require, ")
