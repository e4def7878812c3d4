"""A ``BaseHTTPRequestHandler``, which Vercel runs on a new thread for every connection."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

from tests.vercel.functions.verbs import VERBS, pieces, pool

from thawpool import Unavailable
from thawpool.integrations.http_server import send_json, send_unavailable


class handler(BaseHTTPRequestHandler):  # the name that Vercel looks for
    def do_GET(self) -> None:
        url = urlsplit(self.path)
        seconds = float(parse_qs(url.query).get("s", ["0"])[0])
        try:
            with pool.invocation():
                if url.path != "/pieces":
                    content = VERBS[url.path](seconds)
                else:
                    self.send_response(200)
                    self.end_headers()
                    for piece in pieces(seconds):
                        self.wfile.write(piece)
                    return
            send_json(self, content)
        except Unavailable as error:
            send_unavailable(self, error)
