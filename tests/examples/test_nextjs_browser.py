"""The page of the Next.js app in a real browser, used as a person uses it, over all that production has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.examples.conftest import Installed
from tests.examples.databases import SYSTEMS, User, database, people
from tests.examples.site import Site, site
from tests.support.browser import Browser, find_chromium
from tests.support.next_app import Edge

pytestmark = [
    pytest.mark.needs("chromium", "vercel"),
    pytest.mark.timeout(600),  # the first one installs and builds the app
]

PHONE, DESK = (390, 844), (1280, 800)
CURIOUS = [
    User('Ada "Countess" O\'Lovelace', "quotes@example.com"),
    User("Zoë 🧊👩‍👩‍👧 さくら", "emoji@example.com"),
    User("<b>Bobby</b><script>window.hacked = 1</script>", "markup@example.com"),
    User("<img src=x onerror='window.hacked = 1'>&amp;", "image@example.com"),
    User("%s {0} ${x} \\' ; DROP TABLE users; --", "code@example.com"),
]
#: What needs no second system, nor the time of one.
once = pytest.mark.parametrize("app", ["postgresql"], indirect=True)
LISTED = "[...document.querySelectorAll('#users li')]"
NAMES = f"{LISTED}.map(row => row.querySelector('.name').textContent)"
TROUBLE = "document.querySelector('#trouble').dataset.trouble"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = find_chromium()
    assert program is not None
    with Browser(program) as running:
        yield running


@pytest.fixture(scope="module", params=SYSTEMS)
def app(request: pytest.FixtureRequest, next_app: Path, edge: Edge, installed: Installed) -> Iterator[Site]:
    with database(request.param) as made, site(next_app, edge, made, installed.packages) as running:
        yield running


@pytest.fixture(autouse=True)
def a_clean_console(browser: Browser) -> Iterator[None]:
    browser.errors.clear()
    yield
    assert browser.errors == []


def visit(
    browser: Browser, app: Site, users: list[User], size: tuple[int, int] = DESK, *, dark: bool = False
) -> None:
    """Open the page over a table with these users, and wait until it shows them."""
    app.database.fill(users)
    browser.open(app.url, *size, dark=dark)
    shown = min(len(users), 50)
    browser.wait(
        f"{LISTED}.length === {shown} && !!document.querySelector('{'#count' if users else '#empty'}')"
    )


def add(browser: Browser, name: str, email: str) -> None:
    """Fill in the form and send it off."""
    for field, value in (("name", name), ("email", email)):
        browser.run(f"document.getElementById('{field}').value = {json.dumps(value)}")
    browser.click("#add button")


def test_fifty_users_are_listed_and_more_on_request(browser: Browser, app: Site) -> None:
    everybody = people(120)
    visit(browser, app, everybody)
    assert browser.text("#count") == "50 users so far."
    for shown in (100, 120):
        browser.click("#more")
        browser.wait(f"{LISTED}.length === {shown}")
    assert browser.run(NAMES) == [user.name for user in everybody]
    assert browser.text("#count") == "All 120 users."
    assert browser.run("!document.querySelector('#more')")
    assert browser.run(TROUBLE) == "none"


def test_names_are_shown_as_they_are(browser: Browser, app: Site) -> None:
    visit(browser, app, CURIOUS)
    assert browser.run(NAMES) == [user.name for user in CURIOUS]
    assert browser.run("!document.querySelector('#users :is(b, img, script)')")
    assert not browser.run("window.hacked")


def test_users_are_added(browser: Browser, app: Site) -> None:
    visit(browser, app, people(1))
    for number, user in enumerate(CURIOUS, 2):
        add(browser, f" {user.name} ", user.email.upper())
        browser.wait(f"{LISTED}.length === {number}")
        assert browser.text("#added") == f"{user.name} is user {number}."
        assert browser.run("document.getElementById('name').value") == ""
    everybody = people(1) + CURIOUS
    assert browser.run(NAMES) == [user.name for user in everybody]
    assert app.database.users() == everybody
    assert browser.run("!window.hacked")


def test_what_cannot_be_added_is_explained_and_stays_in_the_form(browser: Browser, app: Site) -> None:
    visit(browser, app, people(1))
    add(browser, "", "nonsense")
    browser.wait("document.querySelectorAll('#add [data-field]').length === 2")
    assert browser.text("#add [data-field=name]") == "Name is missing."
    assert browser.text("#add [data-field=email]") == "Email is not an email address."
    add(browser, "Somebody else", "person1@example.com")
    browser.wait("document.querySelector('#add [data-field=email]')?.innerText === 'Email exists already.'")
    assert browser.run("!document.querySelector('#add [data-field=name]')")
    assert browser.run("document.getElementById('name').value") == "Somebody else"
    assert app.database.users() == people(1)


def test_an_empty_table_says_so(browser: Browser, app: Site) -> None:
    visit(browser, app, [])
    assert browser.text("#empty").startswith("Nobody is here yet.")
    add(browser, "Ada", "ada@example.com")
    browser.wait(f"{LISTED}.length === 1")
    assert browser.run("!document.querySelector('#empty')")


def test_a_missing_table_is_an_error_of_the_app_until_it_is_there(browser: Browser, app: Site) -> None:
    app.database.drop()
    browser.open(app.url, *DESK)
    browser.wait(f"{TROUBLE} === 'broken'")
    assert "npm run seed creates it" in browser.text("#trouble")
    app.database.fill(people(3))
    browser.wait(f"{LISTED}.length === 3")
    browser.wait(f"{TROUBLE} === 'none'")


def test_the_database_goes_and_comes_back_under_the_open_page(browser: Browser, app: Site) -> None:
    visit(browser, app, people(120))
    app.database.server.stop()
    try:
        browser.click("#more")
        browser.wait(f"{TROUBLE} === 'away'")
        assert browser.text("#trouble").startswith("The database cannot be reached at the moment.")
        assert browser.run(f"{LISTED}.length") == 50, "what was there stays"
    finally:
        app.database.server.start()
    # By itself, with what was asked for.
    browser.wait(f"{LISTED}.length === 100")
    browser.wait(f"{TROUBLE} === 'none'")


@once
def test_a_page_opened_without_the_database_is_filled_when_it_comes(browser: Browser, app: Site) -> None:
    app.database.fill(people(3))
    app.database.server.stop()
    try:
        browser.open(app.url, *PHONE)
        browser.wait(f"{TROUBLE} === 'away'")
        assert "appear here as soon as they can be loaded" in browser.text(".empty")
        add(browser, "Ada", "ada@example.com")
        browser.wait("document.querySelector('#added').innerText.includes('could not be saved')")
        assert browser.run("document.getElementById('name').value") == "Ada"
    finally:
        app.database.server.start()
    browser.wait(f"{LISTED}.length === 3")


def test_after_a_freeze_the_next_click_works(browser: Browser, app: Site) -> None:
    visit(browser, app, people(120))
    browser.wait("!!document.querySelector('time')")  # the page rests
    app.freeze()
    app.database.drop_connections()
    app.thaw()
    browser.click("#more")
    browser.wait(f"{LISTED}.length === 100 || {TROUBLE} !== 'none'")
    assert browser.run(TROUBLE) == "none"
    assert browser.run(NAMES) == [user.name for user in people(100)]


#: Clicks so often, each time when the click before has been answered.
CLICKS = """
(async () => {
    const form = document.getElementById('add');
    const answered = () => document.querySelector('#added').innerText || form.querySelector('[data-field]');
    for (window.clicks = 0; window.clicks < 500; window.clicks++) {
        document.getElementById('name').value = 'Clicker';
        // Every second one exists already.
        document.getElementById('email').value = `click${window.clicks >> 1}@example.com`;
        form.querySelector('button').click();
        await new Promise(resolve => {
            const observer = new MutationObserver(() => answered() && resolve(observer.disconnect()));
            observer.observe(form, {subtree: true, childList: true, characterData: true});
        });
    }
})(), undefined
"""


@once
def test_five_hundred_clicks_leave_five_connections_at_most(browser: Browser, app: Site) -> None:
    visit(browser, app, people(1))
    browser.run(CLICKS)
    browser.wait("window.clicks === 500", 120)
    assert browser.run(f"{LISTED}.length") == 251
    assert len(app.database.users()) == 251
    assert 1 <= app.database.connections() <= 5


#: Clicks so often without waiting for an answer.
IMPATIENT = """
(async () => {
    for (window.clicks = 0; window.clicks < 500; window.clicks++) {
        document.querySelector('#refresh').click();
        await new Promise(resolve => setTimeout(resolve, 2));
    }
})(), undefined
"""


def test_five_hundred_impatient_clicks_leave_five_connections_at_most(browser: Browser, app: Site) -> None:
    visit(browser, app, people(60))
    app.database.run("DELETE FROM users WHERE email = 'person7@example.com'")
    browser.run(IMPATIENT)
    browser.wait("window.clicks === 500 && !document.querySelector('[aria-busy=true]')", 60)
    assert browser.run(NAMES) == [user.name for user in people(51) if user.name != "Person 7"]
    assert browser.run(TROUBLE) == "none"
    assert 1 <= app.database.connections() <= 5


@once
def test_many_requests_at_once_leave_five_connections_at_most(browser: Browser, app: Site) -> None:
    visit(browser, app, people(120))
    fetches = "Array.from({length: 200}, () => fetch('/api/users').then(answer => answer.status))"
    assert browser.run(f"Promise.all({fetches})") == [200] * 200
    assert 1 <= app.database.connections() <= 5


@once
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_fits_any_screen(
    browser: Browser, app: Site, tmp_path: Path, size: tuple[int, int], dark: bool
) -> None:
    visit(browser, app, CURIOUS + people(100), size, dark=dark)
    width, _ = size
    assert browser.run("document.documentElement.scrollWidth") <= width, "no scrolling sideways"
    lightness = browser.run(
        "Math.max(...getComputedStyle(document.body).backgroundColor.match(/[0-9.]+/g).slice(0, 3))"
    )
    assert (lightness < 100) == dark
    browser.screenshot(tmp_path / "page.png")
