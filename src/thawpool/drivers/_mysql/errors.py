"""What an error of MySQL or MariaDB means for a connection and for a pool, by its number.

Numbers below 2000 are alike in both servers, 2000 to 2999 belong to the client's library, and above that each
server counts for itself. A few numbers stand for several things: for those the text decides, by words that are
the same in every language.
"""

from __future__ import annotations

import re
from typing import Final

from .._faults import Fault

__all__ = ["DOUBTFUL", "ROLLED_BACK", "classify", "condemns", "explain", "from_server", "unsent"]

_NOTHING: Final = Fault(0)
_FULL_UNSENT: Final = Fault.OVERLOADED | Fault.UNSENT
_PASSING: Final = Fault.TRANSIENT | Fault.LOST
_LEAVING: Final = _PASSING | Fault.FAILOVER

_BY_CODE: Final[dict[int, Fault]] = {
    1040: _FULL_UNSENT,  # CON_COUNT_ERROR: max_connections
    1203: _FULL_UNSENT,  # TOO_MANY_USER_CONNECTIONS: max_user_connections
    1226: _FULL_UNSENT,  # USER_LIMIT_REACHED: what the account may have at a time, or in an hour
    1044: Fault.HOPELESS,  # DBACCESS_DENIED_ERROR
    1045: Fault.HOPELESS,  # ACCESS_DENIED_ERROR: user or password
    1049: Fault.HOPELESS,  # BAD_DB_ERROR: no such database
    1115: Fault.HOPELESS,  # UNKNOWN_CHARACTER_SET
    1129: Fault.HOPELESS,  # HOST_IS_BLOCKED, until FLUSH HOSTS
    1130: Fault.HOPELESS,  # HOST_NOT_PRIVILEGED
    1193: Fault.HOPELESS,  # UNKNOWN_SYSTEM_VARIABLE, while a connection is set up
    1227: Fault.HOPELESS,  # SPECIFIC_ACCESS_DENIED_ERROR: a setting that takes a privilege
    1231: Fault.HOPELESS,  # WRONG_VALUE_FOR_VAR
    1232: Fault.HOPELESS,  # WRONG_TYPE_FOR_VAR
    1251: Fault.HOPELESS,  # NOT_SUPPORTED_AUTH_MODE
    1273: Fault.HOPELESS,  # UNKNOWN_COLLATION
    1524: Fault.HOPELESS,  # PLUGIN_IS_NOT_LOADED: the account's way to authenticate
    1698: Fault.HOPELESS,  # ACCESS_DENIED_NO_PASSWORD_ERROR
    1820: Fault.HOPELESS,  # MUST_CHANGE_PASSWORD
    1862: Fault.HOPELESS,  # MUST_CHANGE_PASSWORD_LOGIN
    3118: Fault.HOPELESS,  # ACCOUNT_HAS_BEEN_LOCKED (MySQL)
    3159: Fault.HOPELESS,  # SECURE_TRANSPORT_REQUIRED
    3955: Fault.HOPELESS,  # ACCESS_DENIED_FOR_USER_ACCOUNT_BLOCKED_BY_PASSWORD_LOCK (MySQL)
    4150: Fault.HOPELESS,  # USER_IS_BLOCKED: too many wrong passwords (MariaDB)
    4151: Fault.HOPELESS,  # ACCOUNT_HAS_BEEN_LOCKED (MariaDB)
    2005: Fault.HOPELESS,  # UNKNOWN_HOST
    2026: Fault.HOPELESS,  # SSL_CONNECTION_ERROR
    2054: Fault.HOPELESS,  # NOT_IMPLEMENTED: an authentication that the library cannot do
    2059: Fault.HOPELESS,  # AUTH_PLUGIN_CANNOT_LOAD
    2061: Fault.HOPELESS,  # AUTH_PLUGIN_ERR
    1043: _PASSING,  # HANDSHAKE_ERROR
    2002: Fault.TRANSIENT,  # CONNECTION_ERROR: by a Unix socket
    2003: Fault.TRANSIENT,  # CONN_HOST_ERROR: by TCP
    2012: _PASSING,  # SERVER_HANDSHAKE_ERR
    2006: _PASSING | Fault.UNSENT,  # SERVER_GONE_ERROR: the statement could not be sent whole
    2013: _PASSING,  # SERVER_LOST: no answer came
    2055: _PASSING,  # SERVER_LOST_EXTENDED: either of the two
    1152: Fault.LOST,  # ABORTING_CONNECTION
    1153: Fault.LOST,  # NET_PACKET_TOO_LARGE: the server hangs up after that
    1158: Fault.LOST,  # NET_READ_ERROR
    1159: Fault.LOST,  # NET_READ_INTERRUPTED
    1160: Fault.LOST,  # NET_ERROR_ON_WRITE
    1161: Fault.LOST,  # NET_WRITE_INTERRUPTED
    1184: Fault.LOST,  # NEW_ABORTING_CONNECTION
    1927: _PASSING,  # CONNECTION_KILLED (MariaDB)
    3169: _PASSING,  # SESSION_WAS_KILLED (MySQL)
    1053: _LEAVING,  # SERVER_SHUTDOWN
    1077: _LEAVING,  # NORMAL_SHUTDOWN
    1079: _LEAVING,  # SHUTDOWN_COMPLETE
    3032: _LEAVING,  # SERVER_OFFLINE_MODE
    1792: Fault.FAILOVER,  # CANT_EXECUTE_IN_READ_ONLY_TRANSACTION
    1836: Fault.FAILOVER,  # READ_ONLY_MODE
    1874: Fault.FAILOVER,  # INNODB_READ_ONLY
    9001: Fault.TRANSIENT,  # ProxySQL: its server did not answer in time
    9501: _FULL_UNSENT,  # RDS Proxy: no connection came free in time
}

