"""What the adapters to psycopg share, for threads and for asyncio: the verbs that never wait, and what both send."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import psycopg
from psycopg import generators
from psycopg.conninfo import make_conninfo
from psycopg.pq import ConnStatus, TransactionStatus

from ..._url import libpq_options
from ...errors import ConnectFailed
from .. import _dial
from .._placeholders import compile_placeholders
from .._postgresql import explain, unsent
from .._postgresql.session import Session
from .._socket import orphan, shut, sight, watch
from ..base import Params, Sight, Verdict
from .marks import INFINITY
from .waits import Expired

if TYPE_CHECKING:
    from ..._url import Target
    from ...config import PoolConfig

__all__ = ["PsycopgCommon", "ping"]

IDLE = TransactionStatus.IDLE
CLEAN = Verdict.CLEAN
ALIVE = ConnStatus.OK
#: feature_not_supported, for "cached plan must not change result type", and invalid_sql_statement_name.
OUTDATED = ("0A000", "26000")
#: How psycopg begins the names of what it prepares.
PREPARED = "_pg3_"
AT_REST = (TransactionStatus.IDLE, TransactionStatus.INTRANS, TransactionStatus.INERROR)


class PsycopgCommon:
    """The verbs that never wait, and what both flavours prepare alike."""

    system: ClassVar[Literal["postgresql"]] = "postgresql"

    def __init__(self, target: Target, config: PoolConfig) -> None:
        _dial.check_files(target)
        self.target = target
        self.config = config
        self.session = Session(target, config)

    # -- dialing ---------------------------------------------------------------------------------

    def _conninfos(self, password: str | None, addresses: Mapping[str, list[str]]) -> Iterator[str]:
        """A libpq connection string for each address to try: the URL's hosts in their order.

        libpq would go through them by itself, but without a deadline over all.
        """
        seconds = max(1, round(self.config.tcp_timeout))
        options: dict[str, Any] = {
            "keepalives": 1,
            "keepalives_idle": seconds,
            "keepalives_interval": max(1, seconds // 3),
            "keepalives_count": 3,
            "tcp_user_timeout": round(self.config.tcp_timeout * 1000),
            **libpq_options(self.target),
        }
        if password is not None:
            options["password"] = password
        wanted = options.pop("target_session_attrs", None)
        for role in ("standby", "any") if wanted == "prefer-standby" else (wanted,):
            for host, port in self.target.hosts:
                for address in addresses.get(host, [""]):
                    where = {"host": host, "port": port, "hostaddr": address, "target_session_attrs": role}
                    yield make_conninfo(
                        "", **options, **{key: value for key, value in where.items() if value}
                    )

    def _failed(self, error: BaseException, timeout: float) -> Exception:
        """Our error for a dial that ended with ``error``."""
        if isinstance(error, Expired):
            return _dial.silent(self.target, timeout)
        if isinstance(error, psycopg.Error):
            error._pgconn = None  # it holds the password, and tools that report errors look into it
        return _dial.refused(self.target, error, getattr(error, "sqlstate", None))

    def _adopted(self, conn: Any, row: Mapping[str, Any] | None) -> None:
        """Take in the server's answer to the greeting."""
        conn.watch = watch(conn.pgconn.socket)
        if row is not None:
            self.session.greeted(row)
        if self.session.pooled:
            conn.prepare_threshold = None  # a prepared statement would be on some other server next time

    def _settle(self, conn: Any) -> None:
        """The last step of a dial: what is set now is what every borrower shall find."""
        if conn.pgconn.transaction_status != IDLE:
            raise ConnectFailed(
                "the configure hook left the connection in a transaction or in the middle of a command; "
                "let it commit and finish what it starts"
            )
        conn.remember()
        conn.dirty = conn.marked = conn.noted = conn.leased = False
        conn.until = INFINITY
        conn.silence = self.config.tcp_timeout

    # -- verbs that never wait -------------------------------------------------------------------

    def close(self, conn: Any) -> None:
        conn._closed = True
        conn.pgconn.finish()  # a goodbye is sent if the socket takes it without blocking

    def abandon(self, conn: Any) -> None:
        if conn.pgconn.status == ALIVE:
            orphan(conn.pgconn.socket)
        self.close(conn)

    def abort(self, conn: Any) -> None:
        if conn.pgconn.status == ALIVE:
            shut(conn.pgconn.socket)

    def look(self, conn: Any) -> Sight:
        return sight(conn.watch(0)) if conn.pgconn.status == ALIVE else Sight.GONE

    def in_transaction(self, conn: Any) -> bool:
        return bool(conn.in_transaction())

    def lost(self, conn: Any) -> bool:
        return bool(conn.pgconn.status != ALIVE)

    def verdict(self, conn: Any) -> Verdict:
        conn.noted = (
            False  # what was announced and never sent must not vouch for the next borrower's first step
        )
        status = conn.pgconn.transaction_status
        rows, cursors, server_cursors = conn.factories
        if (
            status == 0
            and not conn.marked
            and conn.row_factory is rows
            and conn.cursor_factory is cursors
            and conn.server_cursor_factory is server_cursors
            and not conn._adapters.changed
            and not conn._adapters.types.changed
            and not conn._num_transactions
            and not self.session.always_reset
        ):
            return CLEAN
        if conn.condemned:
            return Verdict.FAILOVER
        if conn.pgconn.status != ALIVE:
            return Verdict.BUSY if conn._closed or conn.overran else Verdict.LOST
        if status not in AT_REST or conn._pipeline is not None or conn._num_transactions:
            # An unfinished block may end at any time, and would end the next borrower's work.
            return Verdict.BUSY
        conn.restore()
        owed = status != IDLE or conn.dirty or self.session.always_reset
        return Verdict.DIRTY if owed else CLEAN

    def unsent(self, error: BaseException) -> bool:
        return unsent(getattr(error, "sqlstate", None), str(error))

    def explain(self, error: BaseException) -> str | None:
        return explain(getattr(error, "sqlstate", None))

    def cleans_up(self) -> bool:
        return self.session.cleans_up

    @staticmethod
    def _outdated(conn: Any, error: psycopg.Error) -> bool:
        """Whether a statement failed, before it ran, because a migration outdated what was prepared for it.

        A return then owes a reset, which prepares everything anew. Inside a transaction the statement cannot be
        repeated, since the transaction has failed with it.
        """
        if error.sqlstate not in OUTDATED or not conn.has_prepared():
            return False
        if error.sqlstate == "0A000" and error.diag.source_function != "RevalidateCachedQuery":
            return False
        if error.sqlstate == "26000" and PREPARED not in (error.diag.message_primary or ""):
            return False  # it speaks of a name of the borrower's own, maybe in the middle of a procedure
        conn.dirty = conn.marked = True
        return bool(conn.pgconn.transaction_status == IDLE)

    # -- what both flavours send -----------------------------------------------------------------

    @staticmethod
    def _arranged(sql: str, params: Params | None) -> tuple[str, Any]:
        """A statement as the server takes it, and its parameters in the server's own order."""
        if params is None:
            return sql, None
        compiled = compile_placeholders(sql)
        return compiled.text, compiled.arrange(params)

    def _owed(self, conn: Any) -> tuple[str, bool]:
        """The reset to send, if any, and whether it undoes what ``configure`` did."""
        text = self.session.reset(in_transaction=conn.in_transaction(), dirty=conn.dirty)
        undone = text not in ("", "ROLLBACK")
        if text:
            if not undone and conn.has_prepared():
                text += "; DEALLOCATE ALL"
            conn.forget_prepared()  # first: psycopg would spend a round trip on a DEALLOCATE ALL of its own
        return text, undone and self.config.configure is not None


def ping(pgconn: Any) -> Generator[Any, Any, None]:
    """An empty query: the cheapest round trip there is."""
    pgconn.send_query(b"")
    yield from generators.execute(pgconn)
