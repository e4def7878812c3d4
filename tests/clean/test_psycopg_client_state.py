"""What a borrower changes on psycopg's connection object is put back, or the connection is retired."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from psycopg import pq
from psycopg.rows import dict_row
from psycopg.types import TypeInfo
from psycopg.types.string import StrDumper, TextLoader
from tests.api.flavours import PSYCOPG, Flavour, done, entered

from thawpool import LeaseError, ParamsError
from thawpool.testing.postgres import Postgres

Change = Callable[[Any], Awaitable[Any]]


def setting(name: str, value: Any) -> Change:
    async def change(conn: Any) -> None:
        setattr(conn, name, value)

    return change


def calling(name: str, *args: Any) -> Change:
    async def change(conn: Any) -> None:
        await done(getattr(conn, name)(*args))

    return change


async def register_dumper(conn: Any) -> None:
    conn.adapters.register_dumper(int, StrDumper)


async def register_loader(conn: Any) -> None:
    conn.adapters.register_loader("int4", TextLoader)


async def register_type(conn: Any) -> None:
    conn.adapters.types.add(TypeInfo("mine", 23, 1007))


CHANGES = {
    "autocommit": calling("set_autocommit", False),
    "isolation_level": calling("set_isolation_level", psycopg.IsolationLevel.SERIALIZABLE),
    "read_only": calling("set_read_only", True),
    "deferrable": calling("set_deferrable", True),
    "row_factory": setting("row_factory", dict_row),
    "cursor_factory": setting("cursor_factory", psycopg.ClientCursor),
    "server_cursor_factory": setting("server_cursor_factory", type("Own", (psycopg.ServerCursor,), {})),
    "prepare_threshold": setting("prepare_threshold", 0),
    "prepared_max": setting("prepared_max", 1),
    "a notice handler": calling("add_notice_handler", print),
    "a notify handler": calling("add_notify_handler", print),
    "a dumper": register_dumper,
    "a loader": register_loader,
    "a type": register_type,
}


def face(conn: Any) -> dict[str, Any]:
    """The client's side of a connection."""
    names = ("autocommit", "isolation_level", "read_only", "deferrable", "row_factory", "cursor_factory",
             "server_cursor_factory", "prepare_threshold", "prepared_max", "pgconn")  # fmt: skip
    return {
        **{name: getattr(conn, name) for name in names},
        "handlers": (list(conn._notice_handlers), list(conn._notify_handlers)),
        "dumper": conn.adapters.get_dumper(int, psycopg.adapt.PyFormat.AUTO),
        "loader": conn.adapters.get_loader(23, pq.Format.TEXT),
        "type": conn.adapters.types.get("mine"),
        "blocks": (conn._num_transactions, conn._tpc, conn._pipeline),
    }


@PSYCOPG
@pytest.mark.parametrize("what", CHANGES)
async def test_a_change_is_put_back(flavour: Flavour, furniture: str, what: str) -> None:
    pool = flavour.pool(furniture, max_size=1)
    async with pool.connection() as conn:
        before = face(conn)
        await CHANGES[what](conn)
        assert face(conn) != before
    async with pool.connection() as conn:
        assert face(conn) == before
        assert (await done((await done(conn.execute("SELECT 1"))).fetchone())) == (1,)
        assert not conn.in_transaction()
    assert pool.stats().opened == 1


@pytest.mark.parametrize("flavour", ["threads"], indirect=True)
@pytest.mark.parametrize("name", ["autocommit", "isolation_level", "read_only", "deferrable"])
async def test_a_change_by_assignment_is_put_back(flavour: Flavour, furniture: str, name: str) -> None:
    pool = flavour.pool(furniture, max_size=1)
    async with pool.connection() as conn:
        before = face(conn)
        setattr(conn, name, name != "autocommit" and (2 if name == "isolation_level" else True))
        assert face(conn) != before
    async with pool.connection() as conn:
        assert face(conn) == before


