"""What a PostgreSQL error means for a connection and for a pool, by SQLSTATE.

Codes decide wherever there is one, since a server's sentences may be in any language. Poolers share one
or two codes among all their errors, and libpq gives no code for a connection that was refused: there, and
only there, the text decides. Those of poolers are never translated.
"""

from __future__ import annotations

import re
from typing import Final

from .._faults import Fault

__all__ = ["DOUBTFUL", "ROLLED_BACK", "classify", "condemns", "explain", "last_words", "unsent"]

_NOTHING: Final = Fault(0)
_LOST_UNSENT: Final = Fault.LOST | Fault.UNSENT
_FULL_UNSENT: Final = Fault.OVERLOADED | Fault.UNSENT
_PASSING: Final = Fault.TRANSIENT | Fault.LOST

_BY_CODE: Final[dict[str, Fault]] = {
    "53300": _FULL_UNSENT,  # too_many_connections
    "53400": Fault.OVERLOADED,  # configuration_limit_exceeded
    "28000": Fault.HOPELESS,  # invalid_authorization_specification: no such role, not in pg_hba.conf
    "28P01": Fault.HOPELESS,  # invalid_password
    "3D000": Fault.HOPELESS,  # invalid_catalog_name: no such database
    "42501": Fault.HOPELESS,  # insufficient_privilege: no CONNECT on the database
    "42704": Fault.HOPELESS,  # undefined_object: an unknown setting in the startup options
    "22023": Fault.HOPELESS,  # invalid_parameter_value: a bad value for one
    "55P02": Fault.HOPELESS,  # cant_change_runtime_param: one that is not the client's to choose
    "0A000": Fault.HOPELESS,  # feature_not_supported: a protocol or option that it does not speak
    "08000": _PASSING,  # connection_exception
    "08001": _PASSING,
    "08003": _PASSING,
    "08004": _PASSING,
    "08006": _PASSING,
    "57P01": _PASSING | Fault.FAILOVER,  # admin_shutdown: pg_terminate_backend, too
    "57P02": _PASSING | Fault.FAILOVER,  # crash_shutdown
    "57P03": _PASSING | Fault.FAILOVER | Fault.UNSENT,  # cannot_connect_now: starting or stopping
    "57P04": Fault.HOPELESS | Fault.LOST,  # database_dropped
    "57P05": _LOST_UNSENT,  # idle_session_timeout: it was over before the statement came
    "25P03": _LOST_UNSENT,  # idle_in_transaction_session_timeout: the same
    "25P04": Fault.LOST,  # transaction_timeout
    "25006": Fault.FAILOVER,  # read_only_sql_transaction: a primary that became a standby
}

#: Codes under which poolers say everything: PgBouncer, RDS Proxy, Supavisor; None where libpq has none.
_VAGUE: Final = (None, "08P01", "08000", "XX000")

#: Compiled when they are first asked for, since a cold start rarely needs them.
_BY_TEXT: Final = (
    # PgBouncer: a queue that took too long, full
    (r"query_wait_timeout", Fault.OVERLOADED | _LOST_UNSENT),
    (r"no more connections allowed|client connections exceeded", _FULL_UNSENT),
    (r"client_idle_timeout|idle[ _]transaction[ _]timeout", _LOST_UNSENT),
    (r"server_login_retry|server login failed|cannot connect to server", _PASSING),
    (r"server conn crashed|query[ _]timeout|shutting down|database removed", _PASSING),
    (r"unsupported startup parameter|no such (user|database)|SSL required", Fault.HOPELESS),
    # RDS Proxy, Supavisor
    (r"timed-out waiting to acquire database connection", _FULL_UNSENT),
    (r"max clients? (connections )?reached|MaxClients", _FULL_UNSENT),
    # PostgreSQL through libpq
    (r"too many (clients|connections)|connection slots are reserved", _FULL_UNSENT),
    (r"terminating connection (due to administrator command|because of crash)", _BY_CODE["57P01"]),
    (r"starting up|in recovery mode|not (yet )?accepting connections", _BY_CODE["57P03"]),
    (r"authentication failed|no pg_hba\.conf entry|not permitted to log in", Fault.HOPELESS),
    (r"(role|database) \".*\" does not exist|permission denied for database", Fault.HOPELESS),
    (
        r"unrecognized configuration parameter|invalid value for parameter|cannot be (changed|set)",
        Fault.HOPELESS,
    ),
)


def classify(sqlstate: str | None, message: str = "") -> Fault:
    """What an error means. ``message`` is asked only where the code says too little."""
    if sqlstate in _VAGUE and message:
        for pattern, fault in _BY_TEXT:
            if re.search(pattern, message, re.IGNORECASE):
                return fault
    return _BY_CODE.get(sqlstate or "", _NOTHING)


def unsent(sqlstate: str | None, message: str = "") -> bool:
    """Whether the server provably did not run the statement that met this error."""
    return Fault.UNSENT in classify(sqlstate, message)


#: Errors by which the server has rolled the whole transaction back by itself: none, here it only fails until its end.
ROLLED_BACK: Final[frozenset[str]] = frozenset()
DOUBTFUL: Final[frozenset[str]] = frozenset()


def condemns(sqlstate: str | None, message: str = "") -> bool:
    """Whether this error means that no connection of the pool is to be trusted further.

    A borrower's own READ ONLY transaction gives 25006, too: the caller rules that out.
    """
    return Fault.FAILOVER in classify(sqlstate, message)


_LAST_WORDS: Final = {
    "terminating connection due to idle-session timeout": "57P05",
    "terminating connection due to idle-in-transaction timeout": "25P03",
    "terminating connection due to transaction timeout": "25P04",
    "terminating connection due to administrator command": "57P01",
}


def last_words(text: str) -> str | None:
    """The SQLSTATE of the error with which a server ended a session, where only its text is left.

    When the goodbye crosses a statement on the wire, libpq keeps its text and drops its code. In another
    language than English it says nothing here, and the statement may have run for all that is known.
    """
    return next((code for words, code in _LAST_WORDS.items() if words in text), None)


_EXPLANATIONS: Final[dict[str, str]] = {
    "57P05": (
        "the server ended this session because it lay idle for longer than server_idle_timeout allows: return "
        "the connection before long work elsewhere, or raise server_idle_timeout"
    ),
    "25P03": (
        "the server ended this session because its transaction lay idle for longer than "
        "server_transaction_timeout allows: commit before long work elsewhere, or raise server_transaction_timeout"
    ),
    "57014": (
        "the server cancelled this statement because it ran for longer than statement_timeout allows, or "
        "because somebody asked for that: make the statement faster, or raise statement_timeout"
    ),
}


def explain(sqlstate: str | None, message: str = "") -> str | None:
    """Which option of the pool ended a session or statement, and what to do; None for any other error."""
    return _EXPLANATIONS.get(sqlstate or last_words(message) or "")
