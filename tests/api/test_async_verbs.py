"""Verbs of ``AsyncPool`` that never wait have acted when they return; to await them is allowed."""

from __future__ import annotations

import asyncio

from thawpool import AsyncPool
from thawpool.testing.postgres import Postgres


def test_expire_thaw_and_resize_act_with_and_without_await(postgres: Postgres) -> None:
    async def main() -> None:
        pool = AsyncPool(postgres.url())
        await pool.query("SELECT 1 AS one")
        assert pool.expire() == 1
        assert pool.stats().total == 0
        await pool.query("SELECT 1 AS one")
        assert await pool.expire() == 1
        await pool.query("SELECT 1 AS one")
        _ = pool.thaw()
        assert pool.stats().suspect == 1
        await pool.thaw()
        _ = pool.resize(2)
        assert pool.stats().max_size == 2
        await pool.resize(3)
        assert pool.stats().max_size == 3
        await pool.close()

    asyncio.run(main())