@PSYCOPG
async def test_what_configure_sets_is_what_every_borrower_finds(flavour: Flavour, furniture: str) -> None:
    notices: list[str] = []

    def listen(diagnostic: Any) -> None:
        notices.append(diagnostic.message_primary)

    def configure(conn: Any) -> None:
        conn.row_factory = dict_row
        conn.prepare_threshold = 3
        conn.adapters.register_loader("int4", TextLoader)
        conn.add_notice_handler(listen)

    pool = flavour.pool(furniture, max_size=1, configure=configure)
    notice = "DO $$ BEGIN RAISE NOTICE 'heard'; END $$"
    for round_ in range(3):
        async with pool.connection() as conn:
            cursor = await done(conn.execute("SELECT 1 AS n"))
            assert await done(cursor.fetchone()) == {"n": "1"}
            assert conn.prepare_threshold == 3
            await done(conn.execute(notice))
            assert notices == ["heard"] * (round_ + 1)
            conn.row_factory = psycopg.rows.tuple_row
            conn.remove_notice_handler(listen)


@PSYCOPG
async def test_a_handler_of_configure_cannot_be_taken_from_the_next(flavour: Flavour, furniture: str) -> None:
    """The removal alone, on a connection that is clean otherwise."""

    def configure(conn: Any) -> None:
        conn.add_notice_handler(print)
        conn.add_notify_handler(print)

    pool = flavour.pool(furniture, max_size=1, configure=configure)
    async with pool.connection() as conn:
        conn.remove_notice_handler(print)
        conn.remove_notify_handler(print)
    async with pool.connection() as conn:
        assert face(conn)["handlers"] == ([print], [print])


@PSYCOPG
async def test_notifications_of_another_borrower_are_not_delivered(flavour: Flavour, furniture: str) -> None:
    pool = flavour.pool(furniture, max_size=1)
    async with pool.connection() as conn:
        await done(conn.execute("LISTEN news"))
        await done(conn.execute("NOTIFY news, 'for the first'"))
    async with pool.connection() as conn:
        await done(conn.execute("LISTEN news"))
        await done(conn.execute("NOTIFY news, 'for the second'"))
        heard = conn.notifies(timeout=5, stop_after=1)
        got = [note async for note in heard] if flavour.is_async else list(heard)
        assert [note.payload for note in got] == ["for the second"]
    assert pool.stats().opened == 1


async def open_pipeline(conn: Any) -> Any:
    block = entered(conn.pipeline())
    await block.__aenter__()
    return block


async def open_stream(conn: Any) -> Any:
    rows = conn.cursor().stream("SELECT generate_series(1, 100000)")
    assert await (anext(rows) if hasattr(rows, "__anext__") else done(next(rows))) == (1,)
    return rows


async def open_copy(conn: Any) -> Any:
    block = entered(conn.cursor().copy("COPY clean_rows FROM STDIN"))
    copy = await block.__aenter__()
    await done(copy.write(b"1\n"))
    return block, copy


async def open_block(conn: Any) -> Any:
    block = entered(conn.transaction())
    await block.__aenter__()
    await done(conn.execute("INSERT INTO clean_rows VALUES (99)"))
    return block


async def closed(conn: Any) -> None:
    await done(conn.close())


@PSYCOPG
@pytest.mark.parametrize("leave", [open_pipeline, open_stream, open_copy, open_block, closed])
async def test_what_cannot_be_put_back_retires_the_connection(
    flavour: Flavour, furniture: str, leave: Callable[[Any], Any]
) -> None:
    pool = flavour.pool(furniture, max_size=1)
    async with pool.connection() as conn:
        left = await leave(conn)
    assert (pool.stats().total, pool.stats().retired) == (0, {"busy": 1})
    assert await pool.query("SELECT 1 AS n") == [{"n": 1}]
    if left is not None:
        with suppress(Exception):
            await done(left.aclose() if hasattr(left, "aclose") else left.close())
        del left


async def open_server_cursor(conn: Any) -> Any:
    await done(conn.execute("BEGIN"))
    cursor = conn.cursor("mine")
    await done(cursor.execute("SELECT generate_series(1, 1000)"))
    assert await done(cursor.fetchone()) == (1,)
    return cursor


