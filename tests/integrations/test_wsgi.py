"""``PoolMiddleware`` around WSGI apps and in Flask, under wsgiref's server with a thread for each connection."""

from __future__ import annotations

import io
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from http.client import IncompleteRead
from typing import Any
from wsgiref.util import FileWrapper
from wsgiref.validate import validator

import pytest
from flask import Flask
from tests.conftest import ProxyFactory
from tests.integrations.serving import wsgi
from tests.support.losses import at_rest
from tests.support.waiting import eventually

from thawpool import ConfigError, Pool, Unavailable
from thawpool.integrations._encode import encode
from thawpool.integrations.flask import init_app
from thawpool.integrations.wsgi import PoolMiddleware
from thawpool.testing.mariadb import MariaDB
from thawpool.testing.postgres import Postgres

USERS = "SELECT n AS id, 'User ' || n AS name FROM generate_series(1, 50) AS n ORDER BY n"
FAILED = {"error": "Database connection failed"}
BUSY = {"error": "Database busy"}
SECRET = "-".join(("hush", "hush"))

Routes = dict[str, Callable[[], Any]]


def flask(routes: Routes, pool: Pool, **options: Any) -> Any:
    app = Flask(__name__)
    init_app(app, pool=pool, **options)
    for path, content in routes.items():
        app.add_url_rule(path, endpoint=path, view_func=lambda content=content: {"rows": content()})
    return app


def bare(routes: Routes, pool: Pool, **options: Any) -> Any:
    """An app whose response is a list."""

    def app(environ: Any, start_response: Any) -> list[bytes]:
        body = encode({"rows": routes[environ["PATH_INFO"]]()})
        start_response("200 OK", [("Content-Type", "application/json")])
        return [body]

    return PoolMiddleware(app, pool=pool, **options)


def generator(routes: Routes, pool: Pool, **options: Any) -> Any:
    """An app that does nothing until its response is asked for the first piece. Both it and the server are told
    if the middleware breaks the protocol."""

    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Type", "application/json")])
        yield encode({"rows": routes[environ["PATH_INFO"]]()})

    return validator(PoolMiddleware(validator(app), pool=pool, **options))


APPS = pytest.mark.parametrize("app", [flask, bare, generator])


