"""What a type checker makes of the public surface; mypy reads this file, nothing runs it.

A ``type: ignore`` here stands where an error is wanted: without the error, mypy reports the comment.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, assert_type

from thawpool import AsyncPool, Observer, Pool, PoolStats, PoolTimeout, json_default

Row = dict[str, Any]


def sync_verbs(pool: Pool) -> None:
    assert_type(pool.query("SELECT 1"), list[Row])
    assert_type(pool.query("SELECT %s", (1,), timeout=2, idempotent=True), list[Row])
    assert_type(pool.query_one("SELECT %(a)s", {"a": 1}), Row | None)
    assert_type(pool.execute("DELETE FROM a"), int)
    assert_type(pool.stats(), PoolStats)
    assert_type(pool.warm(3), int)
    assert_type(pool.expire(), int)
    assert_type(pool.stats().retired["idle"], int)
    with pool as same, pool.invocation(remaining=lambda: 3.0):
        assert_type(same, Pool)
    with pool.transaction(isolation="serializable", readonly=True, deferrable=True) as tx:
        assert_type(tx.query("SELECT 1"), list[Row])
        assert_type(tx.query_one("SELECT 1"), Row | None)
        assert_type(tx.execute("SELECT 1"), int)
    pool.query(b"SELECT 1")  # type: ignore[arg-type]
    pool.query("SELECT 1", 5)  # type: ignore[arg-type]
    pool.query("SELECT 1", None, 5)  # type: ignore[call-arg]
    pool.connection(5)  # type: ignore[call-arg]


async def async_verbs(pool: AsyncPool) -> None:
    assert_type(await pool.query("SELECT 1"), list[Row])
    assert_type(await pool.query_one("SELECT 1"), Row | None)
    assert_type(await pool.execute("SELECT 1"), int)
    assert_type(pool.stats(), PoolStats)
    async with pool as same, pool.transaction() as tx:
        assert_type(same, AsyncPool)
        assert_type(await tx.query("SELECT 1"), list[Row])
    with pool.connection():  # type: ignore[attr-defined]
        pass


def options() -> None:
    Pool("postgresql://host/db", max_size=3, password=lambda: "x", reset="always", idle_timeout=5)
    AsyncPool(driver="asyncpg", host="db", max_lifetime=None, statement_timeout="auto", debug=True)
    Pool(max_sise=3)  # type: ignore[call-arg]
    Pool(max_size="3")  # type: ignore[arg-type]
    Pool(reset="sometimes")  # type: ignore[arg-type]
    Pool(max_size=3, observer=Deaf())  # type: ignore[arg-type]


class Deaf:
    """No observer."""


class Listener:
    def opened(self, pool: str) -> None: ...

    def open_failed(self, pool: str, error: str) -> None: ...

    def retired(self, pool: str, reason: str) -> None: ...

    def thawed(self, pool: str, why: str) -> None: ...

    def waited(self, pool: str, seconds: float) -> None: ...

    def flush(self, pool: str) -> None: ...


def protocols() -> None:
    listener: Observer = Listener()
    Pool(observer=listener)
    default: Callable[[Any], Any] = json_default
    assert_type(PoolTimeout("late", phase="waiting").phase, str)
    default(listener)


def handlers(pool: Pool, async_pool: AsyncPool) -> None:
    @pool.handler
    def sync_handler(event: dict[str, str], context: object) -> int:
        return len(event)

    @async_pool.handler
    async def async_handler(event: dict[str, str], context: object) -> int:
        return len(event)

    assert_type(sync_handler({}, None), int)
    sync_handler()  # type: ignore[call-arg]
