"""Opening a connection with asyncpg: what works, what is said when it does not, and that nothing stays behind."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tests.conftest import ProxyFactory
from tests.drivers.adapters import adapter
from tests.support.cancelling import Cancelling, Moment
from tests.support.loops import LoopFlavour
from tests.support.losses import at_most, nothing_lost, sockets_to

from thawpool import AsyncPool, ConfigError, ConnectFailed
from thawpool.drivers.asyncpg.protocol import Protocol
from thawpool.drivers.base import Sight
from thawpool.testing._home import free_port
from thawpool.testing.postgres import Postgres

Conversation = Callable[[socket.socket], object]


@contextmanager
def server(converse: Conversation) -> Iterator[int]:
    """The port of a server that says what ``converse`` says, to one client after the other."""
    clients: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                clients.append(client)
                try:
                    converse(client)
                except OSError:
                    pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)  # to close it would not wake who accepts
    thread.join(10)
    for client in clients:
        client.close()


def says(*words: bytes) -> Conversation:
    """Answer the first message with ``words`` and hang up."""

    def converse(client: socket.socket) -> None:
        with client:
            client.recv(1024)
            for word in words:
                client.sendall(word)

    return converse


FATAL = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0"
STARTING_UP = b"E" + (len(FATAL) + 4).to_bytes(4) + FATAL
SCRAM = b"R\0\0\0\x17\0\0\0\nSCRAM-SHA-256\0\0"


@pytest.mark.parametrize(
    "converse, sslmode, transient, message",
    [
        (says(), "disable", True, "closed"),
        (says(), "prefer", True, "the server closed the connection while it was being opened"),
        (says(), "require", True, "the server closed the connection while it was being opened"),
        (says(b"S"), "require", True, "the server closed the connection while it was being opened"),
        (says(b"N"), "require", False, "turn TLS on at the server"),
        (says(b"E" + FATAL), "require", False, "error response during SSL exchange"),
        (says(STARTING_UP), "disable", True, "the database system is starting up"),
        (says(SCRAM), "disable", True, "closed"),
        (says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "disable", True, "closed"),
    ],
)
async def test_a_server_that_hangs_up(
    flavour: LoopFlavour, converse: Conversation, sslmode: str, transient: bool, message: str
) -> None:
    with server(converse) as port:
        dialer = adapter(f"postgresql://user:s3cret@127.0.0.1:{port}/db?sslmode={sslmode}")
        with nothing_lost(port), at_most(1.5), pytest.raises(ConnectFailed, match=message) as caught:
            await dialer.connect(1.0)
    assert caught.value.transient is transient
    assert "s3cret" not in str(caught.value)


async def test_a_port_at_which_nothing_listens(flavour: LoopFlavour) -> None:
    for host in ("127.0.0.1", "localhost"):
        with pytest.raises(ConnectFailed, match=r"Connection refused.*nothing listens there") as caught:
            await adapter(f"postgresql://user@{host}:{free_port()}/db").connect(1.0)
        assert caught.value.transient


@pytest.mark.parametrize("sslmode", ["disable", "prefer", "require"])
async def test_a_server_that_says_nothing(flavour: LoopFlavour, sslmode: str) -> None:
    with server(lambda client: None) as port:
        dialer = adapter(f"postgresql://user@127.0.0.1:{port}/db?sslmode={sslmode}")
        with (
            nothing_lost(port),
            at_most(0.5),
            pytest.raises(ConnectFailed, match=r"within 0\.30 s") as caught,
        ):
            await dialer.connect(0.3)
    assert caught.value.transient


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    import trustme

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context


async def test_a_server_that_falls_silent_behind_its_tls(flavour: LoopFlavour, tls: ssl.SSLContext) -> None:
    """asyncio would wait half a minute for its part of the goodbye."""
    reached = threading.Event()
    kept: list[ssl.SSLSocket] = []

    def converse(client: socket.socket) -> None:
        client.recv(8)
        client.sendall(b"S")
        kept.append(tls.wrap_socket(client, server_side=True, do_handshake_on_connect=False))
        kept[0].do_handshake()
        kept[0].recv(1024)
        reached.set()

    with server(converse) as port:
        dialer = adapter(f"postgresql://user@127.0.0.1:{port}/db?sslmode=require")
        with at_most(0.5), pytest.raises(ConnectFailed, match=r"within 0\.30 s"):
            await dialer.connect(0.3)
        assert reached.is_set()
        with nothing_lost(port):
            pass
        for sock in kept:
            sock.close()


async def test_a_server_that_never_shakes_hands(flavour: LoopFlavour) -> None:
    def converse(client: socket.socket) -> None:
        client.recv(8)
        client.sendall(b"S")

    with server(converse) as port:
        dialer = adapter(f"postgresql://user@127.0.0.1:{port}/db?sslmode=require")
        with nothing_lost(port), at_most(0.5), pytest.raises(ConnectFailed, match=r"within 0\.30 s"):
            await dialer.connect(0.3)


async def test_a_dial_that_is_cancelled(flavour: LoopFlavour) -> None:
    reached = threading.Event()

    def converse(client: socket.socket) -> None:
        client.recv(1024)
        reached.set()

    with server(converse) as port:
        with nothing_lost(port):
            dialing = asyncio.ensure_future(adapter(f"postgresql://user@127.0.0.1:{port}/db").connect(30.0))
            await flavour.until(reached.is_set)
            dialing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await dialing
            assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_tls(flavour: LoopFlavour, postgres_tls: Postgres, tmp_path: Path) -> None:
    import trustme

    trusted: Any = {"sslmode": "verify-full", "sslrootcert": postgres_tls.ca_file}
    for host, more in (("localhost", {}), ("127.0.0.1", {}), ("localhost", {"sslnegotiation": "direct"})):
        dialer = adapter(postgres_tls.url(host=host, **trusted, **more))
        conn = await dialer.connect(5.0)
        conn.leased = True
        encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        assert await dialer.fetch(conn, encrypted, None) == [{"ssl": True}]
        assert dialer.look(conn) is Sight.QUIET
        with nothing_lost(postgres_tls.port, sockets=1 if more and flavour.loop else 0):
            dialer.close(conn)
        await asyncio.sleep(0)
        with nothing_lost(postgres_tls.port):
            pass
    trustme.CA().cert_pem.write_to_path(tmp_path / "stranger.pem")
    strange = adapter(postgres_tls.url(sslmode="verify-full", sslrootcert=tmp_path / "stranger.pem"))
    with pytest.raises(ConnectFailed, match="cannot be verified: give the CA with sslrootcert") as caught:
        await strange.connect(5.0)
    assert not caught.value.transient
    with pytest.raises(ConnectFailed, match="password authentication failed") as caught:
        await adapter(postgres_tls.url(password="s3cret", **trusted)).connect(5.0)
    assert not caught.value.transient
    assert "s3cret" not in str(caught.value)


async def test_a_silent_host_leaves_time_for_the_next(
    flavour: LoopFlavour, postgres: Postgres, proxy: ProxyFactory
) -> None:
    wire = proxy()
    wire.accept_silently()
    url = postgres.url().replace("@", f"@127.0.0.1:{wire.port},")
    dialer = adapter(url)
    with at_most(1.0):
        conn = await dialer.connect(1.0)
    assert conn.sock.getpeername()[1] == postgres.port
    dialer.close(conn)


async def test_which_of_several_servers(flavour: LoopFlavour, postgres: Postgres) -> None:
    two = postgres.url().replace("@", f"@127.0.0.1:{free_port()},")
    for role in ("primary", "read-write", "prefer-standby", "any"):
        dialer = adapter(f"{two}?target_session_attrs={role}")
        dialer.close(await dialer.connect(5.0))
    others = sockets_to(postgres.port)
    with (
        nothing_lost(postgres.port, sockets=others),
        pytest.raises(ConnectFailed, match="asks for") as caught,
    ):
        await adapter(postgres.url(target_session_attrs="standby")).connect(5.0)
    assert caught.value.transient


async def test_a_unix_socket(flavour: LoopFlavour, postgres: Postgres) -> None:
    dialer = adapter(f"postgresql://postgres@/postgres?host={postgres.folder}&port={postgres.port}")
    conn = await dialer.connect(5.0)
    assert conn.sock.family == socket.AF_UNIX
    conn.leased = True
    with pytest.raises(TimeoutError):
        await conn.execute("SELECT pg_sleep(60)", timeout=0.1)
    dialer.close(conn)
    with pytest.raises(ConnectFailed, match="No such file") as caught:
        await adapter(f"postgresql://postgres@/postgres?host={postgres.folder}&port=1").connect(5.0)
    assert caught.value.transient


async def test_the_password_of_the_moment(flavour: LoopFlavour, postgres_tls: Postgres) -> None:
    url = postgres_tls.url(sslmode="disable")
    right = url.split(":")[2].split("@")[0]
    asked: list[str] = []

    async def password() -> str:
        asked.append("")
        return right if len(asked) > 1 else "s3cret"

    dialer = adapter(url.replace(f":{right}@", "@"), password=password)
    with pytest.raises(ConnectFailed, match="if the password rotates") as caught:
        await dialer.connect(5.0)
    assert "s3cret" not in str(caught.value)
    dialer.close(await dialer.connect(5.0))


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux")
async def test_the_kernel_gives_up_on_a_dead_peer(flavour: LoopFlavour, postgres: Postgres) -> None:
    dialer = adapter(postgres.url(), tcp_timeout=7.5)
    conn = await dialer.connect(5.0)
    options = ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT")
    values = [conn.sock.getsockopt(socket.IPPROTO_TCP, getattr(socket, option)) for option in options]
    assert values == [8, 2, 3, 7500]
    assert conn.sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    dialer.close(conn)


async def test_what_asyncpg_refuses(
    flavour: LoopFlavour, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGGSSLIB", "another")
    with pytest.raises(ConfigError, match="asyncpg refuses its arguments: gsslib"):
        await adapter(postgres.url()).connect(5.0)


async def test_the_configure_hook(flavour: LoopFlavour, postgres: Postgres) -> None:
    async def configure(conn: Any) -> None:
        await conn.execute("BEGIN")

    others = sockets_to(postgres.port)
    with (
        nothing_lost(postgres.port, sockets=others),
        pytest.raises(ConnectFailed, match="left the connection in a transaction"),
    ):
        await adapter(postgres.url(), configure=configure).connect(5.0)

    def fails(conn: Any) -> None:
        raise LookupError("mine")

    with nothing_lost(postgres.port, sockets=others), pytest.raises(LookupError, match="mine"):
        await adapter(postgres.url(), configure=fails).connect(5.0)

    async def sleeps(conn: Any) -> None:
        await asyncio.sleep(60)

    unanswered = pytest.raises(ConnectFailed, match="did not answer")
    with nothing_lost(postgres.port, sockets=others), at_most(0.5), unanswered:
        await adapter(postgres.url(), configure=sleeps).connect(0.3)

    async def asks(conn: Any) -> None:
        assert isinstance(conn, asyncpg.Connection)
        assert await conn.fetchval("SELECT 1") == 1

    dialer = adapter(postgres.url(), configure=asks)
    conn = await dialer.connect(5.0)
    assert dialer.verdict(conn).name == "CLEAN"
    dialer.close(conn)


@pytest.mark.parametrize("suspension", range(1, 9))
@pytest.mark.parametrize("moment", ["asleep", "woken"])
async def test_a_dial_that_is_cancelled_anywhere(
    flavour: LoopFlavour, suspension: int, moment: Moment, caplog: pytest.LogCaptureFixture
) -> None:
    """The server wants no TLS and no password, and asyncpg asks it about the first."""
    with server(says(b"N")) as port:
        dialer = adapter(f"postgresql://user@127.0.0.1:{port}/db?sslmode=require")
        with nothing_lost(port):

            async def dial() -> None:
                await Cancelling(dialer.connect(5.0), suspension, moment)

            with pytest.raises((asyncio.CancelledError, ConnectFailed)):
                await asyncio.ensure_future(dial())
        await asyncio.sleep(0)
        gc.collect()
        assert not [record for record in caplog.records if record.name == "asyncio"]


def test_a_session_that_ends_while_it_is_set_up_is_dialed_again(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server's last word comes between two messages of a statement, which asyncpg calls an error of its own."""
    prepare, strikes = Protocol.prepare, [False]

    async def prepare_or_fail(self: Any, *args: Any, **options: Any) -> Any:
        if strikes and strikes.pop():
            raise asyncpg.InternalClientError(
                "cannot switch to state 12; another operation (2) is in progress"
            )
        return await prepare(self, *args, **options)

    async def main() -> None:
        pool = AsyncPool(postgres.url().replace("postgresql", "postgresql+asyncpg"))
        assert await pool.query("SELECT 1 AS n") == [{"n": 1}]
        await pool.expire()
        strikes.append(True)
        assert await pool.query("SELECT 2 AS n") == [{"n": 2}]
        assert (pool.stats().open_failed, strikes) == (1, [])
        await pool.close()

    strikes.clear()
    monkeypatch.setattr(Protocol, "prepare", prepare_or_fail)
    asyncio.run(main())
