"""SIGTERM, which Vercel follows by SIGKILL after 500 ms: what was open is closed by then."""

from __future__ import annotations

import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.support.waiting import eventually
from tests.vercel.conftest import EACH, Launch

pytestmark = pytest.mark.needs("vercel")

#: The time that Vercel gives, in seconds.
GRACE = 0.5
#: Within this the server looks whether the client of a running statement is still there.
LOOK = 2.0


@EACH
def test_an_idle_instance_leaves_no_session(kind: str, launch: Launch) -> None:
    site = launch(kind)
    site.function.get("/warm")
    site.function.rest()
    site.has(5)
    since = time.monotonic()
    assert site.function.end() == -signal.SIGTERM
    site.has(0)
    assert time.monotonic() - since < GRACE


@EACH
def test_nor_does_one_in_the_middle_of_a_statement(kind: str, launch: Launch) -> None:
    site = launch(kind)
    with ThreadPoolExecutor(1) as clients:
        client = clients.submit(site.function.get, "/sleep?s=20")
        eventually(lambda: site.sessions.busy() == 1, "the statement")
        since = time.monotonic()
        site.function.end()
        assert time.monotonic() - since < GRACE + 0.25
        site.has(0)
        assert time.monotonic() - since < GRACE + LOOK + 0.25
        assert isinstance(client.exception(), ConnectionError)


def test_an_event_loop_finishes_what_takes_no_longer(launch: Launch) -> None:
    site = launch("asgi-asyncpg")
    site.function.get("/pid")
    with ThreadPoolExecutor(1) as clients:
        client = clients.submit(site.function.get, "/sleep?s=0.3")
        eventually(lambda: site.sessions.busy() == 1, "the statement")
        assert site.function.end() == -signal.SIGTERM
        assert client.result().status == 200
