"""TLS is verified as the URL demands, and never left out where it was demanded."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme
from tests.drivers.conformance.case import Case, over
from tests.drivers.conformance.errors import assert_discreet

from thawpool import ConfigError, ConnectFailed

pytestmark = pytest.mark.needs("tls")

ENCRYPTED = {
    "postgresql": "SELECT ssl::int AS n FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
    "mysql": "SELECT variable_value <> '' AS n FROM information_schema.session_status WHERE variable_name = 'Ssl_cipher'",
}


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    """The certificate of an authority that vouched for no server here."""
    path = tmp_path / "stranger.pem"
    trustme.CA().cert_pem.write_to_path(path)
    return path


@over(loops=True)
@pytest.mark.parametrize("sslmode", ["require", "verify-ca", "verify-full"])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_encrypted_and_vouched_for(case: Case, sslmode: str, host: str) -> None:
    url = case.tls.url(sslmode=sslmode, host=host)
    pool = case.pool(url if sslmode == "require" else f"{url}&sslrootcert={case.tls.ca_file}")
    assert await pool.query(ENCRYPTED[case.system]) == [{"n": 1}]
    assert await pool.query("SELECT repeat('x', 300000) AS t") == [{"t": "x" * 300_000}]
    assert pool.stats().opened == 1


@over()
async def test_not_encrypted_if_so_wished(case: Case) -> None:
    pool = case.pool(case.tls.url(sslmode="disable"))
    assert await pool.query(ENCRYPTED[case.system]) == [{"n": 0}]


@over()
@pytest.mark.parametrize("sslmode", ["verify-ca", "verify-full"])
async def test_an_authority_that_vouches_for_another(case: Case, sslmode: str, stranger: Path) -> None:
    pool = case.pool(case.tls.url(sslmode=sslmode, sslrootcert=stranger))
    with pytest.raises(ConnectFailed, match=r"(?i)certificate") as caught:
        await pool.query("SELECT 1")
    assert not caught.value.transient
    assert_discreet(caught.value)
    assert pool.stats().total == 0


@over()
async def test_a_name_that_the_certificate_is_not_for(case: Case) -> None:
    """0.0.0.0 leads to this machine as localhost does."""
    url = case.tls.url(sslrootcert=case.tls.ca_file, host="0.0.0.0")
    if "verify-ca" not in case.declared.differs:
        assert await case.pool(f"{url}&sslmode=verify-ca").query("SELECT 1 AS one") == [{"one": 1}]
    pool = case.pool(f"{url}&sslmode=verify-full")
    with pytest.raises(ConnectFailed, match=r"(?i)certificate|hostname|host name") as caught:
        await pool.query("SELECT 1")
    assert not caught.value.transient


@over()
@pytest.mark.parametrize("sslmode", ["require", "verify-ca", "verify-full"])
async def test_a_server_without_tls(case: Case, sslmode: str) -> None:
    url = case.server.url(sslmode=sslmode)
    pool = case.pool(url if sslmode == "require" else f"{url}&sslrootcert={case.tls.ca_file}")
    with pytest.raises(ConnectFailed, match=r"(?i)ssl|tls") as caught:
        await pool.query("SELECT 1")
    assert not caught.value.transient
    assert "turn TLS on" in str(caught.value)


@over()
async def test_an_authority_whose_file_is_not_there(case: Case) -> None:
    pool = case.pool(case.tls.url(sslmode="verify-full", sslrootcert="/nowhere/ca.pem"))
    with pytest.raises(ConfigError, match=r"/nowhere/ca\.pem"):
        await pool.query("SELECT 1")
