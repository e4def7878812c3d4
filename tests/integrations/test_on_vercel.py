"""Under Vercel's own runtime, whose WSGI server sends the head as soon as an app starts its response."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.integrations.test_guide import programs
from tests.support.vercel import VercelFunction

from thawpool.testing.postgres import Postgres

pytestmark = pytest.mark.needs("vercel")

GENERATOR = """
from thawpool import Pool
from thawpool.integrations.wsgi import PoolMiddleware

pool = Pool()


def users(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield str(pool.query("SELECT 1 AS id")).encode()


app = PoolMiddleware(users, pool=pool)
"""
PROGRAMS = {
    "a generator": (GENERATOR, "app"),
    "Flask": (programs()["Flask"][0], "app"),
    "FastAPI": (programs()["FastAPI"][0], "app"),
    "BaseHTTPRequestHandler": (programs()["`BaseHTTPRequestHandler`, as on Vercel"][0], "handler"),
}


def function(tmp_path: Path, program: str, url: str) -> VercelFunction:
    text, variable = PROGRAMS[program]
    (tmp_path / "index.py").write_text(text)
    return VercelFunction(tmp_path, "index.py", variable, environ={"DATABASE_URL": url})


@pytest.mark.parametrize("program", PROGRAMS)
def test_without_the_database_the_answer_is_the_lessons_500_and_nothing_before_it(
    program: str, tmp_path: Path
) -> None:
    with function(tmp_path, program, "postgresql://postgres:hush@127.0.0.1:1/postgres") as running:
        answer = running.get("/api/users")
        assert (answer.status, answer.json()) == (500, {"error": "Database connection failed"})
        logged = running.logs(answer.request_id)
        assert "a request was answered with 500, Database connection failed" in logged
        assert "127.0.0.1:1" in logged
        assert "hush" not in running.output


def test_what_goes_well_is_sent_as_the_app_has_it(tmp_path: Path, postgres: Postgres) -> None:
    with function(tmp_path, "a generator", postgres.url()) as running:
        answer = running.get("/api/users")
        assert (answer.status, answer.body) == (200, b"[{'id': 1}]")
        assert answer.headers["Content-Type"] == "text/plain"
