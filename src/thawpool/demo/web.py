"""The supervisor's HTTP side: the page, its stream, its buttons, and ``/api/*`` passed through."""

from __future__ import annotations

import asyncio
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from .acts import Acts, Busy, Unavailable
from .client import fetch
from .feed import Feed
from .process import FunctionProcess

__all__ = ["site"]

PASSED_ON = ("content-type", "retry-after", "allow")


def site(function: FunctionProcess, acts: Acts, feed: Feed) -> Starlette:
    """The app that the supervisor serves on the loopback.

    Other pages in the same browser reach the loopback too. So a request must be addressed to this machine
    by name, which stops a foreign name that resolves to it, and an act must carry a header that another
    origin cannot send without asking first.
    """

    async def events(request: Request) -> Response:
        return StreamingResponse(
            feed.events(), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    async def act(request: Request) -> Response:
        if "x-thawpool-demo" not in request.headers:
            return JSONResponse({"error": "send the header X-Thawpool-Demo: 1"}, 403)
        try:
            task = acts.begin(request.path_params["name"])
        except Unavailable as error:
            return JSONResponse({"error": str(error)}, 404)
        except Busy as error:
            return JSONResponse({"error": str(error)}, 409)
        await asyncio.wait({task})
        if task.cancelled():
            return JSONResponse({"error": "the demo was stopped"}, 503)
        return JSONResponse({"text": task.result()})

    async def api(request: Request) -> Response:
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        try:
            reply = await fetch(
                function.port, path, method=request.method, body=await request.body(), timeout=30
            )
        except TimeoutError:
            return JSONResponse({"error": "The function did not answer within 30 s"}, 504)
        except OSError:
            return JSONResponse({"error": "The function's process ended before it answered"}, 502)
        headers = {name: reply.headers[name] for name in PASSED_ON if name in reply.headers}
        return Response(reply.body, reply.status, headers)

    return Starlette(
        routes=[
            Route("/events", events),
            Route("/act/{name:path}", act, methods=["POST"]),
            Route("/api/{path:path}", api, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
            Mount("/", StaticFiles(directory=Path(__file__).parent / "page", html=True)),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])],
    )
