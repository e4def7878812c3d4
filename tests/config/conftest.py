"""Files of TLS, and a home without any."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme


@pytest.fixture
def nobody_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without TLS files, and an environment that says nothing about TLS."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("PGSSLMODE", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY", "PGSSLCRL"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """An authority, and a client's certificate with its key."""
    authority = trustme.CA()
    client = authority.issue_cert("client@example.com")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    client.cert_chain_pems[0].write_to_path(tmp_path / "client.crt")
    client.private_key_pem.write_to_path(tmp_path / "client.key")
    return {name: str(tmp_path / name) for name in ("ca.pem", "client.crt", "client.key")}
