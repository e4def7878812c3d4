"""A WSGI app, which Vercel runs on a new thread for every connection."""

from __future__ import annotations

import json
from collections.abc import Iterable
from urllib.parse import parse_qs
from wsgiref.types import StartResponse, WSGIEnvironment

from tests.vercel.functions.verbs import VERBS, pieces, pool

from thawpool.integrations.wsgi import PoolMiddleware


def route(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    seconds = float(parse_qs(environ["QUERY_STRING"]).get("s", ["0"])[0])
    if environ["PATH_INFO"] == "/pieces":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return pieces(seconds)
    body = json.dumps(VERBS[environ["PATH_INFO"]](seconds)).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


app = PoolMiddleware(route, pool=pool)
