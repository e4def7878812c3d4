"""What the drivers make of their arguments, and we of their values, asked of a real server with TLS."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import pg8000.dbapi
import psycopg
import psycopg2
import pytest
import trustme

from thawpool._json import json_default
from thawpool._url import Target, asyncpg_options, libpq_options, parse_url, pg8000_options
from thawpool.testing.postgres import Postgres, find_postgres

Ask = Callable[[str, str], Coroutine[Any, Any, Any]]


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with Postgres(find_postgres("celerp"), tls=True, auth="scram-sha-256") as server:
        yield server


async def ask_psycopg(url: str, sql: str) -> Any:
    target = parse_url(url, is_async=True)
    where = {"host": target.hosts[0][0], "port": target.hosts[0][1], "password": target.password}
    options: dict[str, Any] = {**libpq_options(target), **where}
    conn: Any = await psycopg.AsyncConnection.connect(**options, connect_timeout=5)
    async with conn:
        cursor = await conn.execute(sql)
        return (await cursor.fetchone())[0] if cursor.description else None


async def ask_asyncpg(url: str, sql: str) -> Any:
    target: Target = parse_url(url, driver="asyncpg", is_async=True)
    where = {"host": target.hosts[0][0], "port": target.hosts[0][1], "password": target.password}
    conn = await asyncpg.connect(**asyncpg_options(target), **where, timeout=5)
    try:
        return await conn.fetchval(sql)
    finally:
        await conn.close()


async def ask_psycopg2(url: str, sql: str) -> Any:
    target = parse_url(url, driver="psycopg2", is_async=False)
    where = {"host": target.hosts[0][0], "port": target.hosts[0][1], "password": target.password}
    options: dict[str, Any] = libpq_options(target, psycopg2.__libpq_version__)
    return value(psycopg2.connect(**options, **where), sql)


async def ask_pg8000(url: str, sql: str) -> Any:
    target = parse_url(url, driver="pg8000", is_async=False)
    where = {"host": target.hosts[0][0], "port": target.hosts[0][1], "password": target.password}
    return value(pg8000.dbapi.connect(**pg8000_options(target), **where, timeout=5), sql)


def value(conn: Any, sql: str) -> Any:
    conn.autocommit = True
    with closing(conn), closing(conn.cursor()) as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0] if cursor.description else None


LIBPQ = [ask_psycopg, ask_psycopg2]


def over(*drivers: Ask) -> pytest.MarkDecorator:
    """Run a test over these drivers."""
    return pytest.mark.parametrize(
        "ask", drivers, ids=[driver.__name__.removeprefix("ask_") for driver in drivers], indirect=True
    )


@pytest.fixture(params=[*LIBPQ, ask_asyncpg, ask_pg8000], ids=["psycopg", "psycopg2", "asyncpg", "pg8000"])
def ask(request: pytest.FixtureRequest) -> Callable[[str, str], Any]:
    """Open a URL, run a statement, return its one value."""
    coroutine: Ask = request.param
    return lambda url, sql: asyncio.run(coroutine(url, sql))


TLS = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"


@pytest.mark.parametrize("mode, encrypted", [("disable", False), ("prefer", True), ("require", True)])
def test_tls_without_an_authority(ask: Any, server: Postgres, mode: str, encrypted: bool) -> None:
    assert ask(server.url(sslmode=mode), TLS) is encrypted


@over(*LIBPQ, ask_asyncpg)
def test_tls_only_if_the_server_insists(ask: Any, server: Postgres) -> None:
    assert ask(server.url(sslmode="allow"), TLS) is False


def test_allowing_tls_takes_it_where_the_driver_asks_but_once(server: Postgres) -> None:
    assert asyncio.run(ask_pg8000(server.url(sslmode="allow"), TLS)) is True


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_tls_with_the_servers_authority(ask: Any, server: Postgres, mode: str) -> None:
    assert ask(server.url(host="localhost", sslmode=mode, sslrootcert=server.ca_file), TLS) is True


@pytest.mark.parametrize("query", [{"sslrootcert": "system"}, {"sslmode": "require", "sslrootcert": "OTHER"}])
def test_a_foreign_authority_is_not_enough(
    ask: Any, server: Postgres, query: dict[str, str], tmp_path: Path
) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    query = {key: value.replace("OTHER", str(other)) for key, value in query.items()}
    failures = (psycopg.OperationalError, psycopg2.OperationalError, ssl.SSLError)
    with pytest.raises(failures, match=r"(?i)certificate verify failed"):
        ask(server.url(host="localhost", **query), TLS)


def test_the_systems_authorities_include_ours(
    ask: Any, server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(server.ca_file))
    assert ask(server.url(host="localhost", sslrootcert="system"), TLS) is True


@over(*LIBPQ, ask_asyncpg)
def test_direct_tls(ask: Any, server: Postgres) -> None:
    assert ask(server.url(sslmode="require", sslnegotiation="direct"), TLS) is True


def test_what_the_server_is_told(ask: Any, server: Postgres) -> None:
    url = server.url(application_name="my app", options="-c statement_timeout=4321 --lock-timeout=99")
    names = ("application_name", "statement_timeout", "lock_timeout")
    found = ask(url, f"SELECT concat_ws('|', {', '.join(f'current_setting({name!r})' for name in names)})")
    assert found == "my app|4321ms|99ms"


@over(ask_psycopg, ask_asyncpg)
@pytest.mark.parametrize(
    "sql, expected",
    [
        ("'2026-01-31'::date", "2026-01-31"),
        ("'2026-01-31 09:30Z'::timestamptz", "2026-01-31T09:30:00+00:00"),
        ("'2026-01-31 09:30:00.5'::timestamp", "2026-01-31T09:30:00.500000"),
        ("'09:30'::time", "09:30:00"),
        ("'1 day 90 minutes'::interval", "P1DT1H30M"),
        ("12345678901234567890.10::numeric", "12345678901234567890.10"),
        ("'00000000-0000-0000-0000-000000000007'::uuid", "00000000-0000-0000-0000-000000000007"),
        (r"'\x00ff'::bytea", "AP8="),
        ("'10.0.0.1'::inet", "10.0.0.1"),
        ("'10.0.0.0/8'::cidr", "10.0.0.0/8"),
        ("'[1,5)'::int4range", {"lower": 1, "upper": 5, "bounds": "[)"}),
        ("'empty'::int4range", {"lower": None, "upper": None, "bounds": "empty"}),
        ("'{[1,2), [5,6)}'::int4multirange", [{"lower": 1, "upper": 2, "bounds": "[)"}, {"lower": 5, "upper": 6, "bounds": "[)"}]),
        ("ARRAY['2026-01-31'::date, NULL]", ["2026-01-31", None]),
    ],
)  # fmt: skip
def test_every_driver_gives_the_same_json(ask: Any, server: Postgres, sql: str, expected: Any) -> None:
    value = ask(server.url(options="-c timezone=UTC"), f"SELECT {sql}")
    assert json.loads(json.dumps(value, default=json_default)) == expected


@pytest.mark.parametrize("schema", ["shop", "My Shop", 'a"b', "a\\b", "a,b", "ä"])
def test_a_schema_is_the_search_path(ask: Any, server: Postgres, schema: str) -> None:
    name = schema.replace('"', '""')
    assert ask(server.url(), f'CREATE SCHEMA IF NOT EXISTS "{name}"') is None
    assert ask(server.url(schema=schema), "SELECT current_schema()") == schema


@pytest.mark.parametrize("password", ["p@/:#?% ä+", "'\\\"", "%41"])
def test_a_password_with_every_reserved_character(ask: Any, server: Postgres, password: str) -> None:
    literal = password.replace("'", "''")
    ask(
        server.url(),
        f"DO $do$ BEGIN DROP ROLE IF EXISTS app; CREATE ROLE app LOGIN PASSWORD '{literal}'; END $do$",
    )
    assert ask(server.url("app", password=password), "SELECT current_user") == "app"


@over(*LIBPQ, ask_asyncpg)
@pytest.mark.parametrize("wanted, accepted", [("read-write", True), ("primary", True), ("standby", False)])
def test_the_kind_of_host_that_is_wanted(ask: Any, server: Postgres, wanted: str, accepted: bool) -> None:
    url = server.url(target_session_attrs=wanted)
    if accepted:
        assert ask(url, "SELECT 1") == 1
        return
    failures = (
        psycopg.OperationalError,
        psycopg2.OperationalError,
        asyncpg.exceptions.TargetServerAttributeNotMatched,
    )
    with pytest.raises(failures):
        ask(url, "SELECT 1")
