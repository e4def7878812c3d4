"""What the adapter takes for granted of psycopg without its having promised it.

When a new release fails here, read ``straight`` and ``waits`` beside it, and then write down the new
fingerprints.
"""

from __future__ import annotations

import hashlib
import inspect
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg import waiting
from psycopg._connection_base import BaseConnection
from psycopg._cursor_base import BaseCursor
from psycopg._preparing import PrepareManager
from tests.support.stale_proxy import StaleProxy

from thawpool import ConnectionLost, Pool, PoolTimeout
from thawpool.drivers.psycopg import straight, waits
from thawpool.testing.postgres import Postgres

#: What is done in other words by ``Straight``, ``Cursor``, ``Connection`` and ``listen``.
READ: dict[Callable[..., Any], str] = {
    BaseCursor._execute_gen: "d4128fe2e2207fb5",
    BaseCursor._maybe_prepare_gen: "86dc8e74d068ef76",
    BaseCursor._start_query: "5e5dd3e2b176da14",
    BaseCursor._reset: "7340677757b4b4cc",
    BaseCursor._set_results: "4fd84aaeeaab64d5",
    BaseCursor._select_current_result: "43ecf50b1d2eade5",
    BaseCursor._send_query_prepared: "b93f0ec6a1ac9ed2",
    BaseCursor._check_result_for_fetch: "cde17e6ea568cdd2",
    BaseConnection._start_query: "bf3d90efd129ca86",
    PrepareManager.key: "3946225602440569",
    PrepareManager.get: "92bd487924222918",
    PrepareManager.maybe_add_to_cache: "cc8322856abea77a",
    PrepareManager.maintain_gen: "d5192fdb4082ceb5",
    psycopg.Cursor.execute: "52457036956736cb",
    psycopg.Cursor.fetchall: "b983f0a5e344392e",
    psycopg.AsyncCursor.execute: "58d46b145d23fa90",
    psycopg.Connection.execute: "d6c115a44c5b5980",
    psycopg.Connection.cursor: "1f3aa08351aa5b2b",
    psycopg.AsyncConnection.execute: "52513e6792e04b08",
    psycopg.AsyncConnection.cursor: "9039ab53b962542b",
    waiting.wait_async: "8e8b5568885cbd68",
}


def fingerprint(function: Callable[..., Any]) -> str:
    return hashlib.sha256(inspect.getsource(function).encode()).hexdigest()[:16]


def test_this_release_is_known() -> None:
    assert straight.KNOWN
    assert waits.ENDS


@pytest.mark.parametrize("function", READ, ids=lambda function: function.__qualname__)
def test_psycopg_does_what_it_did(function: Callable[..., Any]) -> None:
    assert fingerprint(function) == READ[function]


@pytest.mark.parametrize("ends", [True, False], ids=["psycopg ends it", "we end it"])
def test_a_statement_ends_at_its_deadline(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch, ends: bool
) -> None:
    """Also with a release whose waits cannot be told when to end."""
    monkeypatch.setattr("thawpool.drivers.psycopg.connection.ENDS", ends)
    with Pool(postgres.url()) as pool:
        pool.warm(1)
        for timeout in (0.02, 0.25):
            started = time.monotonic()
            with pytest.raises(PoolTimeout, match="did not end before its deadline"):
                pool.query("SELECT pg_sleep(10)", timeout=timeout)
            assert timeout <= time.monotonic() - started < timeout + 0.2
        assert pool.query("SELECT 1 AS one FROM pg_sleep(0.25)", timeout=5) == [{"one": 1}]


@pytest.mark.parametrize("ends", [True, False], ids=["psycopg ends it", "we end it"])
def test_a_statement_without_a_deadline_ends_in_a_black_hole(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch, ends: bool
) -> None:
    monkeypatch.setattr("thawpool.drivers.psycopg.connection.ENDS", ends)
    with (
        StaleProxy("127.0.0.1", postgres.port) as link,
        Pool(link.url(postgres.url()), tcp_timeout=0.2) as pool,
    ):
        pool.warm(1)
        link.blackhole()
        started = time.monotonic()
        with pytest.raises(ConnectionLost):
            pool.query("SELECT 1")
        assert 0.2 <= time.monotonic() - started < 2.0


def test_a_borrower_hears_of_a_black_hole_as_of_any_lost_connection(postgres: Postgres) -> None:
    with (
        StaleProxy("127.0.0.1", postgres.port) as link,
        Pool(link.url(postgres.url()), tcp_timeout=0.2) as pool,
    ):
        with pool.connection() as conn:
            link.blackhole()
            with pytest.raises(psycopg.OperationalError, match="does not answer"):
                conn.execute("SELECT 1")
            assert conn.closed
        assert pool.stats().total == 0
