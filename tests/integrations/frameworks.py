"""One app in each framework: the same routes, and the middleware where that framework has it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from thawpool import AsyncPool
from thawpool.integrations.asgi import JSONResponse, PoolMiddleware

__all__ = ["FRAMEWORKS", "Routes", "build", "rows"]

#: Path to what answers it: a function without arguments whose result is the JSON, or a response.
Routes = dict[str, Callable[[], Awaitable[Any]]]


def response(content: Any) -> Response:
    return content if isinstance(content, Response) else JSONResponse(content)


def _starlette(routes: Routes, pool: AsyncPool, **options: Any) -> Any:
    def endpoint(content: Callable[[], Awaitable[Any]]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            return response(await content())

        return answer

    return Starlette(
        routes=[Route(path, endpoint(content)) for path, content in routes.items()],
        middleware=[Middleware(PoolMiddleware, pool=pool, **options)],
    )


def _fastapi(routes: Routes, pool: AsyncPool, **options: Any) -> Any:
    app = FastAPI()
    app.add_middleware(PoolMiddleware, pool=pool, **options)
    for path, content in routes.items():
        app.get(path)(content)
    return app


def _bare(routes: Routes, pool: AsyncPool, **options: Any) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http", "uvicorn does without a lifespan"
        await response(await routes[scope["path"]]())(scope, receive, send)

    return PoolMiddleware(app, pool=pool, **options)


_BUILDERS = {"starlette": _starlette, "fastapi": _fastapi, "bare": _bare}
FRAMEWORKS = pytest.mark.parametrize("framework", _BUILDERS)


def build(framework: str, routes: Routes, pool: AsyncPool, **options: Any) -> Any:
    """The app; ``options`` are those of the middleware."""
    return _BUILDERS[framework](routes, pool, **options)


def rows(pool: AsyncPool, sql: str) -> Callable[[], Awaitable[Any]]:
    """A route that answers with what the statement selects."""

    async def query() -> Any:
        return await pool.query(sql)

    return query
