"""The deadline that the runtime tells bounds the wait, the dial and the statement; and nobody else can set one."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time

import pytest
from tests.support.full_backlog import FullBacklog
from tests.support.vercel import Answer, VercelFunction
from tests.support.waiting import eventually
from tests.vercel.conftest import EACH, Launch
from tests.vercel.sites import ROOT, Site

from thawpool.testing._home import free_port
from thawpool.testing.postgres import Postgres

pytestmark = pytest.mark.needs("vercel")

BUSY = {"error": "Database busy"}


def in_time(function: VercelFunction, path: str, deadline: float) -> Answer:
    """The answer to a request whose time is too short: before its deadline, for a busy machine at the third try."""
    tries = (function.get(path, deadline=deadline) for _ in range(3))
    answer = next((answer for answer in tries if answer.seconds < deadline), None)
    assert answer is not None, f"three times later than after {deadline} s"
    return answer


def test_a_statement_ends_before_the_deadline(site: Site) -> None:
    answer = in_time(site.function, "/sleep?s=20", 1.0)
    assert (answer.status, answer.json()) == (503, BUSY)
    assert answer.headers["Retry-After"]
    assert "did not end before its deadline" in site.function.logs(answer.request_id)
    eventually(lambda: site.sessions.busy() == 0, "the end of the statement at the server", within=1.0)
    assert site.function.get("/pid").status == 200


def test_a_wait_for_a_connection_ends_before_the_deadline(launch: Launch) -> None:
    for kind in ("asgi-asyncpg", "handler"):
        function = launch(kind, max_size=1).function
        with function.stream("GET", "/pieces?s=20") as holder:
            assert holder.response.read1()
            answer = in_time(function, "/pid", 0.6)
            assert (answer.status, answer.json()) == (503, BUSY)
            assert "within the invocation's remaining time" in function.logs(answer.request_id)


@EACH
def test_a_dial_ends_before_the_deadline(kind: str, launch: Launch, packets_dropped: FullBacklog) -> None:
    def elsewhere(url: str) -> str:
        scheme = url.partition(":")[0]
        return f"{scheme}://postgres@127.0.0.1:{packets_dropped.port}/postgres"

    function = launch(kind, url=elsewhere).function
    answer = in_time(function, "/pid", 1.0)
    assert (answer.status, answer.json()) == (500, {"error": "Database connection failed"})


@EACH
def test_a_deadline_that_has_passed_costs_nothing(kind: str, launch: Launch) -> None:
    function = launch(kind).function
    for late in (0.0, -5.0, -86400.0):
        answer = function.get("/pid", deadline=late)
        assert (answer.status, answer.json()) == (503, BUSY)
    assert function.get("/stats").json()["opened"] == 0
    pid = function.get("/pid").json()["pid"]
    assert function.get("/pid", deadline=0.0).status == 503
    assert function.get("/pid").json()["pid"] == pid, "nor does it cost the connection that there is"


@pytest.mark.parametrize(
    "header", [None, "", "soon", "5", "2020-01-01", "2020-13-41T99:00:00Z", "2020-01-01T00:00:00", "\xff"]
)
def test_a_deadline_that_is_none_is_no_deadline(site: Site, header: str | None) -> None:
    assert site.function.get("/sleep?s=0.01", deadline=header).status == 200


def test_each_of_overlapping_requests_has_its_own(site: Site) -> None:
    with site.function.stream("GET", "/pieces?s=20", deadline=20) as patient:
        assert patient.response.read1()
        assert site.function.get("/sleep?s=20", deadline=0.5).status == 503
        assert patient.response.read1()
        assert site.function.get("/pid", deadline=5).status == 200


@pytest.mark.parametrize("vercel", ["", "1"])
def test_the_header_of_a_client_is_not_believed_where_another_server_runs_the_app(
    postgres: Postgres, vercel: str
) -> None:
    """Neither elsewhere nor on a machine that only says that it is Vercel."""
    port = free_port()
    environ = {
        **os.environ,
        "VERCEL": vercel,
        "DATABASE_URL": postgres.url(),
    }
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "tests.vercel.functions.asgi:app",
        "--port",
        str(port),
        "--log-level",
        "error",
    ]
    with subprocess.Popen(command, cwd=ROOT, env=environ) as server:
        try:

            def status() -> int:
                client = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
                try:
                    client.request(
                        "GET", "/sleep?s=0.1", headers={"x-vercel-internal-deadline": "2020-01-01T00:00:00Z"}
                    )
                    return client.getresponse().status
                except ConnectionRefusedError:
                    return 0
                finally:
                    client.close()

            assert eventually(status, "the server") == 200
        finally:
            server.terminate()


def test_a_wall_clock_that_is_set_during_a_request_moves_no_deadline(launch: Launch) -> None:
    """The deadline is taken down once, on the monotonic clock."""
    site = launch("asgi-asyncpg", movable_clock=True)
    assert site.function.get("/pid").status == 200
    with site.function.stream("GET", "/pieces?s=0.5", deadline=2.0) as stream:
        assert stream.response.read1()
        site.function.jump_wall(-600.0)
        since = time.monotonic()
        assert stream.response.read()
        assert time.monotonic() - since < 2.0
