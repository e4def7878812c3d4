"""What asyncpg is handed, and what it is refused rather than denied silently."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from thawpool._url import asyncpg_options, parse_url
from thawpool.errors import ConfigError

pytestmark = pytest.mark.usefixtures("nobody_home")


def options(query: str = "", host: str = "h") -> dict[str, Any]:
    return asyncpg_options(parse_url(f"postgresql+asyncpg://app:pw@{host}/db?{query}", is_async=True))


def context(query: str) -> ssl.SSLContext:
    made = options(query)["ssl"]
    assert isinstance(made, ssl.SSLContext)
    return made


def refusal(query: str) -> str:
    with pytest.raises(ConfigError) as caught:
        options(query)
    return str(caught.value)


def test_a_plain_url() -> None:
    assert options() == {"user": "app", "database": "db"}


def test_what_is_said_to_the_server() -> None:
    assert options("application_name=a&options=-c%20work_mem%3D8MB&target_session_attrs=primary") == {
        "user": "app",
        "database": "db",
        "server_settings": {"application_name": "a", "options": "-c work_mem=8MB"},
        "target_session_attrs": "primary",
    }


def test_a_fallback_name_is_used_without_a_better_one() -> None:
    assert options("fallback_application_name=f")["server_settings"] == {"application_name": "f"}
    assert options("fallback_application_name=f&application_name=a")["server_settings"] == {
        "application_name": "a"
    }


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer"])
def test_modes_that_may_leave_tls_out_stay_words(mode: str) -> None:
    assert options(f"sslmode={mode}")["ssl"] == mode


def test_require_encrypts_and_checks_nothing() -> None:
    made = context("sslmode=require")
    assert (made.verify_mode, made.check_hostname) == (ssl.CERT_NONE, False)
    assert made.minimum_version is ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("mode, hostname", [("require", False), ("verify-ca", False), ("verify-full", True)])
def test_an_authority_is_checked(mode: str, hostname: bool, files: dict[str, str]) -> None:
    made = context(f"sslmode={mode}&sslrootcert={files['ca.pem']}")
    assert (made.verify_mode, made.check_hostname) == (ssl.CERT_REQUIRED, hostname)
    assert len(made.get_ca_certs()) == 1


def test_the_systems_authorities() -> None:
    made = context("sslrootcert=system")
    assert (made.verify_mode, made.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_the_environment_makes_require_stricter(
    files: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGSSLROOTCERT", files["ca.pem"])
    assert context("sslmode=require").verify_mode is ssl.CERT_REQUIRED


def test_a_file_at_home_makes_require_stricter(files: dict[str, str], nobody_home: Path) -> None:
    (nobody_home / ".postgresql").mkdir()
    (nobody_home / ".postgresql" / "root.crt").write_bytes(Path(files["ca.pem"]).read_bytes())
    assert context("sslmode=require").verify_mode is ssl.CERT_REQUIRED


def test_a_clients_certificate(files: dict[str, str]) -> None:
    context(f"sslmode=require&sslcert={files['client.crt']}&sslkey={files['client.key']}")


def test_a_list_of_what_was_revoked(files: dict[str, str], tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "authority")])
    today = datetime(2026, 1, 31, tzinfo=UTC)
    builder = x509.CertificateRevocationListBuilder(name, today, today + timedelta(days=1))
    path = tmp_path / "root.crl"
    path.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    made = context(f"sslmode=verify-ca&sslrootcert={files['ca.pem']}&sslcrl={path}")
    assert made.verify_flags & ssl.VERIFY_CRL_CHECK_CHAIN
    assert refusal("sslmode=require&sslcrl=/none.crl") == "sslcrl=/none.crl: No such file or directory"


def test_versions_of_tls() -> None:
    made = context("sslmode=require&ssl_min_protocol_version=TLSv1.3&ssl_max_protocol_version=TLSv1.3")
    assert made.minimum_version is made.maximum_version is ssl.TLSVersion.TLSv1_3


def test_direct_tls() -> None:
    assert options("sslmode=require&sslnegotiation=direct")["direct_tls"] is True


def test_keys_that_only_libpq_needs_are_left_out() -> None:
    query = (
        "keepalives=1&keepalives_idle=5&tcp_user_timeout=9&gssencmode=disable&client_encoding=utf8&sslsni=1"
    )
    assert options(query) == options()


def test_kerberos_and_the_password_file_are_passed_on() -> None:
    more = {"krbsrvname": "pg", "gsslib": "gssapi", "passfile": "/p"}
    assert options("krbsrvname=pg&gsslib=gssapi&passfile=/p") == options() | more


@pytest.mark.parametrize(
    "query, what",
    [
        ("channel_binding=require", "channel_binding=require"),
        ("require_auth=scram-sha-256", "require_auth"),
        ("requirepeer=postgres", "requirepeer"),
        ("gssencmode=require", "gssencmode"),
        ("sslcertmode=require", "sslcertmode"),
        ("sslcrldir=/crl", "sslcrldir"),
        ("sslsni=0", "sslsni"),
        ("client_encoding=latin1", "client_encoding"),
        ("scram_client_key=hunter2", "scram_client_key"),
    ],
)
def test_what_asyncpg_cannot_honour_is_refused(query: str, what: str) -> None:
    assert refusal(query) == (
        f"asyncpg cannot honour {what}: take it out of the URL, or use postgresql+psycopg://"
    )


@pytest.mark.parametrize("name", ["sslrootcert", "sslcert", "sslcrl", "sslnegotiation"])
@pytest.mark.parametrize("mode", ["", "sslmode=prefer&", "sslmode=allow&"])
def test_files_of_tls_do_not_go_with_modes_that_may_leave_it_out(mode: str, name: str) -> None:
    assert refusal(f"{mode}{name}=x") == (
        f"with asyncpg {name} needs sslmode=require, verify-ca or verify-full beside it; without, TLS may be left "
        "out and the file with it"
    )


def test_what_is_missing_or_unreadable_is_named(files: dict[str, str]) -> None:
    assert refusal("sslmode=verify-full") == (
        "sslmode=verify-full needs sslrootcert: the server's authority as a file, or system"
    )
    assert refusal("sslmode=require&sslkey=k") == "sslkey needs sslcert beside it: the client's certificate"
    assert (
        refusal("sslmode=require&sslrootcert=/none.pem") == "sslrootcert=/none.pem: No such file or directory"
    )
    assert refusal(f"sslmode=require&sslrootcert={files['client.key']}").startswith(
        f"sslrootcert={files['client.key']}: "
    )
    assert refusal("sslmode=require&ssl_min_protocol_version=SSLv3") == (
        "ssl_min_protocol_version: write TLSv1.2 or TLSv1.3"
    )
