"""Apps under real servers, each in a thread of its own, and clients that speak to them over sockets."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.message import Message
from http.server import HTTPServer, ThreadingHTTPServer
from socketserver import ThreadingMixIn
from typing import Any, NamedTuple
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import uvicorn

__all__ = ["Client", "Reply", "asgi", "http_server", "wsgi"]


class Reply(NamedTuple):
    status: int
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        assert self.headers.get_content_type() == "application/json", self
        return json.loads(self.body)


class Client:
    """Requests to the app at ``port``, each on a connection of its own."""

    def __init__(self, port: int) -> None:
        self.port = port

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            reply = connection.getresponse()
            return Reply(reply.status, reply.headers, reply.read())
        finally:
            connection.close()

    def get(self, path: str) -> Reply:
        return self.request("GET", path)

    @contextmanager
    def during(self, path: str) -> Iterator[list[Reply]]:
        """A request that goes on during the block, and has its answer in the list after it."""
        replies: list[Reply] = []
        thread = threading.Thread(target=lambda: replies.append(self.get(path)))
        thread.start()
        try:
            yield replies
        finally:
            thread.join(30)

    @contextmanager
    def stream(self, path: str, method: str = "GET") -> Iterator[socket.socket]:
        """A request of which the block reads as much as it likes; at its end the client is gone."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as wire:
            wire.sendall(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            yield wire


@contextmanager
def asgi(app: Any) -> Iterator[Client]:
    """The app under uvicorn."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=10)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield Client(listener.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(30)
            assert not thread.is_alive(), "uvicorn goes on"


class _Threads(ThreadingMixIn, WSGIServer):
    daemon_threads = False  # so that closing the server waits for every request


class _Quiet(WSGIRequestHandler):
    def log_request(self, *args: Any) -> None: ...


@contextmanager
def wsgi(app: Any) -> Iterator[Client]:
    """The app under wsgiref's server, a thread for each connection."""
    with make_server("127.0.0.1", 0, app, _Threads, _Quiet) as server, _serving(server) as client:
        yield client


@contextmanager
def http_server(handler: Any) -> Iterator[Client]:
    """The handler under ``http.server``, a thread for each connection."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, _serving(server) as client:
        yield client


@contextmanager
def _serving(server: HTTPServer) -> Iterator[Client]:
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield Client(server.server_port)
    finally:
        server.shutdown()
        thread.join(30)
