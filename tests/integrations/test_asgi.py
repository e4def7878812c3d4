"""``PoolMiddleware`` in Starlette, in FastAPI and around a bare app, under uvicorn: deadline in, give-back out, and the table."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware
from starlette.applications import Starlette
from tests.conftest import ProxyFactory
from tests.integrations.frameworks import FRAMEWORKS, build, rows
from tests.integrations.serving import asgi
from tests.support.losses import at_rest
from tests.support.waiting import eventually

from thawpool import AsyncPool, ConfigError, ConnectFailed, Pool, Unavailable
from thawpool.integrations.asgi import JSONResponse, PoolMiddleware
from thawpool.platforms import Platform
from thawpool.testing.mariadb import MariaDB
from thawpool.testing.postgres import Postgres

USERS = "SELECT n AS id, 'User ' || n AS name, n || '@example.com' AS email FROM generate_series(1, 50) AS n ORDER BY n"
USERS_MYSQL = "SELECT seq AS id, CONCAT('User ', seq) AS name FROM seq_1_to_50"
FAILED = {"error": "Database connection failed"}
BUSY = {"error": "Database busy"}
#: A password that nobody may see.
SECRET = "-".join(("hush", "hush"))


def causes(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What the middleware logged."""
    return [
        record for record in caplog.records if record.name == "thawpool" and record.levelno >= logging.WARNING
    ]


@FRAMEWORKS
@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_users(framework: str, driver: str, postgres: Postgres) -> None:
    pool = AsyncPool(postgres.url(), driver=driver)
    with asgi(build(framework, {"/users": rows(pool, USERS)}, pool)) as client:
        for _ in range(3):
            reply = client.get("/users")
            assert reply.status == 200
            assert len(reply.json) == 50
            assert reply.json[1] == {"id": 2, "name": "User 2", "email": "2@example.com"}
            at_rest(pool)
        assert pool.stats().opened == 1


@FRAMEWORKS
def test_users_of_mysql(framework: str, mariadb: MariaDB) -> None:
    pool = AsyncPool(mariadb.url())
    with asgi(build(framework, {"/users": rows(pool, USERS_MYSQL)}, pool)) as client:
        assert client.get("/users").json[49] == {"id": 50, "name": "User 50"}
        at_rest(pool)


@FRAMEWORKS
@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_without_the_database_it_is_the_lessons_500_and_it_recovers_by_itself(
    framework: str, driver: str, postgres: Postgres, proxy: ProxyFactory, caplog: pytest.LogCaptureFixture
) -> None:
    wire = proxy()
    pool = AsyncPool(wire.url(postgres.url(password=SECRET)), driver=driver, timeout=0.3)
    with asgi(build(framework, {"/users": rows(pool, USERS)}, pool)) as client:
        eventually(lambda: client.get("/users").status == 200, "the first connection")
        caplog.clear()
        wire.refuse()
        wire.reset()
        for _ in range(2):
            reply = client.get("/users")
            assert (reply.status, reply.json) == (500, FAILED)
            assert reply.headers["Retry-After"] is None
            assert SECRET not in str(reply)
        assert [record.levelname for record in causes(caplog)] == ["ERROR", "ERROR"]
        wire.resume()
        eventually(lambda: client.get("/users").status == 200, "the recovery")
        at_rest(pool)
    assert "a request was answered with 500, Database connection failed" in caplog.text
    assert f"127.0.0.1:{wire.port}" in caplog.text, "where it could not connect to"
    assert SECRET not in caplog.text


def test_a_server_that_is_really_stopped(own_postgres: Postgres, caplog: pytest.LogCaptureFixture) -> None:
    pool = AsyncPool(own_postgres.url(), timeout=1)
    with asgi(build("starlette", {"/users": rows(pool, USERS)}, pool)) as client:
        eventually(lambda: client.get("/users").status == 200, "the first connection")
        caplog.clear()
        own_postgres.stop()
        reply = client.get("/users")
        assert (reply.status, reply.body) == (500, b'{"error":"Database connection failed"}')
        assert len(causes(caplog)) == 1
        own_postgres.start()
        eventually(lambda: client.get("/users").status == 200, "the recovery")


