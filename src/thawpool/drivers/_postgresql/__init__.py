"""What belongs to the PostgreSQL server, whatever the driver: session SQL, and the knowledge around it.

The verdict on a statement's text is ``stateful``; what an error means is ``classify`` and ``explain``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .._faults import Fault
from .errors import DOUBTFUL, ROLLED_BACK, classify, condemns, explain, last_words, unsent
from .statements import stateful, stateful_as_sent

__all__ = [
    "DOUBTFUL",
    "ROLLED_BACK",
    "Fault",
    "classify",
    "condemns",
    "explain",
    "last_words",
    "limits_sql",
    "literal",
    "reset_sql",
    "stateful",
    "stateful_as_sent",
    "unsent",
]


def literal(text: str) -> str:
    """``text`` as a string literal, whatever ``standard_conforming_strings`` says."""
    quoted = "'" + text.replace("'", "''") + "'"
    return "E" + quoted.replace("\\", "\\\\") if "\\" in text else quoted


def limits_sql(settings: Mapping[str, str], server_pid: int) -> str:
    """The one statement to send on a new connection: it sets limits, and tells about the server.

    Args:
        settings: limits by the server's name for them, as durations with a unit (``"15000ms"``). A
            limit is given only where the server knows it, and only if it is tighter than what the
            role, the database or the server's configuration already sets: a limit is never loosened.
        server_pid: the process id that the server named in its handshake. Where it is not the
            session's own, a pooler stands in between and nothing is set: the session is not ours.

    The answer is one row:

    =================== ============================================================================
    ``pooled``          whether a pooler stands in between
    ``cleans_up``       whether the server can end idle sessions (PostgreSQL 14 and newer)
    ``version``         as in ``server_version_num``
    ``in_recovery``     whether the server is a standby
    ``max_connections`` the server's slots, for everybody
    ``usable``          those that this role can have: some are kept for superusers
    ``used``            those that are taken, this session's included: an estimate
    ``load``            ``used / usable``, or the same for the database's own limit if that is fuller
    a setting's name    its new value in the server's words, or NULL where it was left alone
    =================== ============================================================================

    Without ``settings`` the text holds no call of ``set_config``, at which some poolers pin a session.
    The limit of a role (``ALTER ROLE .. CONNECTION LIMIT``) is not asked for: to look it up costs the
    server half as much again as all the rest.
    """
    limits = "".join(f",\n       {due}" for due in _given(settings, f"pg_backend_pid() = {server_pid} AND "))
    return f"""\
SELECT pg_backend_pid() <> {server_pid} AS pooled,
       current_setting('idle_session_timeout', true) IS NOT NULL AS cleans_up,
       current_setting('server_version_num')::int AS version,
       pg_is_in_recovery() AS in_recovery,
       max_connections, usable, used,
       greatest(used::float8 / usable, here::float8 / nullif(here_max, 0)) AS load{limits}
  FROM (SELECT current_setting('max_connections')::int AS max_connections,
               current_setting('max_connections')::int - CASE current_setting('is_superuser')
                 WHEN 'on' THEN 0
                 ELSE current_setting('superuser_reserved_connections')::int
                   + coalesce(current_setting('reserved_connections', true)::int, 0) END AS usable,
               sum(count)::int AS used,
               max(count) FILTER (WHERE datname = current_database()) AS here,
               max(datconnlimit) FILTER (WHERE datname = current_database()) AS here_max
          FROM (SELECT datname, datconnlimit, pg_stat_get_db_numbackends(oid) AS count FROM pg_database) AS bases
       ) AS server"""


def reset_sql(settings: Mapping[str, str], *, rollback: bool) -> str:
    """What makes a session as it was after its dial, in one simple query.

    It is ``DISCARD ALL``, which cannot be part of a larger query, in pieces, plus ``RESET ROLE`` for a
    role that is set by default; less ``DISCARD PLANS``, which clears nothing that could be noticed.
    ``RESET ALL`` comes first, so that a borrower's ``statement_timeout`` of 1 ms ends before the work
    begins. The answer to the last statement can be ignored. Drivers must forget their prepared statements.

    Args:
        settings: as for ``limits_sql``; given anew by the same rules, since ``RESET ALL`` took them.
        rollback: whether a transaction is open, failed or not. Outside of one, ROLLBACK is a warning.
    """
    statements = [
        "RESET ALL",
        "SET SESSION AUTHORIZATION DEFAULT",
        "RESET ROLE",
        "CLOSE ALL",
        "UNLISTEN *",
        "DEALLOCATE ALL",
        "DISCARD TEMP",
        "DISCARD SEQUENCES",
        ", ".join(["SELECT pg_advisory_unlock_all()", *_given(settings, "")]),
    ]
    return "; ".join(["ROLLBACK"] * rollback + statements)


def _given(settings: Mapping[str, str], condition: str) -> Iterator[str]:
    """For each of the ``settings`` an expression that sets it if it is due.

    A setting that the server does not know has a NULL in its place and is never due. To look for a
    vanished client needs a kernel that tells: elsewhere than on Linux, older servers refuse the setting.
    """
    for name, value in settings.items():
        now = f"current_setting({literal(name)}, true)::interval"
        due = f"{condition}({now} = '0' OR {now} > {literal(value)})"
        if name == "client_connection_check_interval":
            due += " AND version() LIKE '%linux%'"
        yield f"CASE WHEN {due} THEN set_config({literal(name)}, {literal(value)}, false) END AS {name}"