_NO_SUCH_HOST: Final = r"not known|nodename nor servname|no address associated"
#: Where one number means several things. Compiled when first asked for, since a cold start rarely needs them.
_BY_TEXT: Final[dict[int, tuple[str, Fault]]] = {
    # OPTION_PREVENTS_STATEMENT, as --secure-file-priv and --skip-grant-tables do, too
    1290: (r"--(super-)?read-only", Fault.FAILOVER),
    # UNKNOWN_COM_ERROR, under which a node of a Galera cluster says that it has dropped out
    1047: (r"\bWSREP\b", Fault.TRANSIENT | Fault.FAILOVER | Fault.UNSENT),
    # CLIENT_INTERACTION_TIMEOUT in MySQL; MariaDB speaks of triggers
    4031: (r"\bwait_timeout\b|inactivity", Fault.LOST | Fault.UNSENT),
    2003: (rf"certificate|{_NO_SUCH_HOST}", Fault.HOPELESS),
    2005: (r"\(-3\)|temporary failure", Fault.TRANSIENT),
    2026: (r"reset by peer|timed? ?out|broken pipe|\beof\b|closed", Fault.TRANSIENT),
}

#: Errors by which the server has rolled back the whole transaction, not only the statement: under
#: innodb_snapshot_isolation a record that somebody else has changed, a lock table that is full, a deadlock. A lock that
#: took too long to get (1205) is none: the transaction goes on, unless the server is told otherwise.
ROLLED_BACK: Final = frozenset({1020, 1206, 1213})
#: Errors by which it has done so under a setting of its own: innodb_rollback_on_timeout.
DOUBTFUL: Final = frozenset({1205})


def from_server(code: object) -> bool:
    """Whether a number is the server's own word, and so the end of a reply, rather than the library's."""
    return isinstance(code, int) and (0 < code < 2000 or code >= 3000)


def classify(code: int | None, message: str = "") -> Fault:
    """What an error means. ``message`` is asked only where the number says too little."""
    if code in _BY_TEXT:
        pattern, fault = _BY_TEXT[code]
        if re.search(pattern, message, re.IGNORECASE):
            return fault
    return _BY_CODE.get(code or 0, _NOTHING)


def unsent(code: int | None, message: str = "") -> bool:
    """Whether the server provably did not run the statement that met this error."""
    return Fault.UNSENT in classify(code, message)


def condemns(code: int | None, message: str = "") -> bool:
    """Whether this error means that no connection of the pool is to be trusted further.

    A borrower's own READ ONLY transaction gives 1792, too: the caller rules that out.
    """
    return Fault.FAILOVER in classify(code, message)


_STATEMENT: Final = (
    "the server cancelled this statement because it ran for longer than statement_timeout allows: make the "
    "statement faster, or raise statement_timeout"
)
_EXPLANATIONS: Final[dict[int, str]] = {
    1969: _STATEMENT,  # STATEMENT_TIMEOUT (MariaDB): max_statement_time
    3024: _STATEMENT,  # QUERY_TIMEOUT (MySQL): max_execution_time
    1317: (  # QUERY_INTERRUPTED
        "the server cancelled this statement because it ran for longer than statement_timeout allows, or because "
        "somebody asked for that (KILL QUERY): make the statement faster, or raise statement_timeout"
    ),
    4031: (
        "the server ended this session because it lay idle for longer than server_idle_timeout allows: return the "
        "connection before long work elsewhere, or raise server_idle_timeout"
    ),
    1129: (
        "the server refuses this host after too many connections that broke off: run FLUSH HOSTS there (mariadb-admin "
        "flush-hosts), and see what breaks them"
    ),
}


def explain(code: int | None, message: str = "") -> str | None:
    """Which option of the pool ended a session or statement, and what to do; None for any other error."""
    if code in _BY_TEXT and not classify(code, message):
        return None  # another server's error of that number
    return _EXPLANATIONS.get(code or 0)
