"""When a request of WSGI ends: with the server's ``close()``, by which time the client has its answer."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any
from wsgiref.util import FileWrapper

import pytest
from flask import Flask, Response, request, stream_with_context
from tests.conftest import ProxyFactory
from tests.integrations.serving import wsgi
from tests.support.waiting import eventually

from thawpool import ConfigError, ConnectFailed, Pool
from thawpool.integrations import wsgi as integration
from thawpool.integrations.flask import init_app
from thawpool.integrations.wsgi import PoolMiddleware
from thawpool.platforms import Platform
from thawpool.testing import FakeDriver
from thawpool.testing.postgres import Postgres

FROZEN = Platform("test", freezes=True, longest_request=None)


def server(status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Callable[[bytes], object]:
    """The ``start_response`` of a server that nobody listens to."""
    return len


def in_pieces(environ: Any, start_response: Any) -> Iterator[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"one"
    yield b"two"


def fails() -> Any:
    raise ConnectFailed("gone", transient=True)


# -- the first byte ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body, status", [(lambda: [b"users"], 200), (lambda: (b"users",), 200), (fails, 500)]
)
def test_an_answer_does_not_wait_for_what_the_end_waits_for(
    body: Callable[[], Any], status: int, postgres: Postgres, proxy: ProxyFactory
) -> None:
    """On a platform that freezes the end of the last request waits for the dials of threads left behind."""
    wire = proxy()
    wire.accept_silently()
    pool = Pool(wire.url(postgres.url()), platform=FROZEN, timeout=5)
    thread = threading.Thread(target=pool.warm, args=(1,))

    def app(environ: Any, start_response: Any) -> Any:
        thread.start()
        eventually(lambda: pool.stats().opening, "the dial")
        pieces = body()
        start_response("200 OK", [("Content-Type", "text/plain")])
        return pieces

    with pool:
        with wsgi(PoolMiddleware(app, pool=pool)) as client:
            reply = client.get("/")
            under_way = pool.stats().opening
            wire.resume()
        thread.join()
        assert reply.status == status
        assert reply.headers["Content-Length"] == str(len(reply.body))
        assert under_way, "the answer came first"
        assert pool.stats().idle == 1


def test_a_file_that_the_server_sends_comes_after_the_end(postgres: Postgres) -> None:
    """It is the server's own object, whose ``close`` is not ours."""
    pool = Pool(postgres.url(), keep=0)

    def app(environ: Any, start_response: Any) -> Any:
        pool.query("SELECT 1")
        start_response("200 OK", [("Content-Type", "text/plain")])
        return environ["wsgi.file_wrapper"](io.BytesIO(b"a file"))

    with pool:
        body = PoolMiddleware(app, pool=pool)({"wsgi.file_wrapper": FileWrapper}, server)
        assert type(body) is FileWrapper
        assert pool.stats().total == 0


# -- servers that forget to close -------------------------------------------------------------------------


@pytest.mark.parametrize("complete", [True, False])
def test_a_response_that_nobody_closes_ends_with_the_next_one(complete: bool, postgres: Postgres) -> None:
    """Not where the garbage collector finds it: that may be while its thread holds the pool's lock."""
    pool = Pool(postgres.url(), keep=0)
    closed: list[str] = []

    class Body(list[bytes]):
        def close(self) -> None:
            closed.append("body")
            pool.query("SELECT 1")

    def app(environ: Any, start_response: Any) -> Any:
        pool.query("SELECT 1")
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"one"] if complete else Body([b"one"])

    with pool:
        lost = PoolMiddleware(app, pool=pool)({}, server)
        assert list(lost) == [b"one"]
        del lost
        assert (pool.stats().idle, closed) == (1, [])
        PoolMiddleware(app, pool=pool)({}, server).close()  # type: ignore[attr-defined]
        assert pool.stats().total == 0
    assert closed == ([] if complete else ["body", "body"])
    assert not integration.forgotten


def test_what_a_forgotten_response_raises_is_not_the_next_ones(caplog: pytest.LogCaptureFixture) -> None:
    class Body(list[bytes]):
        def close(self) -> None:
            raise ZeroDivisionError

    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return Body([b"one"]) if environ else [b"two"]

    middleware = PoolMiddleware(app, pool=FakeDriver().pool())
    lost = middleware({"REQUEST_METHOD": "GET"}, server)
    del lost
    middleware({}, server).close()  # type: ignore[attr-defined]
    assert "a response that its server never closed failed at its end" in caplog.text
    assert not integration.forgotten


def test_an_interpreter_that_exits_with_a_response_says_nothing() -> None:
    program = """
from thawpool.integrations.wsgi import PoolMiddleware
from thawpool.testing import FakeDriver

def app(environ, start_response):
    start_response("200 OK", [])
    yield b"one"

class Cycle: ...

kept = Cycle()
kept.itself = kept
kept.response = PoolMiddleware(app, pool=FakeDriver().pool())({}, lambda *head: None)
print(*kept.response)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "b'one'\n", "")


def test_a_request_that_never_began_has_no_end() -> None:
    wrapped = PoolMiddleware(in_pieces, pool=FakeDriver().pool(), remaining=lambda: float("nan"))
    with pytest.raises(ConfigError, match="remaining=nan"):
        wrapped({}, server)


# -- bodies that fail -----------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [ConnectFailed("gone", transient=True), ZeroDivisionError()])
def test_a_body_that_cannot_be_iterated_is_closed(error: Exception) -> None:
    closed: list[bool] = []
    pool = FakeDriver().pool(keep=0)

    class Body:
        def __iter__(self) -> Any:
            raise error

        def close(self) -> None:
            closed.append(True)

    def app(environ: Any, start_response: Any) -> Any:
        pool.warm(1)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return Body()

    wrapped = PoolMiddleware(app, pool=pool)
    if isinstance(error, ZeroDivisionError):
        with pytest.raises(ZeroDivisionError):
            wrapped({}, server)
    else:
        wrapped({}, server).close()  # type: ignore[attr-defined]
    assert closed == [True]
    assert pool.stats().total == 0


# -- Flask's test client ----------------------------------------------------------------------------------


@pytest.mark.parametrize("buffered", [True, False])
def test_flasks_test_client_in_a_with_block(buffered: bool, postgres: Postgres) -> None:
    """It keeps the request's context in place for the block, also between the pieces of a response."""
    pool = Pool(postgres.url(), keep=0)
    app = Flask(__name__)
    init_app(app, pool=pool, remaining=30)

    def pieces() -> Iterator[str]:
        with pool.connection() as conn, conn.cursor() as cursor:
            for (n,) in cursor.stream("SELECT * FROM generate_series(1, 3)"):
                yield f"{n} of {request.args['of']}\n"

    app.add_url_rule("/", view_func=lambda: Response(stream_with_context(pieces())))
    with pool:
        with app.test_client() as client:
            for _ in range(2):
                reply = client.get("/?of=3", buffered=buffered)
                assert request.args["of"] == "3"
                assert reply.text == "1 of 3\n2 of 3\n3 of 3\n"
                reply.close()
                assert pool.stats().total == 0


def test_the_deadline_stays_out_of_the_context_of_flasks_test_client(postgres: Postgres) -> None:
    pool = Pool(postgres.url())
    app = Flask(__name__)
    init_app(app, pool=pool, remaining=0.15)
    app.add_url_rule("/", view_func=lambda: Response(iter(["one"])))
    with pool, app.test_client() as client:
        left = client.get("/")
        assert pool.query("SELECT pg_sleep(0.3)::text") == [{"pg_sleep": ""}]
        left.close()
