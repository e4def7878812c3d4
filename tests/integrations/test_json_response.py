"""``JSONResponse``: rows as JSON in Starlette, in FastAPI and where neither is installed, by orjson and without."""

from __future__ import annotations

import asyncio
import json
import uuid
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient
from tests.support.children import Child

from thawpool import AsyncPool
from thawpool.integrations import _encode
from thawpool.integrations._response import Response as LeastResponse
from thawpool.integrations.asgi import JSONResponse
from thawpool.testing.postgres import Postgres

VALUES = {
    "date": (date(2026, 1, 31), "2026-01-31"),
    "datetime": (datetime(2026, 1, 31, 9, 30, tzinfo=UTC), "2026-01-31T09:30:00+00:00"),
    "time": (time(9, 30, tzinfo=UTC), "09:30:00+00:00"),
    "interval": (timedelta(days=1, hours=2), "P1DT2H"),
    "numeric": (Decimal("1.50"), "1.50"),
    "uuid": (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    "bytea": (b"\0\xff", "AP8="),
    "null": (None, None),
    "float": (1.5, 1.5),
    "bigint": (2**63, 2**63),
    "huge": (2**70, 2**70),
    "text": ("O'Hara <b>\U0001f600</b>", "O'Hara <b>\U0001f600</b>"),
    "array": ([1, None, (2, 3)], [1, None, [2, 3]]),
    "whole keys": ({1: "one"}, {"1": "one"}),
}


@pytest.fixture(params=["json", pytest.param("orjson", marks=pytest.mark.needs("orjson"))])
def encoder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the two encoders."""
    if request.param == "json":
        monkeypatch.setattr(_encode, "orjson", None)


@pytest.mark.usefixtures("encoder")
@pytest.mark.parametrize("name", VALUES)
def test_values_of_a_database(name: str) -> None:
    value, expected = VALUES[name]
    assert json.loads(_encode.encode({"rows": [{name: value}]})) == {"rows": [{name: expected}]}


@pytest.mark.usefixtures("encoder")
def test_it_is_compact_utf_8() -> None:
    assert _encode.encode([{"name": "\u00e9", "n": 1}]) == '[{"name":"\u00e9","n":1}]'.encode()


@pytest.mark.usefixtures("encoder")
@pytest.mark.parametrize("number", [float("nan"), float("inf"), Decimal("nan")])
def test_a_number_that_is_none(number: Any) -> None:
    content = {"users": [{"id": 1, "score": None}, {"id": 2, "seen": date(2026, 1, 1), "score": number}]}
    if isinstance(number, Decimal):  # is text, and so is what it says
        assert json.loads(_encode.encode(content))["users"][1]["score"] == "NaN"
        return
    with pytest.raises(ValueError, match=r"content\['users'\]\[1\]\['score'\] is NaN or infinite.*NULLIF"):
        _encode.encode(content)


@pytest.mark.usefixtures("encoder")
def test_a_value_that_nobody_knows() -> None:
    with pytest.raises(TypeError, match=r"builtins\.object cannot be made JSON: cast the column"):
        _encode.encode({"users": [{"id": object()}]})


@pytest.mark.usefixtures("encoder")
def test_content_that_contains_itself() -> None:
    content: list[Any] = [None]
    content.append(content)
    with pytest.raises(ValueError, match="Circular reference"):
        _encode.encode(content)


async def _sent(response: Any) -> list[Any]:
    messages = []

    async def send(message: Any) -> None:
        messages.append(message)

    async def receive() -> Any: ...

    await response({"type": "http"}, receive, send)
    return messages


class Least(LeastResponse):
    """``JSONResponse`` as it is without Starlette."""

    media_type = "application/json"
    render = JSONResponse.render


@pytest.mark.parametrize("kind", [JSONResponse, Least])
def test_what_is_sent(kind: Any) -> None:
    done = []

    async def background() -> None:
        done.append(True)

    response = kind({"a": 1}, 201, {"X-More": "yes"}, background=background)
    start, body = asyncio.run(_sent(response))
    headers = dict(start["headers"])
    assert start["status"] == response.status_code == 201
    assert headers == {b"content-type": b"application/json", b"content-length": b"7", b"x-more": b"yes"}
    assert body["body"] == response.body == b'{"a":1}'
    assert done == [True]


@pytest.mark.parametrize("kind", [JSONResponse, Least])
def test_headers_of_ones_own_win(kind: Any) -> None:
    start, _ = asyncio.run(_sent(kind({}, headers={"Content-Type": "application/problem+json"})))
    assert dict(start["headers"])[b"content-type"] == b"application/problem+json"
    start, _ = asyncio.run(_sent(kind({}, media_type="application/hal+json")))
    assert dict(start["headers"])[b"content-type"] == b"application/hal+json"
    start, _ = asyncio.run(_sent(kind(None, 304)))
    assert b"content-length" not in dict(start["headers"])


def test_it_is_a_response_of_starlettes() -> None:
    assert issubclass(JSONResponse, Response)
    response = JSONResponse({"a": 1})
    response.set_cookie("seen", "yes")
    app = Starlette(routes=[Route("/", lambda request: response)])
    with TestClient(app) as client:
        reply = client.get("/")
    assert (reply.json(), reply.cookies["seen"]) == ({"a": 1}, "yes")


def test_fastapi_takes_it_as_it_is_and_as_its_default(postgres: Postgres) -> None:
    sql = "SELECT 1.5::numeric AS price, '\\x00ff'::bytea AS raw"
    expected = [{"price": "1.5", "raw": "AP8="}]
    pool = AsyncPool(postgres.url())
    app = FastAPI(default_response_class=JSONResponse)

    @app.get("/as-it-is")
    async def as_it_is() -> Response:
        return JSONResponse(await pool.query(sql))

    @app.get("/default", response_model=None)
    async def default() -> Any:
        return {"sum": float(1)}

    with TestClient(app) as client:
        assert client.get("/as-it-is").json() == expected
        assert client.get("/default").text == '{"sum":1.0}'


BARE = """
import sys

class NoStarlette:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("starlette", "orjson"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NoStarlette())
from thawpool.integrations import asgi
for name in ("starlette", "json", "logging"):
    assert name not in sys.modules, name

import asyncio

async def app(scope, receive, send):
    await asgi.JSONResponse({"a": None}, 202)(scope, receive, send)

async def main():
    async def send(message):
        say(repr(message))
    await app({"type": "http"}, None, send)

asyncio.run(main())
try:
    asgi.Response
except AttributeError as error:
    say(str(error))
"""


def test_without_starlette_it_needs_nothing() -> None:
    with Child(BARE) as child:
        assert "'status': 202" in child.hear()
        assert """b'{"a":null}'""" in child.hear()
        assert "has no attribute 'Response'" in child.hear()
        child.finish()


def test_with_starlette_nothing_of_it_is_loaded_until_the_response_is_named() -> None:
    code = """
        import sys
        from thawpool.integrations.asgi import PoolMiddleware
        say([name for name in ("starlette", "json", "asyncio", "logging") if name in sys.modules])
        from thawpool.integrations.asgi import JSONResponse
        say("starlette.responses" in sys.modules)
    """
    with Child(code) as child:
        assert child.hear() == "[]"
        assert child.hear() == "True"
        child.finish()
