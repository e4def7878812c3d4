"""The function's two routes, seen through the supervisor, in good times and in bad."""

from __future__ import annotations

import os
import signal
from datetime import datetime

from tests.demo.running import Demo, until

DATABASE_FAILED = {"error": "Database connection failed"}


def test_fifty_users(demo: Demo) -> None:
    answer = demo.get("/api/users")
    assert answer.status == 200
    users = answer.body["users"]
    assert len(users) == 50
    assert list(users[0]) == ["id", "name", "email"]
    assert len({user["email"] for user in users}) == 50


def test_the_database_says_what_time_it_is(demo: Demo) -> None:
    answer = demo.get("/api/time")
    assert answer.status == 200
    assert datetime.fromisoformat(answer.body["time"]).tzinfo is not None


def test_without_the_database_every_route_is_500_within_two_seconds_and_recovers_by_itself(
    demo: Demo,
) -> None:
    assert demo.get("/api/users").status == 200
    stopped = demo.text("database/stop")
    try:
        for path in ("/api/users", "/api/time", "/api/users"):
            answer = demo.get(path)
            assert (answer.status, answer.body) == (500, DATABASE_FAILED)
            assert answer.seconds < 2
        demo.sample(lambda sample: sample["server"] is None and sample["function"] == "running")
    finally:
        started = demo.text("database/start")
    assert "500" in stopped
    assert DATABASE_FAILED["error"] in stopped
    assert "200" in started
    assert demo.get("/api/users").status == 200
    assert demo.get("/api/time").status == 200


def test_what_the_function_does_not_have_is_its_own_404(demo: Demo) -> None:
    assert demo.get("/api/nothing").status == 404


def test_the_supervisor_passes_nothing_on_but_the_api(demo: Demo) -> None:
    assert demo.get("/demo/stats").status == 404


def test_a_function_that_dies_is_started_again() -> None:
    with Demo() as own:
        assert own.get("/api/users").status == 200
        os.kill(own.function, signal.SIGKILL)
        until(lambda: own.get("/api/users").status == 200, "the function answers again")
        assert "200" in own.text("kill")
