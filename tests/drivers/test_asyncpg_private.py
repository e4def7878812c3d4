"""What the adapter takes for granted of asyncpg and asyncio without their having promised it.

When a new release fails here, read ``_asyncpg_protocol``, ``_asyncpg_connection`` and ``_transport`` anew.
"""

from __future__ import annotations

import asyncio
import asyncio.selector_events
import asyncio.sslproto
import inspect
from typing import Any

import asyncpg
import pytest
from asyncpg import connect_utils, connresource
from asyncpg.protocol import Protocol as Original
from tests.drivers.adapters import adapter
from tests.support.loops import LoopFlavour

from thawpool.drivers.asyncpg.connection import Connection
from thawpool.drivers.asyncpg.protocol import Protocol
from thawpool.testing.postgres import Postgres

#: The operations of asyncpg's protocol object that send something by themselves, and those that only wait or end.
OPERATIONS = {
    "bind", "bind_execute", "bind_execute_many", "close_portal", "close_statement", "copy_in", "copy_out", "execute",
    "prepare", "query",
}  # fmt: skip
OTHERS = {"_drain_cancels", "_wait_for_cancellation", "close"}


def test_all_that_sends_goes_through_the_gate() -> None:
    coroutines = {name for name in dir(Original) if inspect.iscoroutinefunction(getattr(Original, name))}
    assert coroutines - OTHERS == OPERATIONS
    assert vars(Protocol).keys() >= OPERATIONS


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_the_gate_takes_what_asyncpg_passes(name: str) -> None:
    """Every place in asyncpg that calls an operation, by position or by keyword, fits our signature."""
    ours = list(inspect.signature(getattr(Protocol, name)).parameters)
    theirs = list(inspect.signature(getattr(Original, name)).parameters)
    assert ours == theirs or (name == "prepare" and ours == [*theirs[:4], "options"])


def test_the_hooks_are_there() -> None:
    for name in (
        "_request_cancel",
        "_on_waiter_completed",
        "connection_lost",
        "data_received",
        "is_connected",
    ):
        assert callable(getattr(Original, name))
    for name in (
        "_check_open", "_cleanup", "_drop_global_statement_cache", "_drop_local_statement_cache", "_introspect_types", "_mark_stmts_as_closed", "terminate",
    ):  # fmt: skip
        assert callable(getattr(asyncpg.Connection, name))
    cancel = inspect.signature(connect_utils._cancel).parameters
    assert list(cancel) == ["loop", "addr", "params", "backend_pid", "backend_secret"]
    assert "_pool_release_ctr" in inspect.getsource(connresource.ConnectionResource)


async def test_a_connection_has_the_parts_that_are_changed(flavour: LoopFlavour, postgres: Postgres) -> None:
    dialer = adapter(postgres.url())
    conn = await dialer.connect(5.0)
    assert type(conn) is Connection
    assert isinstance(conn, asyncpg.Connection)
    assert type(conn._protocol) is Protocol
    assert isinstance(conn._listeners, dict)
    for name in ("_log_listeners", "_termination_listeners", "_query_loggers", "_stmts_to_close"):
        assert isinstance(getattr(conn, name), set)
    assert (conn._aborted, conn._top_xact, conn._stmt_cache_enabled) == (False, None, True)
    assert (conn._config.statement_cache_size, conn._stmt_cache.get_max_size()) == (100, 100)
    assert conn._stmt_cache.get_max_lifetime() == 0
    assert conn._server_caps.jit
    assert conn._addr == ("127.0.0.1", postgres.port)
    assert conn._loop is asyncio.get_running_loop()
    assert isinstance(conn._protocol.backend_pid, int)
    assert isinstance(conn._protocol.backend_secret, int)
    with pytest.raises(AttributeError):
        conn.something_of_a_borrowers = 1
    dialer.close(conn)


async def test_a_statement_describes_itself(flavour: LoopFlavour, postgres: Postgres) -> None:
    dialer = adapter(postgres.url())
    conn = await dialer.connect(5.0)
    conn.leased = True
    await conn.fetch("SELECT 1 AS a, '{}'::jsonb AS b, ARRAY['{}']::json[] AS c")
    described = [
        (column.name, column.type.name, column.type.kind) for column in conn.described._get_attributes()
    ]
    assert described == [("a", "int4", "scalar"), ("b", "jsonb", "scalar"), ("c", "json[]", "array")]
    assert conn.described.query.startswith("SELECT 1 AS a")
    dialer.close(conn)


async def test_what_is_prepared_is_at_hand(flavour: LoopFlavour, postgres: Postgres) -> None:
    """The short way finds a statement where asyncpg keeps it, and stands for what asyncpg would do with it."""
    dialer = adapter(postgres.url())
    conn = await dialer.connect(5.0)
    conn.leased = True
    await conn.fetch("SELECT 1")
    cache = conn._stmt_cache
    assert conn._at_hand is cache._entries
    assert next(reversed(cache._entries)) == ("SELECT 1", conn._protocol.get_record_class(), False)
    assert next(reversed(cache._entries.values()))._statement is conn.described
    assert conn.described.closed is False
    await conn.reload_schema_state()
    assert conn._at_hand is cache._entries
    assert not cache._entries
    assert (conn._config.command_timeout, conn._config.max_cacheable_statement_size) == (None, 15 * 1024)
    options = inspect.signature(asyncpg.Connection._execute).parameters
    assert list(options)[1:5] == ["query", "args", "limit", "timeout"]
    assert list(options)[5:] == ["return_status", "ignore_custom_codec", "record_class"]
    assert list(inspect.signature(asyncpg.Connection.fetch).parameters)[1:] == [
        "query",
        "args",
        "timeout",
        "record_class",
    ]
    dialer.close(conn)


async def test_where_asyncios_transports_keep_their_sockets(flavour: LoopFlavour) -> None:
    if flavour.loop:
        return  # uvloop closes what a closed loop had; see test_asyncpg_loops

    async def read(reader: Any, writer: Any) -> None:
        writer.close()

    server = await asyncio.start_server(read, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, host, port)
    sock = transport._sock  # type: ignore[attr-defined]
    transport.abort()
    sock.close()
    await asyncio.sleep(0)
    assert transport._sock is None  # type: ignore[attr-defined]
    server.close()
    await server.wait_closed()
    selector: Any = asyncio.selector_events
    sslproto: Any = asyncio.sslproto
    assert "_sock" in inspect.getsource(selector._SelectorTransport.__del__)
    assert "_closed" in inspect.getsource(sslproto._SSLProtocolTransport.__del__)
    assert "_ssl_protocol" in inspect.getsource(sslproto._SSLProtocolTransport.__init__)
    assert "_transport" in inspect.getsource(sslproto.SSLProtocol.connection_made)
