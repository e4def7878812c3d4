"""What handlers do wrong, and clients that go away: the request fails, the next one is served."""

from __future__ import annotations

import http.client
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.support.vercel import VercelFunction
from tests.support.waiting import eventually
from tests.vercel.conftest import EACH, Launch
from tests.vercel.sites import KINDS, ROOT, Site
from tests.vercel.test_overlap import all_at_once

pytestmark = pytest.mark.needs("vercel")


def status(function: VercelFunction, path: str) -> int:
    """The status of an answer; 500 where the runtime ends the connection without one, which Vercel makes a 500."""
    try:
        return function.get(path).status
    except http.client.RemoteDisconnected:
        return 500


def test_a_handler_that_raises_gives_its_connection_back(site: Site) -> None:
    for _ in range(7):
        assert status(site.function, "/fail") == 500
    site.function.rest()
    assert "LookupError: a mistake of the function's own" in site.function.output
    assert site.function.get("/stats").json()["used"] == 0
    assert site.function.get("/pid").status == 200


def test_a_handler_that_gives_up_gets_its_connection_replaced(site: Site) -> None:
    for _ in range(3):
        answer = site.function.get("/hurry?s=0.1")
        assert (answer.status, answer.json()) == (503, {"error": "Database busy"})
    assert site.function.get("/stats").json()["used"] == 0
    assert site.function.get("/pid").status == 200
    eventually(lambda: site.sessions.busy() == 0, "the end of the statements")


def test_a_session_that_dies_under_a_statement_is_answered(site: Site) -> None:
    """It cannot be repeated, for nobody knows how far it came: the client is told, and the log says why."""
    with ThreadPoolExecutor(1) as clients:
        client = clients.submit(site.function.get, "/sleep?s=20")
        eventually(lambda: site.sessions.busy() == 1, "the statement")
        site.sessions.end()
        answer = client.result()
    assert (answer.status, answer.json()) == (500, {"error": "Database connection failed"})
    assert "the connection was lost during the statement" in site.function.logs(answer.request_id)
    assert site.function.get("/pid").status == 200


@EACH
def test_a_connection_that_is_never_given_back_is_reported_with_its_line(kind: str, launch: Launch) -> None:
    function = launch(kind, debug=True, max_size=2).function
    answer = function.get("/leak", deadline=1.0)
    assert answer.status == 200
    function.ended(answer.request_id)
    said = function.logs(answer.request_id)
    assert "the invocation ended with 1 connection(s) still out on lease" in said
    source = ROOT / (KINDS[kind].entrypoint if kind.startswith("asgi") else "tests/vercel/functions/verbs.py")
    assert f"{source}:{_line_of(source, 'leaked.append')} in leak" in said
    assert function.get("/pid").status == 200


def _line_of(file: Path, text: str) -> int:
    lines = file.read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


# -- asyncio.run ---------------------------------------------------------------------------------


def test_a_loop_inside_of_a_loop_is_an_error_of_pythons_own(launch: Launch) -> None:
    function = launch("asgi-asyncpg").function
    pid = function.get("/pid").json()["pid"]
    answer = function.get("/nest")
    assert answer.status == 500
    assert "asyncio.run() cannot be called from a running event loop" in function.output
    assert function.get("/pid").json()["pid"] == pid, "the pool has not noticed"


def test_a_loop_for_every_request(launch: Launch) -> None:
    """Each finds the loop of the one before closed, with the connection that was left in it."""
    site = launch("asyncio.run")
    pids = [site.function.get("/").json()["pid"] for _ in range(5)]
    assert len(set(pids)) == 5
    eventually(lambda: site.sessions.count() <= 1, "the end of the sessions of closed loops")


def test_two_loops_at_a_time_are_one_too_many(launch: Launch) -> None:
    """The second is told so; the first goes on, and so does the pool."""
    site = launch("asyncio.run")
    with ThreadPoolExecutor(1) as clients:
        first = clients.submit(site.function.get, "/sleep")
        eventually(lambda: site.sessions.busy() == 1, "the statement")
        assert status(site.function, "/") == 500
        assert first.result().status == 200
    assert "make one AsyncPool for each loop" in site.function.output
    assert site.function.get("/").status == 200


# -- streams -------------------------------------------------------------------------------------


def test_a_client_that_goes_away_in_the_middle_gives_the_connection_back(site: Site) -> None:
    for _ in range(7):
        with site.function.stream("GET", "/pieces?s=20") as stream:
            assert b"pid" in stream.response.read1()
    site.function.rest()
    assert site.function.get("/stats").json()["used"] == 0
    answers = all_at_once(5, lambda: site.function.get("/sleep?s=0.05"))
    assert [answer.status for answer in answers] == [200] * 5


def test_a_response_that_streams_comes_piece_by_piece(site: Site) -> None:
    with site.function.stream("GET", "/pieces?s=0.3") as stream:
        first = stream.response.read1()
        assert not site.function.is_over(stream.request_id)
        rest = stream.response.read()
    pids = re.findall(rb"\d+", first + rest)
    assert len(pids) > 3
    assert len(set(pids)) == 1, "all rows from one connection"
    site.function.ended(stream.request_id)
