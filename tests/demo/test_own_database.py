"""``--database-url``: a server that is not the demo's own, and is left as it was."""

from __future__ import annotations

import psycopg
from tests.demo.running import Demo, run


def tables(url: str) -> list[str]:
    with psycopg.connect(url) as conn:
        return [
            name for (name,) in conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        ]


def test_the_table_is_made_and_dropped_again(url: str) -> None:
    with Demo("--database-url", url) as demo:
        assert len(demo.get("/api/users").body["users"]) == 50
        assert tables(url) == ["users"]
        assert demo.stop() == 0
    assert tables(url) == []


def test_a_table_that_is_there_is_used_and_kept(url: str) -> None:
    with psycopg.connect(url) as conn:
        conn.execute("CREATE TABLE users (id int, name text, email text)")
        conn.execute("INSERT INTO users VALUES (7, '<b>Seven</b>', 'seven@example.com')")
    with Demo("--database-url", url) as demo:
        expected = [{"id": 7, "name": "<b>Seven</b>", "email": "seven@example.com"}]
        assert demo.get("/api/users").body == {"users": expected}
        assert demo.stop() == 0
    assert tables(url) == ["users"]


def test_a_table_of_another_shape_is_an_error(url: str) -> None:
    with psycopg.connect(url) as conn:
        conn.execute("CREATE TABLE users (login text)")
    done = run("demo", "--port", "0", "--database-url", url)
    assert done.returncode == 1
    assert "is not one with id, name, email" in done.stderr
    assert tables(url) == ["users"]


def test_that_server_is_not_ours_to_stop_but_its_connections_to_us_are_ours_to_kill(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as bystander, Demo("--database-url", url) as demo:
        assert demo.act("database/stop").status == 404
        assert "killed 5 connections" in demo.text("kill")
        assert bystander.execute("SELECT 1").fetchone() == (1,)
