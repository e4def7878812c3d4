"""What the plainer adapters to PostgreSQL do alike: greeting, reset, what an error means."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from .._adapter import Adapter
from . import explain, unsent
from .alive import ANSWER_TIMEOUT, Address, answers
from .session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..._url import Target
    from ...config import PoolConfig

__all__ = ["OfPostgreSQL"]


class OfPostgreSQL(Adapter):
    """The server's part of an adapter for threads, to be mixed with ``ThreadAdapter``."""

    system: ClassVar[Literal["postgresql"]] = "postgresql"
    session: Session

    def __init__(self, target: Target, config: PoolConfig) -> None:
        super().__init__(target, config)
        self.session = Session(target, config)

    # -- a driver's steps ------------------------------------------------------------------------

    @abstractmethod
    def backend(self, conn: Any) -> int:
        """The process id that the server named in its handshake."""

    @abstractmethod
    def address(self, conn: Any) -> Address:
        """Where the server of this connection is to be found."""

    # -- the server's part -----------------------------------------------------------------------

    async def _greet(self, conn: Any) -> None:
        greeting = self.session.greeting(self.backend(conn))
        if greeting is None:
            return
        try:
            names, rows, _ = await self._send(conn, greeting)
        except self.failures as error:
            if not self.session.refused(self.code(error)):
                raise
        else:
            self.session.greeted(dict(zip(names, rows[0], strict=True)))

    async def _clear(self, conn: Any) -> bool:
        text = self.session.reset(in_transaction=conn.transacting(), dirty=conn.dirty)
        if text:
            await self._send(conn, text)
        return text not in ("", "ROLLBACK")

    async def _answers(self, conn: Any) -> bool:
        return answers(self.address(conn), ANSWER_TIMEOUT)

    def beginning(self, isolation: str | None, readonly: bool, deferrable: bool) -> Sequence[str]:
        return (self.session.begin(isolation, readonly, deferrable),)

    def unsent(self, error: BaseException) -> bool:
        return unsent(self.code(error), str(error))

    def explain(self, error: BaseException) -> str | None:
        return explain(self.code(error), str(error))
