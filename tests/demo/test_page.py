"""The page in a real browser, used as a person uses it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from tests.demo.foreign import Foreign
from tests.demo.running import Demo
from tests.support.browser import Browser, find_chromium

pytestmark = pytest.mark.needs("chromium")

PHONE, DESK = 390, 1280
PAINTED = """
    (() => {
        const canvas = document.getElementById('plot-connections');
        const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
        return new Set(new Uint32Array(pixels.buffer)).size;
    })()
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = find_chromium()
    assert program is not None
    with Browser(program) as running:
        yield running


@pytest.fixture(autouse=True)
def a_clean_console(browser: Browser) -> Iterator[None]:
    browser.errors.clear()
    yield
    assert browser.errors == []


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("dark", [False, True])
def test_it_comes_alive_at_any_width(demo: Demo, browser: Browser, width: int, dark: bool) -> None:
    browser.open(demo.url, width, dark=dark)
    browser.wait("document.querySelectorAll('#users tr').length === 50")
    browser.wait("document.querySelector('#tile-counts strong').textContent.includes('agree')")
    browser.wait("document.querySelector('#tile-request strong').textContent.startsWith('200')")
    assert browser.text("#tile-function strong") == "running"
    assert browser.text("#tile-database strong") == "up"
    assert browser.run("document.documentElement.scrollWidth") <= width, "no scrolling sideways"
    browser.wait(f"{PAINTED} > 3")


def test_the_plots_move(demo: Demo, browser: Browser) -> None:
    browser.open(demo.url, DESK)
    browser.wait("document.querySelector('[data-gauge=server]').textContent > 0")
    picture = "document.getElementById('plot-connections').toDataURL()"
    browser.run(f"window.before = {picture}")
    browser.wait(f"{picture} !== window.before")


def test_a_freeze_is_seen_while_it_lasts(demo: Demo, browser: Browser) -> None:
    browser.open(demo.url, PHONE)
    browser.click("[data-act=freeze]")
    browser.wait("document.querySelector('#tile-function strong').textContent === 'frozen'")
    browser.wait("document.querySelector('[data-gauge=server]').textContent === '0'")
    browser.wait("document.querySelector('#tile-request strong').textContent.startsWith('waiting')")
    assert browser.run("document.querySelector('[data-act=kill]').disabled")
    browser.wait("document.querySelector('#status').textContent.startsWith('Thawed')")
    assert "answered 200" in browser.text("#status")
    browser.wait("document.querySelector('#tile-function strong').textContent === 'running'")
    browser.wait("document.querySelector('#tile-request strong').textContent.startsWith('200')")


def test_the_database_is_stopped_and_started_by_one_button(demo: Demo, browser: Browser) -> None:
    browser.open(demo.url, DESK)
    browser.wait("document.querySelectorAll('#users tr').length === 50")
    browser.click("#database")
    browser.wait("document.querySelector('#tile-request strong').textContent.startsWith('500')")
    assert browser.text("#tile-request span") == "Database connection failed"
    assert browser.text("#tile-database strong") == "away"
    browser.wait("document.querySelector('#users-state.failed') !== null")
    assert browser.run("document.querySelectorAll('#users tr').length") == 50, "the last answer stays in view"
    assert browser.text("#database") == "Start the database"
    browser.click("#database")
    browser.wait("document.querySelector('#database').textContent === 'Stop the database'")
    browser.wait("document.querySelector('#tile-request strong').textContent.startsWith('200')")
    browser.wait("document.querySelector('#users-state.failed') === null")


def test_storms_stand_side_by_side_and_are_still_there_for_the_next_visitor(
    demo: Demo, browser: Browser
) -> None:
    browser.open(demo.url, DESK)
    numbers = "document.querySelectorAll('[data-kind={}] dd').length === 6"
    for kind in ("pool", "connection-per-request"):
        browser.click(f"[data-act='storm/{kind}']")
        browser.wait(numbers.format(kind))
        browser.wait("document.querySelector('.running') === null")
    assert "1000" in browser.text("[data-kind=pool] dl")
    refused = browser.text("[data-kind=connection-per-request] .reasons")
    assert re.search("(?i)too many (clients|connections)", refused)
    browser.open(demo.url, PHONE)
    browser.wait(numbers.format("pool"))
    browser.wait("document.querySelectorAll('#notes li').length >= 2")


def test_a_forgotten_return_is_explained_in_words(demo: Demo, browser: Browser) -> None:
    browser.open(demo.url, DESK)
    explained = "document.querySelector('#status').textContent.includes('mistakes.py:')"
    button = "document.querySelector('[data-act=forget]')"
    # A visitor may come while the last one's act still ends: then the page says so, and one clicks again.
    browser.wait(f"{explained} || ({button}.disabled || {button}.click(), false)")


def test_every_button_has_a_name_and_news_are_announced(demo: Demo, browser: Browser) -> None:
    browser.open(demo.url, DESK)
    names = browser.run("[...document.querySelectorAll('button')].map((button) => button.textContent.trim())")
    assert len(names) == 9
    assert all(names)
    assert browser.run("document.querySelector('#status').closest('[aria-live=polite]') !== null")
    unnamed = "[...document.querySelectorAll('canvas')].filter((plot) => !plot.ariaLabel).length"
    assert browser.run(unnamed) == 0


def test_what_the_database_holds_is_text_and_its_server_not_ours_to_stop(
    browser: Browser, theirs: Foreign
) -> None:
    name = "<img src=x onerror=\"document.title='owned'\">"
    theirs.run("CREATE TABLE users (id int, name text, email text)")
    theirs.run("INSERT INTO users VALUES (1, %s, 'one@example.com')", name)
    with Demo("--database-url", theirs.url) as demo:
        browser.open(demo.url, DESK)
        browser.wait("document.querySelectorAll('#users tr').length === 1")
        assert browser.run("document.querySelector('#users td:nth-child(2)').textContent") == name
        assert browser.run("document.querySelector('#users img')") is None
        assert browser.run("document.title") == "thawpool demo"
        assert browser.run("document.querySelector('#database').disabled")
        assert "--database-url" in browser.text("#hint-database")
        assert theirs.product in browser.text("#tile-database")
