"""``invocation()`` and ``handler()``: every wait ends before the request does, and its end closes what should not sleep."""

from __future__ import annotations

import contextvars
import re
import time
from typing import Any, ClassVar

import pytest
from tests.api.flavours import ASYNC, Flavour

from thawpool import PoolError, PoolTimeout
from thawpool.platforms import Platform
from thawpool.testing.clock import FakeClock
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


@pytest.mark.parametrize("remaining", [None, float("inf")])
async def test_an_invocation_without_limit(
    flavour: Flavour, postgres: Postgres, remaining: float | None
) -> None:
    pool = flavour.pool(postgres.url())
    with pool.invocation(remaining):
        assert await pool.query("SELECT 1 AS n") == [{"n": 1}]


@pytest.mark.parametrize("remaining", [0, -3.5])
async def test_a_deadline_that_is_past(flavour: Flavour, postgres: Postgres, remaining: float) -> None:
    pool = flavour.pool(postgres.url())
    with pool.invocation(remaining), pytest.raises(PoolTimeout):
        await pool.query("SELECT 1")


@pytest.mark.parametrize("on", ["query", "transaction", "connection", "getconn"])
async def test_nothing_is_begun_after_the_end(flavour: Flavour, postgres: Postgres, on: str) -> None:
    """A trusted connection is there, and a statement on it could only be given up, and the connection with it."""
    clock = FakeClock()
    pool = flavour.pool(postgres.url(), clock=clock, trust_window=99, idle_timeout=999)
    await pool.warm(1)
    with pool.invocation(remaining=5):
        await pool.query("SELECT 1")
        clock.advance(10)
        with pytest.raises(PoolTimeout, match="the invocation's remaining time is up") as caught:
            if on == "query":
                await pool.query("SELECT 1", timeout=5)
            elif on == "transaction":
                async with pool.transaction():
                    pass
            elif on == "connection":
                async with pool.connection():
                    pass
            else:
                await pool.getconn()
    assert caught.value.phase == "budget"
    stats = pool.stats()
    assert (stats.idle, stats.opened, stats.retired, stats.timeouts) == (1, 1, {}, 1)


class Tells(Platform):
    """A platform that knows what the request has left."""

    __slots__ = ()
    left: ClassVar[float | None] = None

    def remaining(self) -> float | None:
        return self.left


