"""Many requests in one instance: one pool, no more connections than it may have, and a rest after the last."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from tests.support.stale_proxy import StaleProxy
from tests.support.vercel import Answer
from tests.support.waiting import eventually
from tests.vercel.conftest import EACH, Launch
from tests.vercel.sites import Site

from thawpool.testing.postgres import Postgres

pytestmark = pytest.mark.needs("vercel")


def all_at_once(count: int, request: Callable[[], Answer]) -> list[Answer]:
    """The answers to so many requests that are sent together."""
    with ThreadPoolExecutor(count) as clients:
        jobs: list[Future[Answer]] = [clients.submit(request) for _ in range(count)]
        return [job.result() for job in jobs]


def test_five_requests_run_at_a_time_on_five_connections(site: Site) -> None:
    site.function.get("/warm")
    since = time.monotonic()
    answers = all_at_once(5, lambda: site.function.get("/sleep?s=0.4"))
    took = time.monotonic() - since
    assert [answer.status for answer in answers] == [200] * 5
    assert took < 0.8, "one after the other they would take 2 s"
    site.has(5)
    assert site.function.get("/stats").json()["used"] == 0


def test_more_than_that_wait_for_one_of_them(site: Site) -> None:
    answers = all_at_once(20, lambda: site.function.get("/sleep?s=0.02"))
    assert [answer.status for answer in answers] == [200] * 20
    stats = site.function.get("/stats").json()
    assert stats["total"] <= 5
    site.has(stats["total"])
    assert (stats["used"], stats["opening"], stats["waiting"]) == (0, 0, 0)


def test_one_after_the_other_they_have_one_connection(site: Site) -> None:
    """Also where each has a thread of its own."""
    answers = [site.function.get("/pid").json() for _ in range(10)]
    assert len({answer["pid"] for answer in answers}) == 1
    asgi = answers[0]["thread"] == "MainThread"
    assert len({answer["thread"] for answer in answers}) == (1 if asgi else 10)


@EACH
def test_what_should_not_sleep_is_closed_when_the_last_request_is_over(kind: str, launch: Launch) -> None:
    """The end is told after that: an instance that is stopped then has nothing open."""
    site = launch(kind, keep=0)
    answers = all_at_once(3, lambda: site.function.get("/sleep?s=0.05"))
    assert [answer.status for answer in answers] == [200] * 3
    site.function.rest()
    site.function.freeze()
    site.has(0)
    site.function.thaw()
    assert site.function.get("/pid").status == 200


@EACH
def test_work_behind_the_response_is_waited_for_after_it(kind: str, launch: Launch) -> None:
    """A lease that outlives its request keeps the instance awake until it is back, and holds up no response."""
    site = launch(kind, keep=0)
    site.function.get("/pid")
    answer = site.function.get("/behind?s=0.5")
    assert answer.status == 200
    assert answer.seconds < 0.4
    assert not site.function.is_over(answer.request_id)
    site.has(1)
    site.function.ended(answer.request_id, within=2.0)
    site.function.freeze()
    site.has(0)


@EACH
def test_a_dial_under_way_is_waited_for_after_the_response(
    kind: str, launch: Launch, postgres: Postgres
) -> None:
    """Frozen in the middle of a handshake, a connection would cost the server a slot until it gives up on it."""
    with StaleProxy("127.0.0.1", postgres.port) as link:
        site = launch(kind, url=link.url, keep=0)
        site.function.get("/pid")
        site.function.rest()
        link.slow(0.3)
        answer = site.function.get("/hurry?s=0.1")
        assert answer.status in (500, 503)
        assert answer.seconds < 0.3
        site.function.ended(answer.request_id)
        site.function.freeze()
        link.resume()
        eventually(lambda: link.connections == 0, "the end of the connections", within=2.0)
        site.has(0)
