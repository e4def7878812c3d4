"""A MySQL or MariaDB session as the pool keeps it: the settings it gives each one, and how it is made as new.

One object per pool and driver, shared by all its connections; adapters ask it for SQL.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Literal, final

from ...errors import ConfigError

if TYPE_CHECKING:
    from ..._url import Target
    from ...config import PoolConfig

__all__ = ["DEFAULT_CHARSET", "Session"]

ISOLATION: Final = ("read committed", "repeatable read", "serializable", "read uncommitted")
DEFAULT_CHARSET: Final = "utf8mb4"
#: Unknown system variable, access denied for it, read-only variable, a value that it does not take, a syntax not known:
#: relatives of MySQL, such as TiDB, lack some settings.
_NOT_TO_BE_SET: Final = (1193, 1227, 1238, 1231, 1235, 1064)


@final
class Session:
    """Settings, reset and begin statements of one pool's MySQL sessions."""

    def __init__(self, target: Target, config: PoolConfig) -> None:
        self._idle = config.server_idle_timeout
        self._transaction = config.server_transaction_timeout
        self._statement = config.statement_timeout
        self.charset = target.extra.get("charset", DEFAULT_CHARSET)
        self._collation = target.extra.get("collation")
        self.reset_mode = config.reset
        #: Whether every return owes a reset, whatever was executed.
        self.always_reset = config.reset == "always" or callable(config.reset)
        #: Whether a pooler stands in between: then only the user's SQL and ROLLBACK are sent. MySQL's poolers cannot be
        #: told from a server without a query that makes some of them stop pooling, so the option decides.
        self.pooled = config.pooler not in (None, "auto")
        #: Whether the server ends idle sessions. Assumed until a server says that it cannot.
        self.cleans_up = True
        #: How many of the limits the server knows, the first of them first.
        self._known = 3

    def settings(self, version: str) -> str:
        """What gives a new session, or one that was made as new, its settings; empty behind a pooler.

        COM_RESET_CONNECTION undoes autocommit and the charset, too. Which collation a charset has if none is asked for
        is the server's to say, whatever the library believes. A limit is set only if it is tighter than what the
        server's configuration says.

        Args:
            version: as the server names it in its handshake, by which MariaDB is told from MySQL.
        """
        if self.pooled:
            return ""
        names = f"NAMES {self.charset}" + (f" COLLATE {self._collation}" if self._collation else "")
        return f"SET {', '.join([names, 'SESSION autocommit = 1', *self._limits(version)])}"

    def _limits(self, version: str) -> list[str]:
        limits = []
        if self._idle is not None:
            limits.append(f"wait_timeout = CAST(LEAST(@@wait_timeout, {_whole(self._idle)}) AS UNSIGNED)")
        if "mariadb" in version.lower():
            if self._transaction is not None:
                limits.append(_tighter("idle_transaction_timeout", str(_whole(self._transaction))))
            if self._statement is not None:
                limits.append(_tighter("max_statement_time", f"{self._statement:.3f}"))
        elif self._statement is not None:
            limits.append(_tighter("max_execution_time", str(max(1, round(self._statement * 1000)))))
        return [f"SESSION {limit}" for limit in limits[: self._known]]

    def refused(self, code: int | None) -> bool:
        """Whether the error of our settings means only that the server does not know or permit some of the limits.

        Then there are fewer the next time: at first only that an idle session ends, at last none.
        """
        if code not in _NOT_TO_BE_SET or not self._known:
            return False
        self._known = 1 if self._known > 1 else 0
        if not self._known:
            self.cleans_up = False
            import logging

            logging.getLogger("thawpool").warning(
                "this server does not let a session set wait_timeout, so it is left alone and the pool closes its "
                "connections at the end of each invocation"
            )
        return True

    def owed(self, *, in_transaction: bool, dirty: bool) -> Literal["", "ROLLBACK", "RESET"]:
        """What a return owes: nothing, an end of its transaction, or a session made as new."""
        hook = callable(self.reset_mode)
        if self.pooled or hook or self.reset_mode == "never" or not (dirty or self.reset_mode == "always"):
            return "ROLLBACK" if in_transaction else ""
        return "RESET"

    @staticmethod
    def begin(isolation: str | None, readonly: bool, deferrable: bool) -> list[str]:
        """The statements that begin a transaction with these properties."""
        if deferrable:
            raise ConfigError("deferrable=True: MySQL and MariaDB have no deferrable transactions")
        statements = []
        if isolation is not None:
            level = str(isolation).replace("_", " ").replace("-", " ").strip().lower()
            if level not in ISOLATION:
                raise ConfigError(f"isolation={isolation!r}: MySQL knows {', '.join(map(repr, ISOLATION))}")
            statements.append(f"SET TRANSACTION ISOLATION LEVEL {level.upper()}")
        statements.append("START TRANSACTION READ ONLY" if readonly else "START TRANSACTION")
        return statements


def _whole(seconds: float) -> int:
    """The server counts whole seconds, and 0 would be no limit."""
    return max(1, math.ceil(seconds))


def _tighter(name: str, value: str) -> str:
    """An assignment that leaves a tighter limit alone; 0 means none.

    MySQL takes the value of these functions for a signed number, which it refuses.
    """
    expression = f"IF(@@{name} = 0, {value}, LEAST(@@{name}, {value}))"
    return f"{name} = {expression}" if "." in value else f"{name} = CAST({expression} AS UNSIGNED)"
