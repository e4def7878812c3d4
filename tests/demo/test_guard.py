"""What keeps the demo to the machine it runs on and to its own page."""

from __future__ import annotations

import socket

import pytest
from tests.demo.running import Demo


def test_it_listens_on_the_loopback_address_alone(demo: Demo) -> None:
    with pytest.raises(OSError, match=r"refused|unreachable|assign"):
        socket.create_connection(("127.0.0.2", demo.port), timeout=5)


def test_another_origin_cannot_press_a_button(demo: Demo) -> None:
    assert demo.request("POST", "/act/kill").status == 403


def test_a_foreign_name_for_the_loopback_is_refused(demo: Demo) -> None:
    assert demo.request("GET", "/api/users", {"Host": "evil.example"}).status == 400


def test_the_page_loads_nothing_from_elsewhere(demo: Demo) -> None:
    page = demo.get("/").body
    assert "default-src 'self'" in page
    for name in ("style.css", "app.js", "plot.js", "dom.js", "requests.js", "storms.js"):
        answer = demo.get(f"/{name}")
        assert answer.status == 200
        assert "://" not in answer.body
    assert "://" not in page
