"""Frozen between two requests: whatever has become of the connections, the next request is answered."""

from __future__ import annotations

import pytest
from tests.support.stale_proxy import StaleProxy
from tests.vercel.conftest import Launch
from tests.vercel.sites import Site
from tests.vercel.test_overlap import all_at_once

from thawpool.testing.postgres import Postgres

pytestmark = pytest.mark.needs("vercel")


def test_the_server_drops_its_connections_meanwhile(site: Site) -> None:
    site.function.get("/warm")
    site.function.rest()
    site.has(5)
    site.function.freeze()
    site.sessions.end()
    site.function.thaw()
    answers = all_at_once(5, lambda: site.function.get("/pid"))
    assert [answer.status for answer in answers] == [200] * 5
    site.has(site.function.get("/stats").json()["total"])


@pytest.mark.parametrize("kind", ["asgi-asyncpg", "wsgi"])
def test_the_server_is_restarted_meanwhile(kind: str, launch: Launch, own_postgres: Postgres) -> None:
    function = launch(kind, own_postgres).function
    assert function.get("/pid").status == 200
    function.rest()
    function.freeze()
    own_postgres.kill()
    own_postgres.start()
    function.thaw()
    answer = function.get("/pid", deadline=2.0)
    assert answer.status == 200, answer


@pytest.mark.parametrize("kind", ["asgi-asyncpg", "handler"])
def test_the_network_forgets_its_connections_meanwhile(kind: str, launch: Launch, postgres: Postgres) -> None:
    """Nobody is told: they look as well as ever, and whatever is sent on them is lost."""
    with StaleProxy("127.0.0.1", postgres.port) as link:
        site = launch(kind, url=link.url, trust_window=0)
        site.function.get("/warm")
        site.function.rest()
        site.function.freeze()
        link.forget()
        site.function.thaw()
        answer = site.function.get("/pid", deadline=2.0)
        assert answer.status == 200, answer
        assert answer.seconds < 1.0


@pytest.mark.needs("faketime")
@pytest.mark.parametrize("dropped", [False, True])
@pytest.mark.parametrize("kind", ["asgi-asyncpg", "wsgi"])
def test_the_wall_clock_moves_and_the_monotonic_one_does_not(
    kind: str, launch: Launch, *, dropped: bool
) -> None:
    """Ten minutes later, and ten minutes earlier; the server has dropped its connections meanwhile or not."""
    site = launch(kind, movable_clock=True)
    site.function.get("/warm")
    for seconds in (600.0, -600.0):
        site.function.rest()
        site.function.freeze()
        site.function.jump_wall(seconds)
        if dropped:
            site.sessions.end()
        site.function.thaw()
        answers = all_at_once(3, lambda: site.function.get("/pid", deadline=5.0))
        assert [answer.status for answer in answers] == [200] * 3
        site.has(site.function.get("/stats").json()["total"])
