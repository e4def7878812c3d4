"""Servers that cannot be reached, do not answer, or refuse: each within its deadline, and the pool none the worse."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.api.flavours import Flavour
from tests.badinput.table import CANARY, assert_sound, refused
from tests.conftest import ProxyFactory
from tests.support.full_backlog import FullBacklog

from thawpool.testing._home import free_port
from thawpool.testing.postgres import Postgres, find_postgres


async def test_a_wrong_password(flavour: Flavour, postgres_tls: Postgres) -> None:
    pool = flavour.pool(postgres_tls.url(password=CANARY))
    with refused("a wrong password"):
        await pool.query("SELECT 1")
    assert_sound(pool)


async def test_a_password_function_that_fails(flavour: Flavour, postgres: Postgres) -> None:
    def password() -> str:
        raise LookupError

    pool = flavour.pool(postgres.url(), password=password)
    with refused("a password function that fails"):
        await pool.query("SELECT 1")
    assert_sound(pool)


async def test_a_password_function_that_returns_no_text(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), password=lambda: None)
    with refused("a password function that returns no text"):
        await pool.query("SELECT 1")
    assert_sound(pool)


async def test_users_and_databases_that_there_are_not(flavour: Flavour, postgres: Postgres) -> None:
    for what, url in (
        ("a user that there is not", postgres.url(user="nobody", password=CANARY)),
        ("a database that there is not", postgres.url(database="nowhere", password=CANARY)),
    ):
        pool = flavour.pool(url)
        with refused(what):
            await pool.query("SELECT 1")
        assert_sound(pool)


async def test_an_unknown_host(flavour: Flavour) -> None:
    pool = flavour.pool(f"postgresql://user:{CANARY}@nowhere.invalid/db")
    with refused("a host that there is not"):
        await pool.query("SELECT 1")
    assert_sound(pool)


async def test_a_closed_port(flavour: Flavour) -> None:
    pool = flavour.pool(f"postgresql://user:{CANARY}@127.0.0.1:{free_port()}/db")
    with refused("a port at which nothing listens"):
        await pool.query("SELECT 1")
    assert_sound(pool)


async def test_a_server_that_says_nothing(flavour: Flavour, postgres: Postgres, proxy: ProxyFactory) -> None:
    wire = proxy()
    wire.accept_silently()
    pool = flavour.pool(wire.url(postgres.url(password=CANARY)), connect_timeout=0.3)
    with refused("a server that accepts and says nothing", within=0.8):
        await pool.query("SELECT 1")
    assert_sound(pool)
    pool = flavour.pool(wire.url(postgres.url(password=CANARY)), timeout=0.3)
    with refused("a server that says nothing for as long as the request has", within=0.8):
        await pool.query("SELECT 1")
    assert_sound(pool)
    wire.resume()
    assert await pool.query("SELECT 1 AS n", timeout=5) == [{"n": 1}]


async def test_a_network_that_drops_packets(flavour: Flavour, packets_dropped: FullBacklog) -> None:
    url = packets_dropped.url().replace("postgres@", f"postgres:{CANARY}@")
    pool = flavour.pool(url, connect_timeout=0.3)
    with refused("a network that drops the packets", within=0.8):
        await pool.query("SELECT 1")
    assert_sound(pool)


@pytest.fixture
def web_server() -> Iterator[int]:
    """The port of something that answers, though not as a database does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                with client:
                    client.recv(1024)
                    client.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


async def test_something_else_than_a_database(flavour: Flavour, web_server: int) -> None:
    pool = flavour.pool(f"postgresql://user:{CANARY}@127.0.0.1:{web_server}/db", connect_timeout=1)
    with refused("something else than a database at that port", within=2):
        await pool.query("SELECT 1")
    assert_sound(pool)


@pytest.fixture(scope="module")
def small_postgres() -> Iterator[Postgres]:
    """A server with so few slots that one test can take them all."""
    settings = {"max_connections": "4", "superuser_reserved_connections": "0", "max_wal_senders": "0"}
    with Postgres(find_postgres("embedded"), settings=settings) as server:
        yield server


async def test_a_full_server(flavour: Flavour, small_postgres: Postgres) -> None:
    other = flavour.pool(small_postgres.url(), max_size=4)
    await other.warm(4)
    pool = flavour.pool(small_postgres.url(password=CANARY))
    with refused("a server that is full"):
        await pool.query("SELECT 1")
    assert_sound(pool)
    await other.close()


async def test_tls_demanded_and_not_offered(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(password=CANARY, sslmode="require"))
    with refused("TLS demanded and not offered"):
        await pool.query("SELECT 1")
    assert_sound(pool)


async def test_certificates(flavour: Flavour, postgres_tls: Postgres, tmp_path: Path) -> None:
    import trustme

    stranger = tmp_path / "stranger.pem"
    trustme.CA().cert_pem.write_to_path(stranger)
    good = flavour.pool(
        postgres_tls.url(sslmode="verify-full", sslrootcert=postgres_tls.ca_file, host="localhost")
    )
    assert await good.query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") == [{"ssl": True}]
    pool = flavour.pool(postgres_tls.url(sslmode="verify-ca", sslrootcert=stranger, password=CANARY))
    with refused("a certificate that nobody vouches for"):
        await pool.query("SELECT 1")
    assert_sound(pool)


@pytest.fixture(scope="module")
def misnamed_postgres() -> Iterator[Postgres]:
    """A server that is to be had at 127.0.0.2, too; its certificate is for localhost and 127.0.0.1."""
    settings = {"listen_addresses": "127.0.0.1,127.0.0.2"}
    with Postgres(find_postgres("celerp"), tls=True, auth="scram-sha-256", settings=settings) as server:
        yield server


@pytest.mark.needs("tls")
async def test_a_certificate_for_another_name(flavour: Flavour, misnamed_postgres: Postgres) -> None:
    server = misnamed_postgres
    url = server.url(sslmode="verify-full", sslrootcert=server.ca_file, host="127.0.0.2", password=CANARY)
    pool = flavour.pool(url)
    with refused("a certificate for another name"):
        await pool.query("SELECT 1")
    assert_sound(pool)


async def test_a_ca_file_that_is_not_there(flavour: Flavour, postgres_tls: Postgres) -> None:
    url = postgres_tls.url(sslmode="verify-full", sslrootcert="/nowhere/no-such-ca.pem", password=CANARY)
    pool = flavour.pool(url)
    with refused("a CA file that is not there"):
        await pool.query("SELECT 1")
    assert_sound(pool)


async def test_a_configure_hook_that_fails(flavour: Flavour, postgres: Postgres) -> None:
    healthy = False

    def configure(conn: Any) -> None:
        if not healthy:
            raise ZeroDivisionError("division by zero")

    pool = flavour.pool(postgres.url(password=CANARY), configure=configure, max_size=1)
    for _ in range(3):
        with refused("a `configure` hook that fails"):
            await pool.query("SELECT 1")
        assert_sound(pool)
    healthy = True
    assert await pool.query("SELECT 1 AS n") == [{"n": 1}]


async def test_a_configure_hook_that_leaves_a_transaction_open(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(password=CANARY), configure=lambda conn: conn.execute("BEGIN"))
    with refused("a `configure` hook that leaves a transaction open"):
        await pool.query("SELECT 1")
    assert_sound(pool)
    assert pool.stats().total == 0
