"""What libpq is handed, by psycopg and by psycopg2, whose libpq is another."""

from __future__ import annotations

import psycopg
import psycopg2.extensions
import pytest

from thawpool._url import libpq_args, libpq_options, parse_url
from thawpool._url.postgresql_words import EXTRA, TYPED
from thawpool.errors import ConfigError


def test_libpq_is_led_to_the_systems_authorities(
    monkeypatch: pytest.MonkeyPatch, files: dict[str, str]
) -> None:
    target = parse_url("postgresql://h/db?sslrootcert=system", is_async=False)
    monkeypatch.setenv("SSL_CERT_FILE", files["ca.pem"])
    assert libpq_options(target)["sslrootcert"] == files["ca.pem"]
    monkeypatch.setenv("SSL_CERT_FILE", "/none.pem")
    assert libpq_options(target)["sslrootcert"] == "system"


@pytest.mark.parametrize("key", sorted({*EXTRA, *TYPED} - {"database", "oauth_scope"}))
def test_each_version_of_libpq_knows_what_it_is_said_to(key: str) -> None:
    version = psycopg2.__libpq_version__
    known = version // 10_000 >= libpq_args._SINCE.get(key, 0)
    if known:
        assert key in psycopg2.extensions.parse_dsn(f"{key}=1")
    else:
        with pytest.raises(psycopg2.ProgrammingError, match="invalid connection option"):
            psycopg2.extensions.parse_dsn(f"{key}=1")


def test_psycopg_brings_a_libpq_that_knows_every_keyword() -> None:
    assert psycopg.pq.version() // 10_000 >= max(libpq_args._SINCE.values())


def test_a_keyword_that_is_younger_than_libpq() -> None:
    target = parse_url("postgresql+psycopg2://h/db?require_auth=scram-sha-256", is_async=False)
    assert libpq_options(target, 160_004)["require_auth"] == "scram-sha-256"
    with pytest.raises(ConfigError) as caught:
        libpq_options(target, 150_012)
    assert str(caught.value) == (
        "the libpq that psycopg2 brings is version 15, and require_auth came with 16: take it out of the URL, or "
        "install a newer psycopg2"
    )