async def open_two_phase(conn: Any) -> Any:
    await done(conn.set_autocommit(False))
    await done(conn.tpc_begin(conn.xid(1, "a", "b")))
    await done(conn.execute("SELECT 1"))


@PSYCOPG
@pytest.mark.filterwarnings("ignore:.*was deleted while still open:ResourceWarning")
@pytest.mark.parametrize("leave", [open_server_cursor, open_two_phase])
async def test_what_was_left_half_done_is_undone(
    flavour: Flavour, furniture: str, leave: Callable[[Any], Any]
) -> None:
    pool = flavour.pool(furniture, max_size=1)
    async with pool.connection() as conn:
        left = await leave(conn)
    async with pool.connection() as conn:
        assert face(conn)["blocks"] == (0, None, None)
        assert not conn.in_transaction()
        await done(conn.execute("BEGIN"))
        await done(conn.commit())
        cursor = await done(conn.execute("SELECT n FROM clean_rows WHERE n = 99"))
        assert await done(cursor.fetchall()) == []
    del left


@PSYCOPG
async def test_a_statement_that_was_never_sent_vouches_for_nothing(flavour: Flavour, furniture: str) -> None:
    """An announced statement fails before any I/O; what is sent next must not pass in its name."""
    kind = psycopg.AsyncClientCursor if flavour.is_async else psycopg.ClientCursor
    pool = flavour.pool(furniture, max_size=1)
    async with pool.connection() as conn:
        for wrong in ([object()], [1, 2]):
            with pytest.raises(psycopg.ProgrammingError):
                await done(conn.execute("SELECT %s", wrong))
        await done(kind(conn).execute("SET work_mem = '7MB'"))
    assert await pool.query("SHOW work_mem") != [{"work_mem": "7MB"}]
    for misfit in ((object(),), (1, 2)):
        with pytest.raises((psycopg.ProgrammingError, ParamsError)):
            await pool.query("SELECT %s", misfit)
    async with pool.connection() as conn:
        await done(kind(conn).execute("SET work_mem = '7MB'"))
    assert await pool.query("SHOW work_mem") != [{"work_mem": "7MB"}]
    assert pool.stats().opened == 1


@PSYCOPG
async def test_cancel_after_the_return_cannot_hit_the_next(flavour: Flavour, furniture: str) -> None:
    pool = flavour.pool(furniture, max_size=1)
    async with pool.connection() as conn:
        await done(conn.execute("SELECT 1"))
    with pytest.raises(LeaseError):
        conn.cancel()
    with pytest.raises(LeaseError):
        await done(conn.cancel_safe())
    assert await pool.query("SELECT pg_sleep(0.01)::text AS n") == [{"n": ""}]
    assert pool.stats().opened == 1


@PSYCOPG
async def test_libpq_itself_is_the_boundary(flavour: Flavour, furniture: str) -> None:
    """``conn.pgconn`` is below all that is watched: what is sent there by hand is the borrower's to undo."""
    pool = flavour.pool(furniture, max_size=1)
    async with pool.connection() as conn:
        conn.pgconn.exec_(b"SET work_mem = '7MB'")
    assert await pool.query("SHOW work_mem") == [{"work_mem": "7MB"}]
    always = flavour.pool(furniture, max_size=1, reset="always")
    async with always.connection() as conn:
        conn.pgconn.exec_(b"SET work_mem = '7MB'")
    assert await always.query("SHOW work_mem") != [{"work_mem": "7MB"}]


@PSYCOPG
async def test_a_commit_that_was_refused_vouches_for_nothing(flavour: Flavour, postgres: Postgres) -> None:
    """What it announced and never sent must not make the next borrower's unknown statement a known one."""
    pool = flavour.pool(postgres.url(), max_size=1)
    async with pool.connection() as conn:
        pass
    with pytest.raises(LeaseError):
        await done(conn.commit())
    async with pool.connection() as conn:
        cursors = psycopg.AsyncClientCursor if flavour.is_async else psycopg.ClientCursor
        await done(cursors(conn).execute("SET search_path TO nowhere"))
    assert await pool.query("SHOW search_path") == [{"search_path": '"$user", public'}]