@FRAMEWORKS
def test_a_pool_that_is_busy_is_503(
    framework: str, postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    pool = AsyncPool(postgres.url(), max_size=1, timeout=0.2)
    let_go = asyncio.Event()

    async def hold() -> str:
        async with pool.connection(timeout=10):
            await let_go.wait()
        return "held"

    async def release() -> None:
        let_go.set()

    routes = {"/hold": hold, "/release": release, "/users": rows(pool, USERS)}
    with asgi(build(framework, routes, pool)) as client:
        with client.during("/hold") as held:
            eventually(lambda: pool.stats().used, "the other request")
            reply = client.get("/users")
            client.get("/release")
        assert (reply.status, reply.json, reply.headers["Retry-After"]) == (503, BUSY, "1")
        assert [reply.status for reply in held] == [200]
        assert [record.levelname for record in causes(caplog)] == ["WARNING"]
        eventually(lambda: client.get("/users").status == 200, "a connection")
        at_rest(pool)
    assert "1 of 1 open, 1 in use" in caplog.text


def test_a_server_that_is_full_is_503(own_postgres: Postgres, caplog: pytest.LogCaptureFixture) -> None:
    async def set_up() -> None:
        async with AsyncPool(own_postgres.url()) as owner:
            await owner.execute("CREATE ROLE guest LOGIN CONNECTION LIMIT 0")

    asyncio.run(set_up())
    pool = AsyncPool(own_postgres.url(user="guest"))
    with asgi(build("starlette", {"/users": rows(pool, USERS)}, pool)) as client:
        reply = client.get("/users")
        assert (reply.status, reply.json) == (503, BUSY)
        assert int(reply.headers["Retry-After"]) >= 1
    assert "too many connections for role" in caplog.text


@FRAMEWORKS
def test_a_missing_table_is_the_frameworks_own_500(
    framework: str, postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    pool = AsyncPool(postgres.url())
    routes = {"/missing": rows(pool, "SELECT * FROM nowhere")}
    with asgi(build(framework, routes, pool)) as client:
        reply = client.get("/missing")
        assert (reply.status, reply.body) == (500, b"Internal Server Error")
        at_rest(pool)
    assert causes(caplog) == []
    assert 'relation "nowhere" does not exist' in caplog.text, "the server logs what it was"


@FRAMEWORKS
def test_other_exceptions_are_not_touched(
    framework: str, postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    pool = AsyncPool(postgres.url())

    async def boom() -> None:
        async with pool.connection():
            raise ZeroDivisionError

    with asgi(build(framework, {"/boom": boom}, pool)) as client:
        assert client.get("/boom").body == b"Internal Server Error"
        at_rest(pool)
    assert causes(caplog) == []


@FRAMEWORKS
@pytest.mark.parametrize(
    "url, complaint",
    [
        (None, "no database URL: set DATABASE_URL, or pass one"),
        (f"postgres:/user:{SECRET}@host/db", "postgresql://"),
    ],
)
def test_a_url_that_is_missing_or_malformed_is_the_frameworks_own_500(
    framework: str,
    url: str | None,
    complaint: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for name in ("DATABASE_URL", "POSTGRES_URL", "MYSQL_URL"):
        monkeypatch.delenv(name, raising=False)
    if url is not None:
        monkeypatch.setenv("DATABASE_URL", url)
    pool = AsyncPool()
    with asgi(build(framework, {"/users": rows(pool, USERS)}, pool)) as client:
        reply = client.get("/users")
    assert (reply.status, reply.body) == (500, b"Internal Server Error")
    assert complaint in caplog.text
    assert SECRET not in caplog.text


@FRAMEWORKS
@pytest.mark.parametrize("remaining", [0.5, lambda: 0.5], ids=["number", "function"])
def test_a_statement_ends_before_its_request(framework: str, remaining: Any, postgres: Postgres) -> None:
    pool = AsyncPool(postgres.url())
    routes = {"/slow": rows(pool, "SELECT pg_sleep(20)"), "/users": rows(pool, USERS)}
    with asgi(build(framework, routes, pool, remaining=remaining)) as client:
        eventually(lambda: client.get("/users").status == 200, "a connection")
        since = time.monotonic()
        reply = client.get("/slow")
        assert time.monotonic() - since < 1.5
        assert (reply.status, reply.json, reply.headers["Retry-After"]) == (503, BUSY, "1")
        eventually(lambda: client.get("/users").status == 200, "a connection")
        at_rest(pool)


@FRAMEWORKS
def test_overlapping_requests_are_one_invocation_after_another(framework: str, postgres: Postgres) -> None:
    """What may not sleep is closed when the last of them ends, and not before."""
    pool = AsyncPool(postgres.url(), max_size=3, keep=0)
    go_on = asyncio.Event()

    async def long() -> int:
        await pool.query("SELECT 1")
        await go_on.wait()
        return pool.stats().total

    async def short() -> int:
        await pool.query("SELECT 1")
        return pool.stats().total

    async def end() -> None:
        go_on.set()

    with asgi(build(framework, {"/long": long, "/short": short, "/end": end}, pool)) as client:
        with client.during("/long") as replies:
            eventually(lambda: pool.stats().idle, "the long request's query")
            assert client.get("/short").json == 1
            assert pool.stats().total == 1, "another request goes on"
            client.get("/end")
        assert replies[0].json == 1
        eventually(lambda: pool.stats().total == 0, "the end of the last invocation")


@FRAMEWORKS
def test_a_connection_that_a_request_keeps_is_reported(
    framework: str, postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    pool = AsyncPool(postgres.url(), debug=True)
    kept: list[Any] = []

    async def leak() -> None:
        kept.append(await pool.getconn())

    async def mend() -> None:
        await pool.putconn(kept.pop())

    with asgi(build(framework, {"/leak": leak, "/mend": mend}, pool)) as client:
        assert client.get("/leak").status == 200
        eventually(lambda: causes(caplog), "the warning")
        assert "ended with 1 connection(s) still out on lease, taken at" in caplog.text
        assert "in leak" in caplog.text, "the line that took it"
        assert client.get("/mend").status == 200
        at_rest(pool)


async def _nothing() -> None: ...


def test_a_cancelled_request_gives_its_connection_back(postgres: Postgres) -> None:
    async def run() -> None:
        pool = AsyncPool(postgres.url())
        asleep = asyncio.Event()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            async with pool.connection() as conn:
                asleep.set()
                await conn.execute("SELECT pg_sleep(20)")

        async def receive() -> Any: ...
        async def send(message: Any) -> None: ...

        request = asyncio.create_task(PoolMiddleware(app, pool=pool)({"type": "http"}, receive, send))
        await asleep.wait()
        await asyncio.sleep(0)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        at_rest(pool)
        await pool.close()

    asyncio.run(run())


@pytest.mark.parametrize("kind", ["lifespan", "websocket"])
def test_what_is_no_request_passes_through_untouched(kind: str, postgres: Postgres) -> None:
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope, receive, send))
        raise ZeroDivisionError

    async def receive() -> Any: ...
    async def send(message: Any) -> None: ...

    scope = {"type": kind}
    with pytest.raises(ZeroDivisionError):
        asyncio.run(PoolMiddleware(app, pool=AsyncPool(postgres.url()))(scope, receive, send))
    assert seen == [(scope, receive, send)]


@pytest.mark.parametrize("wrong", [None, AsyncPool, f"postgresql://u:{SECRET}@h/d"])
def test_what_is_no_pool_is_refused_at_once(wrong: Any) -> None:
    with pytest.raises(ConfigError, match="give the Pool or AsyncPool that the app uses") as caught:
        PoolMiddleware(_nothing, pool=wrong)  # type: ignore[arg-type]
    assert SECRET not in str(caught.value)


# -- in its place among the others ---------------------------------------------------------------------


def test_routes_in_threads_have_the_deadline_too(postgres: Postgres) -> None:
    pool = Pool(postgres.url())
    app = FastAPI()
    app.add_middleware(PoolMiddleware, pool=pool, remaining=0.5)

    @app.get("/users")
    def users() -> Any:
        return pool.query(USERS)

    @app.get("/slow")
    def slow() -> Any:
        return pool.query("SELECT pg_sleep(20)")

    with pool, asgi(app) as client:
        eventually(lambda: client.get("/users").status == 200, "the first connection")
        since = time.monotonic()
        assert client.get("/slow").json == BUSY
        assert time.monotonic() - since < 1.5
        at_rest(pool)


def test_statements_that_fail_side_by_side_are_one_answer(postgres: Postgres, proxy: ProxyFactory) -> None:
    wire = proxy()
    wire.refuse()
    pool = AsyncPool(wire.url(postgres.url()), timeout=0.3)

    async def both() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(2):
                group.create_task(pool.query(USERS))

    with asgi(build("starlette", {"/both": both}, pool)) as client:
        reply = client.get("/both")
        assert (reply.status, reply.json) == (500, FAILED)


@pytest.mark.parametrize("order", ["inside", "outside"])
def test_other_middlewares_see_its_answers_if_it_is_the_inner_one(order: str, proxy: ProxyFactory) -> None:
    wire = proxy()
    wire.refuse()
    pool = AsyncPool(wire.url("postgresql://postgres@host/postgres"), timeout=0.2)
    app = FastAPI()
    if order == "inside":
        app.add_middleware(PoolMiddleware, pool=pool)
    app.add_middleware(CORSMiddleware, allow_origins=["*"])
    app.add_middleware(GZipMiddleware, minimum_size=1)
    if order == "outside":
        app.add_middleware(PoolMiddleware, pool=pool)
    app.get("/users")(rows(pool, USERS))
    with asgi(app) as client:
        reply = client.request("GET", "/users", headers={"Origin": "https://example.com"})
    assert (reply.status, reply.json) == (500, FAILED)
    assert reply.headers["Access-Control-Allow-Origin"] == ("*" if order == "inside" else None)


@pytest.mark.parametrize("framework", ["starlette", "fastapi"])
def test_from_outside_it_finds_the_frameworks_own_answer(
    framework: str, proxy: ProxyFactory, caplog: pytest.LogCaptureFixture
) -> None:
    wire = proxy()
    wire.refuse()
    pool = AsyncPool(wire.url("postgresql://postgres@host/postgres"), timeout=0.2)
    app: Any = FastAPI() if framework == "fastapi" else Starlette()
    app.add_route("/users", lambda request: JSONResponse([]))

    async def users(request: Any) -> Any:
        await pool.query(USERS)

    app.add_route("/away", users)
    with asgi(PoolMiddleware(app, pool=pool)) as client:
        assert client.get("/users").status == 200
        reply = client.get("/away")
        assert (reply.status, reply.body) == (500, b"Internal Server Error")
    assert causes(caplog) == []
    assert "ConnectFailed" in caplog.text, "the server logs it"


def test_a_handler_of_ones_own_comes_first(proxy: ProxyFactory) -> None:
    wire = proxy()
    wire.refuse()
    pool = AsyncPool(wire.url("postgresql://postgres@host/postgres"), timeout=0.2)
    app = FastAPI()
    app.add_middleware(PoolMiddleware, pool=pool)
    app.get("/users")(rows(pool, USERS))

    @app.exception_handler(Unavailable)
    async def mine(request: Any, error: Exception) -> JSONResponse:
        return JSONResponse({"error": "come back later"}, 418)

    with asgi(app) as client:
        assert client.get("/users").json == {"error": "come back later"}


def test_an_answer_does_not_wait_for_what_the_end_waits_for(postgres: Postgres) -> None:
    """On a platform that freezes the end of the last request waits for leases that are still out."""
    frozen = Platform("test", freezes=True, longest_request=None)
    left: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        left.append(await pool.getconn())
        raise ConnectFailed("gone", transient=True)

    async def main() -> list[Any]:
        sent: asyncio.Queue[Any] = asyncio.Queue()
        request = asyncio.ensure_future(
            PoolMiddleware(app, pool=pool)({"type": "http"}, None, sent.put)  # type: ignore[arg-type]
        )
        head, body = await sent.get(), await sent.get()
        assert not request.done()
        await pool.putconn(left[0])
        await request
        await pool.close()
        return [head["status"], body["body"]]

    pool = AsyncPool(postgres.url(), platform=frozen, timeout=30)
    assert asyncio.run(main()) == [500, b'{"error":"Database connection failed"}']
