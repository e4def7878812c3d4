"""The function of the soak for threads, as a WSGI app and as a ``BaseHTTPRequestHandler``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

from tests.vercel.functions.settings import MARKED, OPTIONS

from thawpool import Pool, Unavailable
from thawpool.integrations.http_server import send_json, send_unavailable
from thawpool.integrations.wsgi import PoolMiddleware

pool = Pool(**OPTIONS)


def serve(path: str, query_string: str) -> Any:
    query = parse_qs(query_string)
    params = (float(query["s"][0]), query["mark"][0])
    if path == "/transaction":
        with pool.transaction() as tx:
            return tx.query_one(MARKED, params)
    return pool.query_one(MARKED, params)


def route(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    body = json.dumps(serve(environ["PATH_INFO"], environ["QUERY_STRING"])).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


app = PoolMiddleware(route, pool=pool)


class handler(BaseHTTPRequestHandler):  # the name that Vercel looks for
    def do_GET(self) -> None:
        url = urlsplit(self.path)
        try:
            with pool.invocation():
                content = serve(url.path, url.query)
            send_json(self, content)
        except Unavailable as error:
            send_unavailable(self, error)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing of what went well."""
