"""``invocation()`` and ``handler()``: every wait ends before the request does, and its end closes what should not sleep."""

from __future__ import annotations

import time

import pytest
from tests.api.flavours import Flavour

from thawpool import PoolTimeout
from thawpool.testing.postgres import Postgres


async def test_a_wait_ends_before_the_invocation(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=1)
    async with pool.connection():
        since = time.monotonic()
        with pool.invocation(remaining=0.2), pytest.raises(PoolTimeout) as caught:
            await pool.query("SELECT 1")
        took = time.monotonic() - since
    assert took < 0.2, "the margin is 0.1 s"
    assert caught.value.phase == "waiting"
    assert "within the invocation's remaining time" in str(caught.value)


@pytest.mark.parametrize("on", ["query", "transaction", "connection"])
async def test_a_statement_ends_before_the_invocation(flavour: Flavour, postgres: Postgres, on: str) -> None:
    pool = flavour.pool(postgres.url(), max_size=1)
    await pool.warm(1)
    with pool.invocation(remaining=lambda: 0.3), pytest.raises(PoolTimeout) as caught:
        if on == "query":
            await pool.query("SELECT pg_sleep(20)")
        elif on == "transaction":
            async with pool.transaction() as tx:
                await tx.query("SELECT pg_sleep(20)")
        else:
            async with pool.connection() as conn:
                await flavour.run_on(conn, "SELECT pg_sleep(20)")
    assert caught.value.phase == "budget"
    assert "invocation" in str(caught.value)
    assert await pool.query("SELECT 1 AS n") == [{"n": 1}], "the deadline ended with its invocation"
    assert pool.stats().used == 0


async def test_a_timeout_of_ones_own_bounds_the_statement(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=1)
    await pool.warm(1)
    since = time.monotonic()
    with pytest.raises(PoolTimeout) as caught:
        await pool.query("SELECT pg_sleep(20)", timeout=0.2)
    assert time.monotonic() - since < 1
    assert caught.value.phase == "budget"
    async with pool.transaction() as tx:
        assert await tx.query("SELECT 1 AS n", timeout=5) == [{"n": 1}]


async def test_the_shorter_of_nested_invocations_holds(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=1)
    async with pool.connection():
        for outer, inner in ((0.2, 60.0), (60.0, 0.2), (0.2, None)):
            since = time.monotonic()
            with (
                pool.invocation(remaining=outer),
                pool.invocation(remaining=inner),
                pytest.raises(PoolTimeout),
            ):
                await pool.query("SELECT 1", timeout=20)
            assert time.monotonic() - since < 1


async def test_an_invocation_without_limit(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url())
    with pool.invocation():
        assert await pool.query("SELECT 1 AS n") == [{"n": 1}]


async def test_no_time_left_is_a_timeout_and_not_a_dial(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url())
    with pool.invocation(remaining=0.05), pytest.raises(PoolTimeout):
        await pool.query("SELECT 1")
    assert pool.stats().total == 0


async def test_the_last_end_keeps_what_may_sleep(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=4, keep=1)
    with pool.invocation():
        with pool.invocation():
            await pool.warm(3)
        assert pool.stats().idle == 3, "another one runs"
    assert (pool.stats().idle, pool.stats().retired) == (1, {"surplus": 2})


async def test_overlapping_invocations_are_counted(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=4, keep=0)
    began, end = flavour.event(), flavour.event()

    async def other() -> None:
        with pool.invocation():
            began.set()
            await end.wait()

    job = flavour.spawn(other())
    await began.wait()
    with pool.invocation():
        await pool.warm(2)
    assert pool.stats().idle == 2
    end.set()
    await job
    assert pool.stats().idle == 0


async def test_without_keep_everything_may_sleep(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=3, min_size=2)
    with pool.invocation():
        await pool.warm(3)
    assert pool.stats().idle == 3


async def test_keep_is_at_least_min_size(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=3, min_size=2, keep=0)
    with pool.invocation():
        await pool.warm(3)
    assert pool.stats().idle == 2


async def test_a_lease_that_outlives_its_invocation_is_reported(
    flavour: Flavour, postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    pool = flavour.pool(postgres.url(), debug=True)
    with pool.invocation():
        conn = await pool.getconn()
    assert "the invocation ended with 1 connection(s) still out on lease" in caplog.text
    assert ".py:" in caplog.text
    await pool.putconn(conn)


class Context:
    """What AWS Lambda passes as second argument."""

    def __init__(self, milliseconds: int) -> None:
        self.milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


async def test_a_handler_is_an_invocation(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=1, keep=0)

    @pool.handler
    async def handler(event: dict[str, int], context: Context) -> dict[str, int] | None:
        return await pool.query_one("SELECT %s::int AS n", (event["n"],))

    assert await handler({"n": 5}, Context(30_000)) == {"n": 5}
    assert pool.stats().total == 0, "keep=0: nothing sleeps"
    async with pool.connection():
        since = time.monotonic()
        with pytest.raises(PoolTimeout, match="the invocation's remaining time"):
            await handler({"n": 5}, Context(200))
        assert time.monotonic() - since < 0.5


async def test_a_handler_keeps_its_name_and_needs_no_context(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url())

    @pool.handler
    async def handler() -> list[dict[str, object]]:
        """What it does."""
        return await pool.query("SELECT 1 AS n")

    assert await handler() == [{"n": 1}]
    if flavour.is_async:
        assert (handler.__name__, handler.__doc__) == ("handler", "What it does.")


async def test_an_exception_ends_an_invocation_too(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), keep=0)

    async def fails() -> None:
        with pool.invocation(remaining=30):
            await pool.warm(1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails()
    assert pool.stats().total == 0
