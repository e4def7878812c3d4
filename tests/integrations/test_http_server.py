"""``BaseHTTPRequestHandler``: rows as JSON, and the pool's errors as answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from tests.integrations.serving import Client, http_server

from thawpool import ConnectFailed, Overloaded
from thawpool.integrations.http_server import send_json, send_unavailable


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        try:
            if self.path == "/away":
                raise ConnectFailed("at a place")
            if self.path == "/full":
                raise Overloaded("full", retry_after=7)
            if self.path == "/mistake":
                raise LookupError("of the function's own")
            send_json(self, {"on": date(2026, 1, 31), "name": "Zo\u00eb"}, 201, {"X-More": "yes"})
        except Exception as error:
            try:
                send_unavailable(self, error)
            except LookupError as mistake:
                send_json(self, {"the same": mistake is error}, 418)

    do_HEAD = do_GET

    def log_request(self, *args: Any) -> None: ...


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with http_server(Handler) as running:
        yield running


def test_rows(client: Client) -> None:
    reply = client.get("/")
    assert (reply.status, reply.json) == (201, {"on": "2026-01-31", "name": "Zo\u00eb"})
    assert (reply.headers["X-More"], reply.headers["Content-Length"]) == ("yes", str(len(reply.body)))


def test_the_table(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    reply = client.get("/away")
    assert (reply.status, reply.json) == (500, {"error": "Database connection failed"})
    reply = client.get("/full")
    assert (reply.status, reply.json) == (503, {"error": "Database busy"})
    assert reply.headers["Retry-After"] == "7"
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
    assert "at a place" in caplog.text


def test_another_error_is_raised_again(client: Client) -> None:
    assert client.get("/mistake").json == {"the same": True}


@pytest.mark.parametrize("path, status", [("/", b"201"), ("/away", b"500")])
def test_head_has_no_body(client: Client, path: str, status: bytes) -> None:
    with client.stream(path, method="HEAD") as wire:
        text = b"".join(iter(lambda: wire.recv(4096), b""))
    assert text.split()[1] == status
    assert b"Content-Length: " in text
    assert text.endswith(b"\r\n\r\n")
