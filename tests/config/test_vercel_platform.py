"""Vercel's signals, asked of modules that its runtime has loaded. ``tests/vercel`` asks the real ones."""

from __future__ import annotations

import sys
import time
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from thawpool.platforms import detect

VERCEL = detect({"VERCEL": "1"})


def loaded(patch: pytest.MonkeyPatch, name: str, **names: Any) -> None:
    module = ModuleType(name)
    vars(module).update(names)
    patch.setitem(sys.modules, name, module)


@pytest.fixture(autouse=True)
def nothing_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("vercel_runtime", "vercel.cache.context"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def test_without_its_runtime_nobody_tells() -> None:
    assert VERCEL.remaining() is None
    assert not VERCEL.after_response(never)
    assert not {"vercel_runtime", "vercel", "vercel.cache.context"} & sys.modules.keys()


def test_the_runtime_tells_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    end = datetime.now(UTC) + timedelta(seconds=60)
    loaded(monkeypatch, "vercel_runtime", get_deadline=lambda: end)
    left = VERCEL.remaining()
    assert left is not None
    assert left == pytest.approx(end.timestamp() - time.time(), abs=5)


@pytest.mark.parametrize("names", [{}, {"get_deadline": lambda: None}], ids=["an older one", "no deadline"])
def test_a_runtime_that_does_not_tell(monkeypatch: pytest.MonkeyPatch, names: dict[str, Any]) -> None:
    loaded(monkeypatch, "vercel_runtime", **names)
    assert VERCEL.remaining() is None


async def work() -> None: ...


def never() -> Coroutine[Any, Any, None]:
    raise AssertionError("nobody would await it")


def test_wait_until_gets_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []
    context = SimpleNamespace(wait_until=given.append)
    loaded(monkeypatch, "vercel.cache.context", get_context=lambda: context)
    assert VERCEL.after_response(work)
    (coroutine,) = given
    coroutine.close()


@pytest.mark.parametrize(
    "context",
    [SimpleNamespace(wait_until=None), SimpleNamespace()],
    ids=["outside of a request", "an older one"],
)
def test_where_there_is_no_wait_until(monkeypatch: pytest.MonkeyPatch, context: SimpleNamespace) -> None:
    loaded(monkeypatch, "vercel.cache.context", get_context=lambda: context)
    assert not VERCEL.after_response(never)


def test_a_request_that_has_ended_takes_no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def wait_until(awaitable: object) -> None:
        raise RuntimeError("wait_until cannot be called after the invocation ended")

    context = SimpleNamespace(wait_until=wait_until)
    loaded(monkeypatch, "vercel.cache.context", get_context=lambda: context)
    assert not VERCEL.after_response(work)  # and no coroutine is left that nobody awaited