def causes(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What was logged as thawpool."""
    return [
        record for record in caplog.records if record.name == "thawpool" and record.levelno >= logging.WARNING
    ]


@APPS
def test_users(app: Any, postgres: Postgres) -> None:
    with Pool(postgres.url()) as pool, wsgi(app({"/users": lambda: pool.query(USERS)}, pool)) as client:
        for _ in range(3):
            reply = client.get("/users")
            assert reply.status == 200
            assert reply.json["rows"][49] == {"id": 50, "name": "User 50"}
            at_rest(pool)
        assert pool.stats().opened == 1


@APPS
def test_users_of_mysql(app: Any, mariadb: MariaDB) -> None:
    sql = "SELECT seq AS id FROM seq_1_to_50"
    with Pool(mariadb.url()) as pool, wsgi(app({"/users": lambda: pool.query(sql)}, pool)) as client:
        assert client.get("/users").json["rows"][49] == {"id": 50}
        at_rest(pool)


@APPS
def test_without_the_database_it_is_the_lessons_500_and_it_recovers_by_itself(
    app: Any, postgres: Postgres, proxy: ProxyFactory, caplog: pytest.LogCaptureFixture
) -> None:
    wire = proxy()
    pool = Pool(wire.url(postgres.url(password=SECRET)), timeout=0.3)
    with pool, wsgi(app({"/users": lambda: pool.query(USERS)}, pool)) as client:
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
    assert f"127.0.0.1:{wire.port}" in caplog.text, "where it could not connect to"
    assert SECRET not in caplog.text


@APPS
def test_a_pool_that_is_busy_is_503(app: Any, postgres: Postgres, caplog: pytest.LogCaptureFixture) -> None:
    pool = Pool(postgres.url(), max_size=1, timeout=0.2)
    let_go = threading.Event()

    def hold() -> str:
        with pool.connection(timeout=10):
            let_go.wait(10)
        return "held"

    with pool, wsgi(app({"/users": lambda: pool.query(USERS), "/hold": hold}, pool)) as client:
        with client.during("/hold") as held:
            eventually(lambda: pool.stats().used, "the other request")
            reply = client.get("/users")
            let_go.set()
        assert (reply.status, reply.json, reply.headers["Retry-After"]) == (503, BUSY, "1")
        assert held[0].json == {"rows": "held"}
        assert [record.levelname for record in causes(caplog)] == ["WARNING"]
        eventually(lambda: client.get("/users").status == 200, "a connection")
        at_rest(pool)
    assert "1 of 1 open, 1 in use" in caplog.text


@APPS
def test_head_is_answered_without_a_body(app: Any, postgres: Postgres) -> None:
    pool = Pool(postgres.url(), max_size=1, timeout=0.1)
    with pool, wsgi(app({"/users": lambda: pool.query(USERS)}, pool)) as client, pool.connection(timeout=10):
        with client.stream("/users", method="HEAD") as wire:
            text = b"".join(iter(lambda: wire.recv(4096), b""))
    assert text.startswith(b"HTTP/1.0 503 ")
    assert text.endswith(b"\r\n\r\n")


@APPS
def test_a_statement_ends_before_its_request(app: Any, postgres: Postgres) -> None:
    pool = Pool(postgres.url())
    routes: Routes = {
        "/slow": lambda: pool.query("SELECT pg_sleep(20)"),
        "/users": lambda: pool.query(USERS),
    }
    with pool, wsgi(app(routes, pool, remaining=0.5)) as client:
        eventually(lambda: client.get("/users").status == 200, "the first connection")
        since = time.monotonic()
        reply = client.get("/slow")
        assert time.monotonic() - since < 1.5
        assert (reply.status, reply.json) == (503, BUSY)
        eventually(lambda: client.get("/users").status == 200, "a new connection")
        at_rest(pool)


@APPS
def test_a_missing_table_is_the_apps_own_500(
    app: Any,
    postgres: Postgres,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    pool = Pool(postgres.url())
    with pool, wsgi(app({"/users": lambda: pool.query("SELECT * FROM nowhere")}, pool)) as client:
        reply = client.get("/users")
        assert reply.status == 500
        assert b"Database" not in reply.body
        assert b"nowhere" not in reply.body
        at_rest(pool)
    assert causes(caplog) == []
    assert 'relation "nowhere" does not exist' in caplog.text + capfd.readouterr().err


@APPS
@pytest.mark.parametrize(
    "url, complaint",
    [(None, "no database URL: set DATABASE_URL"), (f"postgres:/u:{SECRET}@h/d", "postgresql://")],
)
def test_a_url_that_is_missing_or_malformed_is_the_apps_own_500(
    app: Any,
    url: str | None,
    complaint: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    for name in ("DATABASE_URL", "POSTGRES_URL", "MYSQL_URL"):
        monkeypatch.delenv(name, raising=False)
    if url is not None:
        monkeypatch.setenv("DATABASE_URL", url)
    pool = Pool()
    with wsgi(app({"/users": lambda: pool.query(USERS)}, pool)) as client:
        reply = client.get("/users")
    assert reply.status == 500
    assert b"Database" not in reply.body
    said = caplog.text + capfd.readouterr().err
    assert complaint in said
    assert SECRET not in said


def test_a_handler_of_ones_own_for_flask_takes_its_place(postgres: Postgres) -> None:
    pool = Pool(postgres.url(), max_size=1, timeout=0.1)
    app = flask({"/users": lambda: pool.query(USERS)}, pool)

    @app.errorhandler(Unavailable)  # type: ignore[untyped-decorator]
    def mine(error: Unavailable) -> Any:
        return "come back later", 418

    with pool, wsgi(app) as client, pool.connection(timeout=10):
        assert client.get("/users").body == b"come back later"


def server(status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Callable[[bytes], object]:
    """The ``start_response`` of a server that nobody listens to."""
    return len


# -- what the invocation is --------------------------------------------------------------------------


def test_a_request_lasts_until_its_response_is_closed(postgres: Postgres) -> None:
    """And what may not sleep is closed when the last of overlapping ones ends."""
    pool = Pool(postgres.url(), keep=0)

    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        pool.query("SELECT 1")
        yield b"one"
        yield b"two"

    wrapped = PoolMiddleware(app, pool=pool)
    with pool:
        first, second = wrapped({}, server), wrapped({}, server)
        assert [next(iter(first)), next(iter(second))] == [b"one", b"one"]
        assert list(first) == [b"two"]
        first.close()  # type: ignore[attr-defined]
        assert pool.stats().idle == 1, "another one goes on"
        second.close()  # type: ignore[attr-defined]
        assert pool.stats().total == 0
        second.close()  # type: ignore[attr-defined]


def test_the_deadline_does_not_stay_in_the_servers_thread(postgres: Postgres) -> None:
    """Not even where the server never closes the response."""
    pool = Pool(postgres.url())

    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        yield b"one"

    with pool:
        left = PoolMiddleware(app, pool=pool, remaining=0.15)({}, server)
        assert list(left) == [b"one"]
        assert pool.query("SELECT pg_sleep(0.3)::text") == [{"pg_sleep": ""}]


def test_a_response_that_another_thread_closes(postgres: Postgres) -> None:
    pool = Pool(postgres.url())

    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        with pool.connection():
            yield b"one"
            yield b"two"

    with pool:
        response = PoolMiddleware(app, pool=pool, remaining=5)({}, server)
        assert next(iter(response)) == b"one"
        assert pool.stats().used == 1
        thread = threading.Thread(target=response.close)  # type: ignore[attr-defined]
        thread.start()
        thread.join()
        at_rest(pool)


def test_a_connection_that_a_request_keeps_is_reported(
    postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    pool = Pool(postgres.url(), debug=True)
    kept: list[Any] = []

    def leak() -> None:
        kept.append(pool.getconn())

    with pool, wsgi(flask({"/leak": leak}, pool)) as client:
        assert client.get("/leak").status == 200
        eventually(lambda: causes(caplog), "the warning")
        pool.putconn(kept.pop())
    assert "ended with 1 connection(s) still out on lease, taken at" in caplog.text
    assert "in leak" in caplog.text


# -- responses in pieces -----------------------------------------------------------------------------


def streaming(pool: Pool, *, as_flask: bool) -> Any:
    def pieces() -> Iterator[bytes]:
        with pool.connection() as conn, conn.cursor() as cursor:
            for row in cursor.stream("SELECT repeat('x', 10000) FROM generate_series(1, 1000000)"):
                yield row[0].encode()

    if as_flask:
        flask_app = Flask(__name__)
        init_app(flask_app, pool=pool)
        flask_app.add_url_rule("/", view_func=lambda: flask_app.response_class(pieces()))
        return flask_app

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return pieces()

    return PoolMiddleware(app, pool=pool)


@pytest.mark.parametrize("as_flask", [True, False])
def test_a_client_that_goes_away_gives_the_connection_back(
    as_flask: bool, postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    pool = Pool(postgres.url(), max_size=1)
    with pool, wsgi(streaming(pool, as_flask=as_flask)) as client:
        for _ in range(2):
            with client.stream("/") as wire:
                assert wire.recv(20).startswith(b"HTTP/1.0 200")
                eventually(lambda: pool.stats().used == 1, "the lease")
            eventually(lambda: pool.stats().used == 0, "the give-back")
    assert causes(caplog) == []


def test_a_stream_that_fails_before_its_first_piece_is_replaced_in_flask_too(postgres: Postgres) -> None:
    pool = Pool(postgres.url())
    app = Flask(__name__)
    init_app(app, pool=pool)

    def pieces() -> Iterator[str]:
        yield str(pool.query("SELECT pg_sleep(20)", timeout=0.15))

    app.add_url_rule("/", view_func=lambda: app.response_class(pieces(), mimetype="text/csv"))
    with pool, wsgi(app) as client:
        pool.warm(1)
        reply = client.get("/")
        assert (reply.status, reply.json, reply.headers.get_all("Content-Type")) == (
            503,
            BUSY,
            ["application/json"],
        )
        at_rest(pool)


def test_an_answer_that_has_begun_is_cut_off_and_not_replaced(
    postgres: Postgres, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    pool = Pool(postgres.url())

    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "100")])
        yield b"the first piece"
        pool.query("SELECT pg_sleep(20)", timeout=0.15)

    with pool, wsgi(PoolMiddleware(app, pool=pool)) as client:
        with pytest.raises(IncompleteRead) as caught:
            client.get("/")
        assert caught.value.partial == b"the first piece"
        at_rest(pool)
    assert "PoolTimeout" in capfd.readouterr().err, "the server logs it"
    assert causes(caplog) == []


def test_what_was_written_counts_as_begun(postgres: Postgres, capfd: pytest.CaptureFixture[str]) -> None:
    pool = Pool(postgres.url())

    def app(environ: Any, start_response: Any) -> list[bytes]:
        write = start_response("200 OK", [("Content-Type", "text/plain")])
        if environ["PATH_INFO"] == "/written":
            write(b"written, ")
        if environ["PATH_INFO"] != "/good":
            pool.query("SELECT pg_sleep(20)", timeout=0.15)
        write(b"then ")
        return [b"returned"]

    with pool, wsgi(PoolMiddleware(app, pool=pool)) as client:
        pool.warm(1)
        assert client.get("/good").body == b"then returned"
        assert client.get("/none").json == BUSY
        assert client.get("/written").body == b"written, "
        at_rest(pool)
    assert "PoolTimeout" in capfd.readouterr().err


def test_the_servers_own_file_wrapper_reaches_the_server(postgres: Postgres) -> None:
    pool = Pool(postgres.url())

    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return environ["wsgi.file_wrapper"](io.BytesIO(b"a file"))

    with pool:
        body = PoolMiddleware(app, pool=pool)({"wsgi.file_wrapper": FileWrapper}, server)
        assert type(body) is FileWrapper
        with wsgi(PoolMiddleware(app, pool=pool)) as client:
            assert client.get("/").body == b"a file"


def test_a_list_reaches_the_server_which_counts_it(postgres: Postgres) -> None:
    with Pool(postgres.url()) as pool, wsgi(bare({"/users": list}, pool)) as client:
        assert client.get("/users").headers["Content-Length"] == "11"


def test_a_server_is_given_one_head_even_if_it_answers_with_nothing(postgres: Postgres) -> None:
    heads: list[str] = []

    def careless(status: str, headers: Any, exc_info: Any = None, /) -> Any:
        heads.append(status)

    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        yield b"one"
        yield b"two"

    with Pool(postgres.url()) as pool:
        response = PoolMiddleware(app, pool=pool)({}, careless)
        assert list(response) == [b"one", b"two"]
    assert heads == ["200 OK"]


def test_an_app_may_replace_the_head_before_the_first_piece(postgres: Postgres) -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        try:
            raise ZeroDivisionError
        except ZeroDivisionError as error:
            head = ("409 Conflict", [("Content-Type", "text/plain")])
            start_response(*head, (type(error), error, error.__traceback__))
        with pytest.raises(AssertionError, match="called twice"):
            start_response(*head)
        return [b"conflict"]

    with Pool(postgres.url()) as pool, wsgi(PoolMiddleware(app, pool=pool)) as client:
        assert client.get("/").status == 409


@pytest.mark.parametrize("wrong", [None, Pool, f"postgresql://u:{SECRET}@h/d"])
def test_what_is_no_pool_is_refused_at_once(wrong: Any) -> None:
    with pytest.raises(ConfigError, match="give the Pool or AsyncPool that the app uses") as caught:
        init_app(Flask(__name__), pool=wrong)
    assert SECRET not in str(caught.value)
