"""What the page of the Next.js app does by itself, with its hours cut to seconds; and its load test."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from tests.examples.conftest import Installed
from tests.examples.databases import database, people
from tests.examples.site import Site, site
from tests.support.browser import Browser, find_chromium
from tests.support.next_app import Edge

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.needs("node"),
    pytest.mark.needs("vercel"),
    pytest.mark.timeout(300),  # the first one installs and builds the app
]

#: Before the page's own scripts: every pause a twentieth, all requests noted, and a tab that can be looked away from.
PREPARED = """{
    const { setTimeout, fetch } = window;
    window.setTimeout = (call, pause = 0, ...rest) => setTimeout(call, pause / 20, ...rest);
    window.asked = [];
    window.fetch = (path, ...rest) => {
        asked.push([path.split('?')[0], performance.now()]);
        return fetch(path, ...rest);
    };
    window.seen = 'visible';
    Object.defineProperty(document, 'visibilityState', { get: () => seen });
    window.look = state => {
        seen = state;
        document.dispatchEvent(new Event('visibilitychange'));
    };
}"""


@pytest.fixture(scope="module")
def app(next_app: Path, edge: Edge, installed: Installed) -> Iterator[Site]:
    with database("postgresql") as made, site(next_app, edge, made, installed.packages) as running:
        yield running


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    program = find_chromium()
    assert program is not None
    with Browser(program) as running:
        running.call("Page.addScriptToEvaluateOnNewDocument", source=PREPARED)
        yield running
        assert running.errors == []


@pytest.fixture
def browser(window: Browser, app: Site) -> Browser:
    """The browser, with the page open before 120 users."""
    app.database.fill(people(120))
    window.open(app.url, 1280)
    window.wait("document.querySelectorAll('#users li').length === 50")
    return window


def asked(browser: Browser) -> list[str]:
    """The routes that the page has asked since it was last told to forget."""
    return [path for path, _ in browser.run("asked")]


def test_while_all_is_well_the_page_looks_now_and_then_whether_it_still_is(browser: Browser) -> None:
    browser.wait("asked.length >= 4")
    assert asked(browser)[:4] == ["/api/users", *["/api/time"] * 3]
    moments = [moment for _, moment in browser.run("asked")]
    assert all(after - before >= 450 for before, after in pairwise(moments[1:])), (
        "10 s, less what a clock errs"
    )


def test_a_page_at_which_nobody_looks_asks_for_nothing(browser: Browser) -> None:
    browser.wait("asked.length >= 3")
    browser.run("look('hidden'); asked.length = 0")
    time.sleep(1.5)  # three times as long as it takes to ask again
    assert asked(browser) == []
    browser.run("look('visible')")
    browser.wait("asked.length >= 1")
    assert asked(browser)[0] == "/api/time", "what was due"


def test_what_fails_is_asked_for_less_and_less(browser: Browser, app: Site) -> None:
    app.database.drop()
    browser.run("asked.length = 0")
    browser.click("#refresh")
    browser.wait("asked.length >= 5")
    assert asked(browser)[:5] == ["/api/users"] * 5
    moments = [moment for _, moment in browser.run("asked")]
    pauses = [(after - before) * 20 for before, after in pairwise(moments)]
    assert all(pause >= 0.75 * least for pause, least in zip(pauses, (1000, 2000, 4000, 8000), strict=False))

    browser.run("look('hidden')")
    app.database.fill(people(3))
    browser.run("look('visible')")
    browser.wait("document.querySelectorAll('#users li').length === 3", 5)


def test_refresh_shows_what_has_changed(browser: Browser, app: Site) -> None:
    app.database.run("UPDATE users SET name = 'Renamed' WHERE id = 1")
    app.database.run("DELETE FROM users WHERE id = 2")
    browser.click("#more")
    browser.wait("document.querySelectorAll('#users li').length === 100")
    browser.click("#refresh")
    browser.wait("document.querySelectorAll('#users li').length === 50")
    assert browser.text("#users li:first-child .name") == "Renamed"
    assert browser.text("#users li:nth-child(2) .name") == "Person 3"


#: The next page of users arrives when ``release()`` says so.
HELD = """
    const ask = window.fetch;
    window.fetch = (path, ...rest) => {
        const answer = ask(path, ...rest);
        if (!path.startsWith('/api/users?')) return answer;
        window.fetch = ask;
        return answer.then(said => new Promise(go => { window.release = () => go(said); }));
    };
"""


def test_who_is_added_while_a_page_is_on_its_way_stays(browser: Browser, app: Site) -> None:
    app.database.fill(people(1))
    browser.run(f"{{{HELD}}}")
    browser.click("#refresh")
    browser.wait("!!window.release")
    browser.run("document.querySelector('#name').value = 'Ada'")
    browser.run("document.querySelector('#email').value = 'ada@example.com'")
    browser.click("#add button")
    browser.wait("document.querySelector('#added').textContent")
    browser.run("release()")
    browser.wait("document.querySelectorAll('#users li').length < 50")
    names = "[...document.querySelectorAll('#users .name')].map(name => name.textContent)"
    assert browser.run(names) == ["Person 1", "Ada"]


def test_an_answer_that_breaks_off_is_none(browser: Browser) -> None:
    browser.run(
        "window.fetch = async () => new Response(new ReadableStream({ start: body => body.error() }))"
    )
    browser.click("#refresh")
    trouble = "document.querySelector('#trouble').dataset.trouble"
    browser.wait(f"{trouble} !== 'none'")
    assert browser.run(trouble) == "unreachable"


def test_where_the_last_page_ends_the_focus_stays(browser: Browser) -> None:
    for shown in (100, 120):
        browser.run("document.querySelector('#more').focus()")
        browser.click("#more")
        browser.wait(f"document.querySelectorAll('#users li').length === {shown}")
    browser.wait("document.activeElement.id === 'count'")


#: React hears of a choice by an event of the document, as a person's makes one.
FIFTY = """
    const size = document.getElementById('size');
    size.value = '50';
    size.dispatchEvent(new Event('change', { bubbles: true }));
"""


def test_the_load_test_tells_what_became_of_every_request(browser: Browser, app: Site) -> None:
    browser.run(f"{{{FIFTY}}}")
    browser.click("#run")
    results = "(document.querySelector('#results')?.innerText ?? '')"
    browser.wait(f"{results}.match(/50 answered, 0 failed/g)?.length === 3", 60)
    for path in ("/api/users", "/api/users-js", "/api/users-js-app"):
        said = re.search(
            r"Connections at the server: (\d+) of the JavaScript pool, (\d+) of Python",
            browser.text(f"#results [data-path='{path}']"),
        )
        assert said is not None
        javascript, others = map(int, said.groups())
        assert 1 <= others <= 5
        assert (javascript > 0) == (path != "/api/users")
        assert javascript <= 5, "one pool for both routers"
