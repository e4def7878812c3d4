"""A PostgreSQL session as the pool keeps it: the settings it gives each one, and what it learns of the server.

One object per pool and driver, shared by all its connections; adapters ask it for SQL and tell it rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, final

from ...errors import ConfigError
from . import limits_sql, reset_sql

if TYPE_CHECKING:
    from ..._url import Target
    from ...config import PoolConfig

__all__ = ["Session"]

ISOLATION: Final = ("read committed", "repeatable read", "serializable", "read uncommitted")
#: How often the server looks, while a statement runs, whether its client is still there: what ends the
#: statement of an instance that vanished, or of a caller that gave up.
CHECK_INTERVAL: Final = 2.0


@final
class Session:
    """Settings, reset and begin statements of one pool's PostgreSQL sessions."""

    def __init__(self, target: Target, config: PoolConfig) -> None:
        limits = {
            "idle_session_timeout": config.server_idle_timeout,
            "idle_in_transaction_session_timeout": config.server_transaction_timeout,
            "statement_timeout": config.statement_timeout,
            "client_connection_check_interval": CHECK_INTERVAL,
        }
        #: What each direct session is given, in the server's words; never what the user's URL sets.
        self.settings: Mapping[str, str] = {
            name: f"{max(1, round(seconds * 1000))}ms"
            for name, seconds in limits.items()
            if seconds is not None and name not in target.settings
        }
        self.reset_mode = config.reset
        #: Whether every return owes a reset, whatever was executed.
        self.always_reset = config.reset == "always" or callable(config.reset)
        #: Whether a pooler stands in between: then only the user's SQL and ROLLBACK are sent.
        self.pooled = config.pooler not in (None, "auto")
        self.detect = config.pooler == "auto"
        #: Whether the server ends idle sessions. Assumed until a server says that it cannot.
        self.cleans_up = True
        #: Whether the server refused the greeting: a relative of PostgreSQL that lacks its catalogs.
        self.foreign = False
        self._warned = False

    def greeting(self, pid: int) -> str | None:
        """The one statement to send on a new connection, or None where none is wanted."""
        if self.pooled or self.foreign or (not self.settings and not self.detect):
            return None
        return limits_sql(self.settings, pid)

    def greeted(self, row: Mapping[str, Any]) -> None:
        """Learn from the greeting's answer."""
        if self.detect:
            self.pooled = bool(row["pooled"])
        wanted = "idle_session_timeout" in self.settings
        self.cleans_up = self.pooled or not wanted or bool(row["cleans_up"])
        if not self.cleans_up:
            self._warn(
                "this PostgreSQL server is older than 14 and cannot end idle sessions by itself, so the pool "
                "closes its connections at the end of each invocation; upgrade the server to keep them"
            )

    def refused(self, code: str | None) -> bool:
        """Whether the greeting's error means only that the server does not know or permit what it asks.

        Such a server is left alone from then on; its connections are as good as any.
        """
        if code is None or code[:2] not in ("0A", "42"):
            return False
        self.foreign = True
        self.cleans_up = False
        self._warn(
            "this server does not let a session ask for and set its limits as PostgreSQL does, so it is left "
            "alone and the pool closes its connections at the end of each invocation"
        )
        return True

    def _warn(self, text: str) -> None:
        if not self._warned:
            self._warned = True
            import logging

            logging.getLogger("thawpool").warning(text)

    def reset(self, *, in_transaction: bool, dirty: bool) -> str:
        """What makes a session clean again in one round trip; '' if nothing is owed."""
        if (
            self.pooled
            or callable(self.reset_mode)
            or self.reset_mode == "never"
            or not (dirty or self.reset_mode == "always")
        ):
            return "ROLLBACK" if in_transaction else ""
        return reset_sql(self.settings, rollback=in_transaction)

    @staticmethod
    def begin(isolation: str | None, readonly: bool, deferrable: bool) -> str:
        """The statement that begins a transaction with these properties."""
        words = ["BEGIN"]
        if isolation is not None:
            level = str(isolation).replace("_", " ").replace("-", " ").strip().lower()
            if level not in ISOLATION:
                raise ConfigError(
                    f"isolation={isolation!r}: PostgreSQL knows {', '.join(map(repr, ISOLATION))}"
                )
            words.append(f"ISOLATION LEVEL {level.upper()}")
        if readonly:
            words.append("READ ONLY")
        if deferrable:
            words.append("DEFERRABLE")
        return " ".join(words)
