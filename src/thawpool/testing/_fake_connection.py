"""The connections of a fake driver: what they remember is what a pool judges them by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..drivers.base import Params, Row, Verdict
from ..errors import LeaseError

if TYPE_CHECKING:
    from .driver import AsyncFakeDriver, FakeDriver

__all__ = ["AsyncFakeConnection", "BaseFakeConnection", "FakeConnection"]

INFINITY = float("inf")


class BaseFakeConnection:
    """One session with the server that does not exist.

    Attributes:
        number: 1 for the first that its driver opened.
        statements: what was executed, in order.
        killed: whether the server has ended the session.
        closed: whether our end is closed.
        verdict: what its next return shall be judged as; None: judge by what was executed.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.leased = False
        self.until = INFINITY
        self.holder: object = None
        self.statements: list[str] = []
        self.killed = self.closed = False
        self.verdict: Verdict | None = None
        self._dirty = self._transaction = False

    def __repr__(self) -> str:
        state = "closed" if self.closed else "killed" if self.killed else "open"
        return f"<{type(self).__name__} {self.number} {state}>"

    def in_transaction(self) -> bool:
        return self._transaction

    def judge(self) -> Verdict:
        """What it is worth on its return."""
        verdict, self.verdict = self.verdict, None
        if verdict is not None:
            return verdict
        if self.killed or self.closed:
            return Verdict.LOST
        return Verdict.DIRTY if self._dirty or self._transaction else Verdict.CLEAN

    def clean(self) -> None:
        self._dirty = self._transaction = False

    def note(self, sql: str) -> None:
        """Remember a statement, and what it leaves behind."""
        if not self.leased:
            raise LeaseError("this connection was returned to the pool and must not be used any more")
        self.statements.append(sql)
        word = sql.split(maxsplit=1)[0].upper() if sql.strip() else ""
        if word in ("BEGIN", "START"):
            self._transaction = True
        elif word in ("COMMIT", "ROLLBACK", "END"):
            self._transaction = False
        elif word in ("SET", "LISTEN", "PREPARE", "DECLARE", "CREATE"):
            self._dirty = True


class FakeConnection(BaseFakeConnection):
    """What ``Pool.connection`` yields over a ``FakeDriver``."""

    def __init__(self, number: int, driver: FakeDriver) -> None:
        super().__init__(number)
        self._driver = driver

    def execute(self, sql: str, params: Params | None = None) -> list[Row]:
        """Run a statement and return its rows.

        Raises:
            FakeError: the session is gone.
            LeaseError: the connection is not leased.
        """
        return self._driver.fetch(self, sql, params)


class AsyncFakeConnection(BaseFakeConnection):
    """What ``AsyncPool.connection`` yields over an ``AsyncFakeDriver``."""

    def __init__(self, number: int, driver: AsyncFakeDriver) -> None:
        super().__init__(number)
        self._driver = driver

    async def execute(self, sql: str, params: Params | None = None) -> list[Row]:
        """As ``FakeConnection.execute``."""
        result: Any = await self._driver.fetch(self, sql, params)
        return result  # type: ignore[no-any-return]