async def test_the_platform_tells_what_is_left(
    flavour: Flavour, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = flavour.pool(
        postgres.url(), max_size=1, platform=Tells("test", freezes=False, longest_request=None)
    )
    async with pool.connection():
        monkeypatch.setattr(Tells, "left", 0.2)
        with pool.invocation(), pytest.raises(PoolTimeout, match="the invocation's remaining time"):
            await pool.query("SELECT 1")
        since = time.monotonic()
        with pool.invocation(remaining=0.3), pytest.raises(PoolTimeout):
            await pool.query("SELECT 1")
        assert time.monotonic() - since >= 0.2, "what the caller says outweighs it"
    monkeypatch.setattr(Tells, "left", None)
    with pool.invocation():
        assert await pool.query("SELECT 1 AS n") == [{"n": 1}]


async def test_it_is_entered_once_at_a_time(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url())
    invocation = pool.invocation(5)
    with invocation, pytest.raises(PoolError, match=r"call pool.invocation\(\) for each request"):
        invocation.__enter__()
    with invocation:
        assert await pool.query("SELECT 1 AS n") == [{"n": 1}]
    assert not pool._invocations


async def test_async_with_is_the_same(flavour: Flavour, postgres: Postgres) -> None:
    pool = flavour.pool(postgres.url(), max_size=2, keep=1)
    await pool.warm(2)
    async with pool.invocation(0.4):
        with pytest.raises(PoolTimeout, match="invocation"):
            await pool.query("SELECT pg_sleep(20)")
    assert pool.stats().idle == 1


async def test_an_end_in_another_context_is_an_end(flavour: Flavour, postgres: Postgres) -> None:
    """As when a server iterates a response in one thread and closes it in another."""
    pool = flavour.pool(postgres.url(), keep=0)
    invocation = pool.invocation(5)
    contextvars.copy_context().run(invocation.__enter__)
    await pool.warm(1)
    invocation.__exit__()
    assert (pool.stats().total, pool._invocations) == (0, set())


@ASYNC
async def test_what_is_left_behind_keeps_its_deadline(flavour: Flavour, postgres: Postgres) -> None:
    """No invocation runs any more, and a statement begun now could only be given up, and its connection with it."""
    clock = FakeClock()
    pool = flavour.pool(postgres.url(), clock=clock, trust_window=99, idle_timeout=999)
    go = flavour.event()

    async def work() -> None:
        await go.wait()
        for ask in (lambda: pool.query("SELECT 1"), lambda: pool.getconn()):
            with pytest.raises(PoolTimeout, match="the invocation's remaining time is up"):
                await ask()

    async with pool.invocation(remaining=5):
        await pool.query("SELECT 1")
        job = flavour.spawn(work())
    clock.advance(10)
    go.set()
    await job
    assert (pool.stats().idle, pool.stats().opened, pool.stats().retired) == (1, 1, {})


async def test_another_pool_has_the_deadline_too(flavour: Flavour, postgres: Postgres) -> None:
    one, other = flavour.pool(postgres.url()), flavour.pool(postgres.url())
    await other.warm(1)
    with one.invocation(remaining=5):
        async with other.connection() as conn:
            assert conn.until < float("inf")


async def test_the_observer_is_told_to_flush_at_the_last_end(flavour: Flavour, postgres: Postgres) -> None:
    class Observer:
        def __init__(self) -> None:
            self.heard: list[str] = []

        def __getattr__(self, name: str) -> Any:
            return lambda *about: self.heard.append(name)

    observer = Observer()
    pool = flavour.pool(postgres.url(), observer=observer, keep=0)
    with pool.invocation():
        with pool.invocation():
            await pool.query("SELECT 1")
        assert "flush" not in observer.heard
    assert observer.heard[-2:] == ["retired", "flush"]


async def test_an_observer_that_cannot_flush(
    flavour: Flavour, postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    class Observer:
        def flush(self, pool: str) -> None:
            raise ZeroDivisionError

    pool = flavour.pool(postgres.url(), observer=Observer())
    with pool.invocation():
        pass
    assert "the observer failed at 'flush'" in caplog.text
    pool = flavour.pool(postgres.url(), observer=object())  # an older one, without the method
    with pool.invocation():
        pass


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


async def test_what_is_too_old_does_not_sleep(flavour: Flavour, postgres: Postgres) -> None:
    clock = FakeClock()
    pool = flavour.pool(postgres.url(), clock=clock)
    await pool.warm(2)
    clock.advance(6)
    with pool.invocation():
        await pool.query("SELECT 1")  # by the younger of the two; the other lies idle ever longer
        clock.advance(6)
        await pool.query("SELECT 1")
    assert (pool.stats().idle + pool.stats().suspect, pool.stats().retired) == (1, {"idle": 1})


@pytest.mark.parametrize("debug", [False, True])
async def test_a_lease_that_outlives_its_invocation_is_reported(
    flavour: Flavour, postgres: Postgres, caplog: pytest.LogCaptureFixture, debug: bool
) -> None:
    pool = flavour.pool(postgres.url(), debug=debug)
    with pool.invocation():
        conn = await pool.getconn()
    assert "the invocation ended with 1 connection(s) still out on lease" in caplog.text
    assert re.search(r"taken at \S+\.py:\d+ in \w+$", caplog.messages[-1])
    await pool.putconn(conn)


async def test_a_lease_of_another_invocation_is_not_reported(
    flavour: Flavour, postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    pool = flavour.pool(postgres.url())
    with pool.invocation():
        with pool.invocation():
            conn = await pool.getconn()
        assert not caplog.messages
        await pool.putconn(conn)
    assert not caplog.messages


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
