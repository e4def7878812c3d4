"""A dial that cannot succeed says what was wrong, where, and what to do; and never shows the password."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import pytest
from tests.drivers.conformance.case import EVERY_SERVER, MYSQL, Case, over
from tests.drivers.conformance.errors import SECRET, assert_discreet, code
from tests.support.losses import at_rest

from thawpool import ConfigError, ConnectFailed, PoolError
from thawpool.testing._home import free_port


async def failed(case: Case, url: str, **options: Any) -> ConnectFailed:
    """The error of the first query over a new pool."""
    pool = case.pool(url, **options)
    began = time.monotonic()
    with pytest.raises(ConnectFailed) as caught:
        await pool.query("SELECT 1")
    assert time.monotonic() - began < 2.0
    assert_discreet(caught.value)
    assert SECRET not in repr(pool) + repr(pool.stats())
    at_rest(pool)
    assert pool.stats().total == 0
    return caught.value


@pytest.mark.needs("tls")
@over()
async def test_a_wrong_password(case: Case) -> None:
    error = await failed(case, case.tls.url(password=SECRET))
    assert not error.transient
    assert "password" in str(error)
    assert f"127.0.0.1:{case.tls.port}" in str(error)
    assert error.__cause__ is not None


@pytest.mark.needs("tls")
@over()
async def test_a_wrong_password_from_a_function(case: Case) -> None:
    error = await failed(case, case.tls.url(password=""), password=lambda: SECRET)
    assert not error.transient


@pytest.mark.needs("tls")
@over()
async def test_the_password_is_asked_for_at_each_dial(case: Case) -> None:
    url = case.tls.url()
    right = url.partition("://")[2].partition("@")[0].partition(":")[2]
    given: list[str] = []

    def password() -> str:
        given.append(right)
        return right

    pool = case.pool(url.replace(f":{right}@", "@"), password=password)
    for _ in range(2):
        assert await pool.query("SELECT 1 AS one") == [{"one": 1}]
        await pool.expire()
    assert len(given) == 2


@EVERY_SERVER
async def test_an_unknown_database(case: Case) -> None:
    error = await failed(
        case, case.server.url(database="nowhere", password=SECRET if case.system == "postgresql" else None)
    )
    assert not error.transient
    assert "nowhere" in str(error)
    assert "create that database" in str(error)


@over()
async def test_an_unknown_user(case: Case) -> None:
    error = await failed(case, case.server.url(user="nobody_here", password=SECRET))
    assert not error.transient
    assert "nobody_here" in str(error)


@over()
async def test_an_unknown_host(case: Case) -> None:
    error = await failed(case, f"{case.system}://user:{SECRET}@nowhere.invalid/db")
    assert not error.transient
    assert "nowhere.invalid" in str(error)
    assert "check its spelling" in str(error)


@over()
async def test_a_port_at_which_nothing_listens(case: Case) -> None:
    port = free_port()
    error = await failed(case, f"{case.system}://user:{SECRET}@127.0.0.1:{port}/db")
    assert error.transient
    assert f"127.0.0.1:{port}" in str(error)
    assert "nothing listens there" in str(error)


@over()
async def test_a_unix_socket_that_is_not_there(case: Case) -> None:
    error = await failed(case, f"{case.system}://user:{SECRET}@/db?host=/nowhere/at-all")
    assert "/nowhere/at-all" in str(error)


@over()
async def test_a_server_that_hangs_up_at_once(case: Case) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            try:
                while True:
                    listener.accept()[0].close()
            except OSError:
                pass

        thread = threading.Thread(target=serve)
        thread.start()
        error = await failed(case, f"{case.system}://user:{SECRET}@127.0.0.1:{listener.getsockname()[1]}/db")
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
    assert error.transient


@MYSQL
@pytest.mark.parametrize("option", ["charset", "collation"])
async def test_a_character_set_that_there_is_not(case: Case, option: str) -> None:
    pool = case.pool(case.server.url(**{option: "nonsense"}))
    with pytest.raises(
        (ConnectFailed, ConfigError), match=r"(?i)nonsense|character set|charset|collation"
    ) as caught:
        await pool.query("SELECT 1")
    assert not getattr(caught.value, "transient", False)
    assert pool.stats().total == 0


@EVERY_SERVER
async def test_an_error_of_a_statement_is_the_drivers_own(case: Case) -> None:
    pool = case.pool(max_size=1)
    with pytest.raises(Exception) as caught:  # noqa: PT011  the driver's own
        await pool.query("SELECT i FROM there_is_no_such_table WHERE i = %s", (1,))
    assert not isinstance(caught.value, PoolError)
    assert code(caught.value) == case.dialect.no_table
    assert "there_is_no_such_table" in str(caught.value)
    async with pool.connection() as conn:
        with pytest.raises(type(caught.value), match="there_is_no_such_table"):
            await case.run_on(conn, "SELECT i FROM there_is_no_such_table")
    assert await pool.query("SELECT 1 AS one") == [{"one": 1}]
    assert (pool.stats().opened, pool.stats().retired) == (1, {})


@over()
async def test_a_syntax_error(case: Case) -> None:
    pool = case.pool(max_size=1)
    with pytest.raises(Exception, match=r"(?i)syntax"):
        await pool.query("SELEKT 1")
    assert await pool.query("SELECT 1 AS one") == [{"one": 1}]
    assert pool.stats().opened == 1


@over()
async def test_configure_that_fails_is_no_connection(case: Case) -> None:
    healthy = False

    def configure(conn: object) -> None:
        if not healthy:
            raise ZeroDivisionError("division by zero")

    pool = case.pool(configure=configure, max_size=1)
    with pytest.raises((ConnectFailed, ZeroDivisionError)):
        await pool.query("SELECT 1")
    at_rest(pool)
    assert pool.stats().total == 0
    healthy = True
    assert await pool.query("SELECT 1 AS one") == [{"one": 1}]
