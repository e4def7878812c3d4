"""A task that outlives its request: ``docs/integrations.md`` says how it gets rid of the deadline."""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any

import pytest

from thawpool import AsyncPool, PoolTimeout
from thawpool.integrations.asgi import PoolMiddleware
from thawpool.testing.postgres import Postgres


@pytest.mark.parametrize("context", [None, contextvars.Context()])
def test_a_task_in_a_context_of_its_own_has_no_deadline(
    context: contextvars.Context | None, postgres: Postgres
) -> None:
    tasks: list[asyncio.Task[Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        work = pool.query("SELECT pg_sleep(0.4)::text AS slept")
        tasks.append(asyncio.create_task(work, context=context))

    async def main() -> Any:
        async with pool:
            await pool.warm(1)
            await PoolMiddleware(app, pool=pool, remaining=0.3)({"type": "http"}, None, None)  # type: ignore[arg-type]
            return await tasks[0]

    pool = AsyncPool(postgres.url())
    if context is None:
        with pytest.raises(PoolTimeout):
            asyncio.run(main())
    else:
        assert asyncio.run(main()) == [{"slept": ""}]
