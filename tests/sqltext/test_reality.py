"""Verdicts on texts held against what the statements do to a real session, and where texts tell nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg
import pytest
from tests.sqltext.sessions import snapshot
from tests.sqltext.statements import EVERYDAY

from thawpool.drivers._postgresql import stateful
from thawpool.testing.postgres import Postgres

SCRATCH = "sqltext_scratch"
READER = "sqltext_reader"
#: Statements that speak another protocol.
UNSPEAKABLE = re.compile(r"^COPY")
#: What the statements of the lists speak of.
SCHEMA = """
    CREATE TABLE users (id serial, name text, email text);
    CREATE TABLE t (id int PRIMARY KEY, a int UNIQUE, b text, x int, y text, z int, ts timestamp);
    CREATE TABLE u (id int, a int PRIMARY KEY);
    CREATE TABLE s (id int, a int);
    CREATE TABLE a (id int, a int, x int);
    CREATE TABLE b (id int, b text, x int);
    CREATE TABLE c (id int, y int);
    CREATE TABLE temp (a int);
    CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
    CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS $$ SELECT 1 $$;
"""
#: Where calls hide. The function leaves a setting, and returns its argument.
HIDING_PLACES = f"""
    CREATE ROLE {READER};
    CREATE FUNCTION leave(int) RETURNS int LANGUAGE plpgsql AS
        $$ BEGIN PERFORM set_config('app.left', 'behind', false); RETURN $1; END $$;
    CREATE VIEW hidden_view AS SELECT leave(1);
    CREATE TABLE hidden_default (a int DEFAULT leave(1));
    CREATE TABLE hidden_trigger (a int);
    CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM leave(1); RETURN NEW; END $$;
    CREATE TRIGGER fire BEFORE INSERT ON hidden_trigger FOR EACH ROW EXECUTE FUNCTION fire();
    CREATE TABLE hidden_rule (a int);
    CREATE RULE r AS ON INSERT TO hidden_rule DO ALSO SELECT leave(1);
    CREATE TABLE hidden_check (a int CHECK (leave(a) > 0));
    CREATE TABLE hidden_policy AS SELECT 1 AS a;
    ALTER TABLE hidden_policy ENABLE ROW LEVEL SECURITY;
    CREATE POLICY p ON hidden_policy USING (leave(a) = 1);
    GRANT SELECT ON hidden_policy TO {READER};
    CREATE OPERATOR #@# (RIGHTARG = int, FUNCTION = leave);
    CREATE DOMAIN hidden_domain AS int CHECK (leave(VALUE) = VALUE);
    CREATE TYPE hidden_type AS (a int);
    CREATE FUNCTION convert(int) RETURNS hidden_type LANGUAGE sql AS $$ SELECT ROW(leave($1))::hidden_type $$;
    CREATE CAST (int AS hidden_type) WITH FUNCTION convert(int);
    CREATE TABLE hidden_column AS SELECT 1 AS a;
    CREATE FUNCTION attribute(hidden_column) RETURNS int LANGUAGE sql AS $$ SELECT leave($1.a) $$;
"""
UNSEEN = [
    "SELECT * FROM hidden_view",
    "INSERT INTO hidden_default DEFAULT VALUES",
    "INSERT INTO hidden_trigger VALUES (1)",
    "INSERT INTO hidden_rule VALUES (1)",
    "INSERT INTO hidden_check VALUES (1)",
    "SELECT * FROM hidden_policy",
    "SELECT #@# 1",
    "SELECT 1::hidden_domain",
    "SELECT 1::hidden_type",
    "SELECT hidden_column.attribute FROM hidden_column",
]


@pytest.fixture(scope="module")
def scratch(postgres: Postgres) -> Iterator[str]:
    """The URL of a database to spoil."""
    url = postgres.url(database=SCRATCH)
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {SCRATCH}")
        try:
            with psycopg.connect(url, autocommit=True) as conn:
                conn.execute(SCHEMA + HIDING_PLACES)
            yield url
        finally:
            admin.execute(f"DROP DATABASE {SCRATCH} WITH (FORCE)")
            admin.execute(f"DROP ROLE IF EXISTS {READER}")


def plain(sql: str) -> str:
    """The statement with a value in place of each placeholder."""
    return re.sub(r"%s|%\(\w+\)s|\$1", "NULL", sql).replace("%%", "%")


@pytest.mark.parametrize("sql", [sql for sql in EVERYDAY if not UNSPEAKABLE.match(sql)])
def test_what_is_said_to_leave_nothing_leaves_nothing(scratch: str, sql: str) -> None:
    with psycopg.connect(scratch, autocommit=True) as conn:
        before = snapshot(conn)
        try:
            conn.execute(plain(sql))
        except psycopg.errors.SyntaxError:
            raise
        except psycopg.Error:
            pass  # nothing of that name there: then it was not worth much as an example, but it is SQL
        conn.execute("ROLLBACK")
        assert snapshot(conn) == before


@pytest.mark.parametrize("sql", UNSEEN)
def test_what_a_text_does_not_tell_is_not_seen(scratch: str, sql: str) -> None:
    """The boundary, as the documentation has it: ``reset="always"`` is for those who live beyond it."""
    with psycopg.connect(scratch, autocommit=True) as conn:
        conn.execute(f"SET ROLE {READER if 'policy' in sql else 'postgres'}")
        conn.execute(sql)
        assert conn.execute("SELECT current_setting('app.left', true)").fetchone() == ("behind",)
    assert not stateful(sql)
