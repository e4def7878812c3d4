"""A ``handler`` with an ``AsyncPool``: each request runs an event loop of its own."""

from __future__ import annotations

import asyncio
import json
from http.server import BaseHTTPRequestHandler

from tests.vercel.functions.settings import OPTIONS, PID, SLEEP

from thawpool import AsyncPool

pool = AsyncPool(**OPTIONS)


class handler(BaseHTTPRequestHandler):  # the name that Vercel looks for
    def do_GET(self) -> None:
        body = json.dumps(asyncio.run(self.serve())).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    async def serve(self) -> object:
        async with pool.invocation():
            if self.path == "/sleep":
                await pool.query(SLEEP, (0.5,))
            return await pool.query_one(PID)
