"""What each system calls the same thing: the SQL of the suite that is not portable."""

from __future__ import annotations

from typing import NamedTuple

from tests.drivers.conformance.declared import System

__all__ = ["DIALECTS", "Dialect"]


class Dialect(NamedTuple):
    """The words of one system."""

    #: The number of one's own session.
    session: str
    #: Of the sessions ``{}``, how many there are.
    alive: str
    #: How many statements are running that begin with ``{}``.
    running: str
    #: End the session ``{}``.
    end: str
    #: Take ``{}`` seconds.
    sleep: str
    #: Rows without an end, as far as a test can tell.
    endless: str
    #: The length in bytes of a large text, the parameter.
    length: str
    #: The columns of a table with a value of each type.
    columns: str
    #: Leave something in the session that a reset has to clear, and ask whether it is there.
    leave: str
    left: str
    #: What a query of a table that is not there is refused with.
    no_table: object
    #: The rights of the user ``{}`` without a password, and his end.
    grant: tuple[str, ...]
    revoke: tuple[str, ...]
    #: How many packets a reset takes at most.
    reset: int


DIALECTS: dict[System, Dialect] = {
    "postgresql": Dialect(
        session="SELECT pg_backend_pid()",
        alive="SELECT count(*) FROM pg_stat_activity WHERE pid IN ({})",
        running="SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '{}%'",
        end="SELECT pg_terminate_backend({}, 5000)",
        sleep="SELECT pg_sleep({})",
        endless="SELECT generate_series(1, 100000000)",
        length="SELECT octet_length(%s::text) AS n",
        columns="i integer, t text, b bytea, d date, ts timestamp, n numeric(20, 4), yes boolean, x text",
        leave="SET work_mem = '7MB'",
        left="SELECT current_setting('work_mem') = '7MB'",
        no_table="42P01",
        grant=("CREATE ROLE {} LOGIN", "GRANT ALL ON SCHEMA public TO {}"),
        revoke=("DROP OWNED BY {}", "DROP ROLE {}"),
        reset=1,
    ),
    "mysql": Dialect(
        session="SELECT connection_id()",
        alive="SELECT count(*) FROM information_schema.processlist WHERE id IN ({})",
        running="SELECT count(*) FROM information_schema.processlist WHERE info LIKE '{}%'",
        end="KILL {}",
        sleep="SELECT sleep({})",
        endless="SELECT a.id FROM information_schema.collations a, information_schema.collations b,"
        " information_schema.collations c",
        length="SELECT length(%s) AS n",
        columns="i integer, t text CHARACTER SET utf8mb4, b blob, d date, ts datetime(6), n numeric(20, 4),"
        " yes boolean, x text",
        leave="SET @mine = 7",
        left="SELECT @mine IS NOT NULL",
        no_table=1146,
        grant=("CREATE USER {}@'127.0.0.1'", "GRANT ALL ON test.* TO {}@'127.0.0.1'"),
        revoke=("DROP USER {}@'127.0.0.1'",),
        reset=3,
    ),
}
