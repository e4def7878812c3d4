"""The page's buttons, each pressed for real."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.demo.running import Demo

import thawpool


def storm(demo: Demo, kind: str) -> dict[str, Any]:
    """Send a storm; returns its result as the page gets it."""
    demo.text(f"storm/{kind}")
    with demo.events() as events:
        name, start = next(events)
    assert name == "start"
    results: dict[str, dict[str, Any]] = {result["kind"]: result for result in start["storms"]}
    return results[kind]


def test_a_frozen_function_loses_all_connections_and_answers_the_first_request_after_it(demo: Demo) -> None:
    with demo.during("freeze"):
        frozen = demo.sample(lambda s: s["function"] == "frozen" and s["pool"] is None and s["server"] == 0)
        busy = demo.act("kill")
        waiting = demo.get("/api/users")  # sent to a stopped process: answered when it goes on
    assert frozen["mistakes"] == 0
    assert (busy.status, busy.body) == (409, {"error": "'freeze' is still running"})
    assert waiting.status == 200
    demo.sample(lambda sample: sample["function"] == "running")
    with demo.events() as events:
        _, start = next(events)
    said = [note["text"] for note in start["notes"]]
    assert "drops all 5" in said[-2]
    assert "with 5 dead connections in the pool" in said[-1]
    assert "answered 200" in said[-1]


def test_killed_connections_cost_the_next_request_no_error(demo: Demo) -> None:
    text = demo.text("kill")
    assert "killed 5 connections" in text
    assert "answered 200" in text
    assert "1 new connection," in text


def test_the_error_after_a_forgotten_return_names_the_line(demo: Demo) -> None:
    path = Path(thawpool.__file__).parent / "demo" / "mistakes.py"
    lines = path.read_text().splitlines()
    taken = next(number for number, line in enumerate(lines, 1) if "pool.getconn()" in line)
    text = demo.text("forget")
    assert "503" in text
    assert f"mistakes.py:{taken}" in text
    assert demo.get("/api/users").status == 200, "the demo gives them back in the end"


def test_a_storm_is_served_by_five_connections(demo: Demo) -> None:
    result = storm(demo, "pool")
    assert (result["ok"], result["failed"]) == (1000, 0)
    assert result["peak"] <= 5
    assert result["opened"] <= 5
    assert result["latency"]["n"] == 1000
    assert 0 < result["latency"]["p50"] <= result["latency"]["p99"] <= result["latency"]["max"]


def test_the_same_storm_with_a_connection_per_request_takes_every_slot(demo: Demo) -> None:
    result = storm(demo, "connection-per-request")
    assert result["ok"] + result["failed"] == 1000
    assert result["peak"] > 50
    assert result["opened"] >= result["ok"] > 5
    assert any(re.search("(?i)too many (clients|connections)", reason) for reason, _ in result["reasons"])


def test_the_same_storm_with_a_pool_per_request_pools_nothing(demo: Demo) -> None:
    result = storm(demo, "pool-per-request")
    assert result["ok"] + result["failed"] == 1000
    assert result["peak"] > 50
    assert result["opened"] > 100


def test_the_same_storm_with_the_pool_closed_after_each_query_breaks_others_requests(demo: Demo) -> None:
    result = storm(demo, "close-after-query")
    assert result["ok"] + result["failed"] == 1000
    assert result["failed"] > 0
    assert any("closed" in reason for reason, _ in result["reasons"])


def test_pool_and_server_agree_when_all_is_quiet(demo: Demo) -> None:
    demo.text("storm/pool")
    demo.sample(lambda s: s["pool"] and s["pool"]["total"] == s["server"] == 5 and s["mistakes"] == 0)


def test_an_unknown_act_names_those_there_are(demo: Demo) -> None:
    answer = demo.act("explode")
    assert answer.status == 404
    assert re.search(r"'explode'.*freeze, kill", answer.body["error"])
