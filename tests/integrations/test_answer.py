"""The table: what each error is over HTTP, and what of it is logged."""

from __future__ import annotations

import logging

import pytest

from thawpool.errors import (
    ConfigError,
    ConnectFailed,
    ConnectionLost,
    LeaseError,
    Overloaded,
    ParamsError,
    PoolClosed,
    PoolError,
    PoolSaturated,
    PoolTimeout,
    Unavailable,
)
from thawpool.integrations.http import Answer, answer, log

FAILED = Answer(500, {"error": "Database connection failed"}, {})
BUSY = Answer(503, {"error": "Database busy"}, {"Retry-After": "1"})
LATE = PoolTimeout("late", phase="waiting")
AWAY = PoolTimeout("late", phase="connecting", connect_failed=True)
FULL = Overloaded("full", retry_after=2.1)

ANSWERS = [
    (ConnectFailed("away"), FAILED),
    (ConnectFailed("a wrong password", transient=False), FAILED),
    (ConnectionLost("lost"), FAILED),
    (AWAY, FAILED),
    (LATE, BUSY),
    (PoolTimeout("slow", phase="budget"), BUSY),
    (PoolSaturated("too many wait"), BUSY),
    (Overloaded("full"), BUSY),
    (Overloaded("full", retry_after=0.0), BUSY),
    (FULL, Answer(503, {"error": "Database busy"}, {"Retry-After": "3"})),
    (PoolClosed("closed"), None),
    (LeaseError("returned twice"), None),
    (ConfigError("no database URL"), None),
    (ParamsError("a bare string"), None),
    (PoolError("another loop"), None),
    (Unavailable("of somebody else's making"), None),
    (TimeoutError("not the pool's"), None),
    (KeyboardInterrupt(), None),
]


@pytest.mark.parametrize("error, expected", ANSWERS, ids=lambda value: type(value).__name__)
def test_each_error(error: BaseException, expected: Answer | None) -> None:
    assert answer(error) == expected


@pytest.mark.parametrize(
    "errors, expected",
    [
        ([LATE], BUSY),
        ([LATE, ConnectFailed("away")], FAILED),
        ([FULL, LATE], answer(FULL)),
        ([LATE, ExceptionGroup("inner", [AWAY, LATE])], FAILED),
        ([LATE, KeyError("mine")], None),
        ([ConnectFailed("away"), ExceptionGroup("inner", [KeyError("mine")])], None),
    ],
)
def test_a_group(errors: list[Exception], expected: Answer | None) -> None:
    assert answer(ExceptionGroup("of a task group", errors)) == expected


def test_a_group_with_a_cancellation_in_it_is_nobodys_answer() -> None:
    assert answer(BaseExceptionGroup("", [LATE, KeyboardInterrupt()])) is None


def test_an_answer_is_nobody_elses() -> None:
    """Whoever adds a header to one adds it to that one alone."""
    first = answer(LATE)
    assert first is not None
    first.headers["X-Mine"] = "yes"
    assert answer(LATE) == BUSY


@pytest.mark.parametrize("error, level", [(ConnectFailed("away"), "ERROR"), (LATE, "WARNING")])
def test_the_cause_is_logged(error: Exception, level: str, caplog: pytest.LogCaptureFixture) -> None:
    said = answer(error)
    assert said is not None
    try:
        raise error from OSError("Connection refused")
    except Exception as caught:
        log(said, caught)
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("thawpool", level)
    assert record.getMessage() == f"a request was answered with {said.status}, {said.body['error']}"
    assert "OSError: Connection refused" in caplog.text


def test_nothing_is_written_below_the_level_that_is_wanted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    log(BUSY, LATE)
    assert caplog.records == []
