"""Transactions as blocks: BEGIN at the start, COMMIT at the end, ROLLBACK on an exception."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from ._flows import RESET_TIMEOUT
from ._lease import Lease
from .drivers.base import Sight
from .errors import LeaseError, PoolError

if TYPE_CHECKING:
    from ._sync_runner import SyncRunner
    from .drivers.base import Params, Row

__all__ = ["BaseTransaction", "Transaction"]


class BaseTransaction:
    """State and decisions of both kinds of transaction."""

    __slots__ = ("_conn", "_lease", "_options", "_pool", "_until")

    def __init__(self, pool: Any, lease: Any, options: tuple[str | None, bool, bool]) -> None:
        self._pool = pool
        self._lease = lease
        self._options = options
        self._conn: Any = None

    @property
    def connection(self) -> Any:
        """The driver's own connection, in this transaction."""
        if self._conn is None:
            raise LeaseError("a transaction is usable only inside its `with` block")
        return self._conn

    def _refuse_reuse(self) -> None:
        if self._conn is not None:
            raise LeaseError("this transaction is in use already; call pool.transaction() for each block")

    @staticmethod
    def _begin_again(error: BaseException, lost: bool) -> bool:
        """BEGIN on a connection that died had no effect, so another may be tried, once."""
        return lost and isinstance(error, Exception) and not isinstance(error, PoolError)

    def _began(self, conn: Any) -> None:
        self._conn = conn
        self._until = conn.until

    def _limit(self, sql: str, params: object, timeout: float | None) -> Any:
        """Check a statement and bound it. Returns the connection to run it on."""
        conn = self.connection
        _, until = self._pool._statement_ends(sql, params, timeout)
        if timeout is not None:
            conn.until = min(until, self._until)
        return conn

    @staticmethod
    def _rolled_back() -> PoolError:
        return PoolError(
            "the transaction was rolled back, not committed: a statement in it had failed and the error was "
            "caught inside the block; let the exception leave the block, or put a savepoint around that statement"
        )


@final
class Transaction(BaseTransaction):
    """What ``Pool.transaction`` answers and its block yields."""

    __slots__ = ()
    _pool: SyncRunner
    _lease: Lease

    def __enter__(self) -> Transaction:
        self._refuse_reuse()
        pool = self._pool
        for last in (False, True):
            conn = self._lease.__enter__()
            driver = pool._driver
            assert driver is not None
            try:
                driver.begin(conn, *self._options)
            except BaseException as error:
                lost = driver.lost(conn)
                self._lease.__exit__()
                if last or not self._begin_again(error, lost):
                    pool._raise_if_lost(error, lost)
                    raise
            else:
                self._began(conn)
                break
        return self

    def __exit__(self, exc_type: type[BaseException] | None, *exc: object) -> None:
        conn, driver = self._conn, self._pool._driver
        assert driver is not None
        try:
            if exc_type is None:
                if not self._call(driver.commit, conn):
                    raise self._rolled_back()
            elif driver.in_transaction(conn) and driver.look(conn) is not Sight.GONE:
                try:
                    driver.rollback(conn, RESET_TIMEOUT)
                except Exception:
                    pass  # the block's own exception matters; the lease retires the connection
        finally:
            self._conn = None
            self._lease.__exit__()

    def _call(self, verb: Any, conn: Any, *args: Any) -> Any:
        try:
            return verb(conn, *args)
        except BaseException as error:
            self._pool._raise_if_lost(error, self._pool._driver.lost(conn))  # type: ignore[union-attr]
            raise
        finally:
            conn.until = self._until  # the timeout of one statement does not bind the next

    def query(
        self,
        sql: str,
        params: Params | None = None,
        *,
        timeout: float | None = None,
        idempotent: bool = False,
    ) -> list[Row]:
        """As ``Pool.query``, in this transaction, where nothing is ever repeated, ``idempotent`` or not."""
        conn = self._limit(sql, params, timeout)
        return self._call(self._pool._driver.fetch, conn, sql, params)  # type: ignore[union-attr,no-any-return]

    def query_one(
        self,
        sql: str,
        params: Params | None = None,
        *,
        timeout: float | None = None,
        idempotent: bool = False,
    ) -> Row | None:
        """As ``Pool.query_one``, in this transaction."""
        rows = self.query(sql, params, timeout=timeout)
        return rows[0] if rows else None

    def execute(
        self,
        sql: str,
        params: Params | None = None,
        *,
        timeout: float | None = None,
        idempotent: bool = False,
    ) -> int:
        """As ``Pool.execute``, in this transaction."""
        conn = self._limit(sql, params, timeout)
        return self._call(self._pool._driver.execute, conn, sql, params)  # type: ignore[union-attr,no-any-return]
