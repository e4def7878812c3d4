"""The fault proxy does to a connection what it says, from the moment that it says it."""

from __future__ import annotations

import errno
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial

import psycopg
import pytest
from tests.conftest import ProxyFactory
from tests.support.full_backlog import FullBacklog
from tests.support.waiting import eventually
from tests.support.wire import messages, statements

from thawpool.testing.postgres import Postgres
from thawpool.testing.proxy import FaultProxy

#: Long enough for loopback to deliver what was going to come.
SILENCE = 0.1


class Echo:
    """A server that sends back what it gets, until the client has ended."""

    def __init__(self) -> None:
        self.ends: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                conn, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(conn,), daemon=True).start()

    def _serve(self, conn: socket.socket) -> None:
        with conn:
            try:
                while data := conn.recv(65536):
                    conn.sendall(data)
                self.ends.append("FIN")
            except ConnectionResetError:
                self.ends.append("RST")

    def close(self) -> None:
        # A thread blocked in accept() keeps the port until one more client comes.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def echo() -> Iterator[Echo]:
    with closing(Echo()) as server:
        yield server


@pytest.fixture
def through(echo: Echo) -> Iterator[FaultProxy]:
    with FaultProxy("127.0.0.1", echo.port, record=True) as proxy:
        yield proxy


@pytest.fixture
def client(through: FaultProxy) -> Iterator[socket.socket]:
    """A connection that is up: its first byte has come back."""
    with dial(through) as sock:
        sock.sendall(b".")
        assert sock.recv(1) == b"."
        yield sock


def dial(proxy: FaultProxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=10)


def assert_silent(sock: socket.socket) -> None:
    sock.settimeout(SILENCE)
    with pytest.raises(TimeoutError):
        sock.recv(1)
    sock.settimeout(10)


def test_bytes_pass_unchanged_both_ways(client: socket.socket, through: FaultProxy) -> None:
    blob = bytes(range(256)) * 8192
    sender = threading.Thread(target=client.sendall, args=(blob,))
    sender.start()
    got = bytearray()
    while len(got) < len(blob):
        got += client.recv(65536)
    sender.join()
    assert got == blob
    assert through.bytes_up == through.bytes_down == len(blob) + 1


def _has_counted(proxy: FaultProxy, chunks: int) -> bool:
    return proxy.chunks_up == chunks


def test_what_a_client_sent_is_counted_one_by_one(client: socket.socket, through: FaultProxy) -> None:
    for count in range(2, 50):
        client.sendall(b"xyz")
        # On a busy machine the kernel may deliver a moment after send returns.
        eventually(partial(_has_counted, through, count))
        assert through.bytes_up == 1 + 3 * (count - 1)


def test_recording_and_clear(client: socket.socket, through: FaultProxy) -> None:
    client.sendall(b"first")
    with dial(through) as second:
        second.sendall(b"second")
        assert through.sent == b".firstsecond"
        assert through.conversations == [b".first", b"second"]
        assert through.accepted == through.connections == 2
        through.clear()
        assert (through.sent, through.conversations, through.accepted) == (b"", [b"", b""], 0)
        assert through.connections == 2
        client.sendall(b"more")
        assert through.conversations == [b"more", b""]


def test_nothing_is_kept_without_record(echo: Echo) -> None:
    with FaultProxy("127.0.0.1", echo.port) as proxy, dial(proxy) as client:
        client.sendall(b"secret")
        assert (proxy.sent, proxy.conversations) == (b"", [b""])


def test_a_client_that_leaves_is_noticed_on_both_sides(
    client: socket.socket, through: FaultProxy, echo: Echo
) -> None:
    client.close()
    eventually(lambda: through.connections == 0)
    assert echo.ends == ["FIN"]


def test_cut_sends_both_sides_a_fin(client: socket.socket, through: FaultProxy, echo: Echo) -> None:
    through.cut()
    assert client.recv(1) == b""
    eventually(lambda: echo.ends)
    assert echo.ends == ["FIN"]
    assert through.connections == 0
    assert_works(through)


def test_reset_sends_both_sides_an_rst(client: socket.socket, through: FaultProxy, echo: Echo) -> None:
    through.reset()
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    eventually(lambda: echo.ends)
    assert echo.ends == ["RST"]
    assert_works(through)


def test_a_black_hole_swallows_open_and_new_connections(client: socket.socket, through: FaultProxy) -> None:
    through.blackhole()
    up = through.bytes_up
    client.sendall(b"late")
    assert_silent(client)
    with dial(through) as new:
        new.sendall(b"new")
        assert_silent(new)
        assert through.bytes_up == up
        assert through.connections == 2
        through.resume()
        assert client.recv(10) == b"late"
        assert new.recv(10) == b"new"


def test_a_black_hole_hides_the_end_of_the_other_side(through: FaultProxy, echo: Echo) -> None:
    client = dial(through)
    client.sendall(b".")
    client.recv(1)
    through.blackhole()
    client.close()
    assert through.connections == 1
    assert echo.ends == []
    through.resume()
    eventually(lambda: echo.ends)


def test_silent_accept_is_for_new_connections(client: socket.socket, through: FaultProxy) -> None:
    through.accept_silently()
    client.sendall(b"old")
    assert client.recv(10) == b"old"
    with dial(through) as new:
        new.sendall(b"new")
        assert_silent(new)
        through.reset()
        with pytest.raises(ConnectionResetError):
            new.recv(1)


def test_refuse_is_for_new_connections(client: socket.socket, through: FaultProxy) -> None:
    through.refuse()
    through.refuse()
    with socket.socket() as new:
        assert new.connect_ex(("127.0.0.1", through.port)) == errno.ECONNREFUSED
    client.sendall(b"old")
    assert client.recv(10) == b"old"
    through.resume()
    assert_works(through)


def test_slow_delays_each_way(client: socket.socket, through: FaultProxy) -> None:
    through.slow(0.05)
    begun = time.monotonic()
    client.sendall(b"x")
    assert client.recv(1) == b"x"
    assert time.monotonic() - begun >= 0.1


def test_resume_delivers_what_was_slow_at_once(client: socket.socket, through: FaultProxy) -> None:
    through.slow(3600)
    client.sendall(b"x")
    assert through.bytes_up == 2
    through.resume()
    assert client.recv(1) == b"x"


def test_a_target_that_refuses_resets_the_client() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, not listening
        with FaultProxy("127.0.0.1", unused.getsockname()[1]) as proxy:
            with pytest.raises(ConnectionResetError), dial(proxy) as client:  # sooner or later
                client.recv(1)
            assert proxy.connections == 0


def test_close_ends_the_thread_and_the_connections(client: socket.socket, through: FaultProxy) -> None:
    through.close()
    through.close()
    assert client.recv(1) == b""
    assert "fault-proxy" not in [thread.name for thread in threading.enumerate()]
    assert through.bytes_up == 1
    assert through.connections == 0


def test_orders_that_race_with_close_return(echo: Echo) -> None:
    for _ in range(20):
        proxy = FaultProxy("127.0.0.1", echo.port)
        asking = [threading.Thread(target=lambda proxy=proxy: proxy.connections) for _ in range(4)]
        for thread in asking:
            thread.start()
        proxy.close()
        for thread in asking:
            thread.join(10)
            assert not thread.is_alive()


def test_an_order_that_fails_says_so_and_the_proxy_lives(client: socket.socket, through: FaultProxy) -> None:
    through.refuse()
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        thief.bind(("127.0.0.1", through.port))
        thief.listen()
        with pytest.raises(OSError, match="in use"):
            through.resume()
    through.resume()
    assert_works(through)


def test_statements_on_the_wire(postgres: Postgres, proxy: ProxyFactory) -> None:
    middle = proxy(record=True)
    url = middle.url(postgres.url(application_name="a b"))
    assert url == f"postgresql://postgres@127.0.0.1:{middle.port}/postgres?application_name=a%20b"
    with psycopg.connect(url, autocommit=True) as conn:
        before = middle.chunks_up
        conn.execute("SELECT 1")
        conn.execute("SELECT %s::int", (2,))
        assert middle.chunks_up == before + 2
    (conversation,) = middle.conversations
    assert statements(conversation) == ["SELECT 1", "SELECT $1::int"]
    assert any(
        b"application_name\0a b\0" in body for kind, body in messages(conversation) if kind == "startup"
    )
    assert messages(conversation)[-1].kind == "X"


def test_connecting_to_a_full_backlog_hangs(packets_dropped: FullBacklog) -> None:
    with socket.socket() as client:
        client.settimeout(SILENCE)
        with pytest.raises(TimeoutError):
            client.connect((packets_dropped.host, packets_dropped.port))


def assert_works(proxy: FaultProxy) -> None:
    with dial(proxy) as client:
        client.sendall(b"works")
        assert client.recv(10) == b"works"
