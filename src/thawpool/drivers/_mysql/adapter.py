"""What every adapter to MySQL and MariaDB does alike: greeting, reset, commit, what an error means."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ..._url import mysql_context, mysql_options
from .._adapter import Adapter
from .._dial import awaited
from ..base import Params
from .errors import explain, from_server, unsent
from .session import Session

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    from ..._url import Target
    from ...config import PoolConfig

__all__ = ["COM_RESET_CONNECTION", "FOUND_ROWS", "OfMySQL"]

COM_RESET_CONNECTION = 0x1F
#: CLIENT_FOUND_ROWS: an UPDATE counts the rows that it matched, as PostgreSQL does, and not those that it changed.
FOUND_ROWS = 0x2
#: How long a server may take to say that it is there, in seconds.
ANSWER_TIMEOUT = 1.0
#: How long a server may take to hear that a statement was given up. A live one takes some milliseconds, and would
#: otherwise go on with it to its end; a dead one shall not cost more.
FAREWELL = 0.1
#: Whether a session is ours: its number, our port (none on a Unix socket, where there is no other server), and how its
#: statement begins, in so many characters, since a proxy in between has a port of its own.
OURS = """\
SELECT 1 FROM information_schema.processlist WHERE id = %s AND (
  %s IS NULL OR host LIKE %s OR user = SUBSTRING_INDEX(USER(), '@', 1) AND LEFT(TRIM(info), %s) = %s)"""
#: How many characters of a statement are compared at the most, and at the least: fewer prove nothing.
COMPARED, TELLING = 500, 8
#: How libraries begin the error of a connection that was closed before.
CLOSED = "(0, "


def _beginning(sent: str | bytes | bytearray | None) -> str:
    """How a statement begins, as far as the list of sessions shows it as it was sent: trimmed, and in ASCII."""
    text = (sent if isinstance(sent, str) else bytes(sent or b"").decode("utf-8", "replace")).strip()[
        :COMPARED
    ]
    end = next((at for at, character in enumerate(text) if character > "\x7f"), len(text))
    begins = text[:end].rstrip()
    return begins if len(begins) >= TELLING else "nothing that is ever sent"


def any_context() -> ssl.SSLContext:
    """TLS for whoever did not ask for it: against listeners, with any certificate, as libpq and MySQL's client do."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class OfMySQL(Adapter):
    """The server's part of an adapter, to be mixed with ``ThreadAdapter`` or ``AsyncAdapter``."""

    system: ClassVar[Literal["mysql"]] = "mysql"
    session: Session

    def __init__(self, target: Target, config: PoolConfig) -> None:
        super().__init__(target, config)
        self.session = Session(target, config)
        self.options: dict[str, Any] = mysql_options(target)
        self._demanded = mysql_context(target)
        #: Whether nothing may be sent in plain text.
        self.strict = self._demanded is not None

    @cached_property
    def context(self) -> ssl.SSLContext | None:
        """For drivers that leave TLS to Python: as the URL demands it, else as good as the server offers it."""
        if self._demanded is None and self.target.sslmode != "disable":
            return any_context()
        return self._demanded

    # -- a driver's steps ------------------------------------------------------------------------

    @abstractmethod
    def version(self, conn: Any) -> str:
        """The server's version as its handshake names it."""

    @abstractmethod
    def renew(self, conn: Any) -> Any:
        """Have the server make the session as new: COM_RESET_CONNECTION or what does the same."""

    @abstractmethod
    def number(self, conn: Any) -> int:
        """The server's number for the session."""

    @abstractmethod
    def use(self, conn: Any, database: str) -> Any:
        """Change the session's database: COM_INIT_DB."""

    # -- the server's part -----------------------------------------------------------------------

    async def _greet(self, conn: Any) -> None:
        while text := self.session.settings(self.version(conn)):
            try:
                await self._send(conn, text)
                break
            except self.failures as error:
                if not self.session.refused(self.code(error)):
                    raise

    async def _clear(self, conn: Any) -> bool:
        owed = self.session.owed(in_transaction=conn.transacting(), dirty=conn.dirty)
        if owed == "ROLLBACK":
            await self._send(conn, "ROLLBACK")
        if owed != "RESET":
            return False
        conn.noted = True
        await awaited(self.renew(conn))
        await self._send(conn, self.session.settings(self.version(conn)))
        await self._home(conn)
        return True

    async def _home(self, conn: Any) -> None:
        """A reset leaves the session in the database that its borrower chose. Without one of our own there is no way
        back."""
        if self.target.database is not None:
            conn.noted = True
            await awaited(self.use(conn, self.target.database))
            return
        _, rows, _ = await self._send(conn, "SELECT DATABASE()")
        if next(iter(rows[0])) is not None:
            conn.hang_up()

    async def _answers(self, conn: Any) -> bool:
        """By a dial, as the server speaks first, and to hang up on it would count as an error of this host's."""
        other, failure = await self._dial(monotonic() + ANSWER_TIMEOUT, conn.where)
        if other is not None:
            self.close(other)
            return True
        code = self.code(failure)
        return from_server(code)

    async def _tell(self, conn: Any) -> None:
        """MySQL has no other way than a session that kills the other one. What it cannot do in no time is left undone.

        Behind a load balancer that session may be at another server, where the number is a stranger's. So it is made
        sure that the one it would kill came from our end of the connection, or runs our statement for our user.
        """
        if self.session.pooled or conn.serviced or not conn.running:
            return
        until = monotonic() + FAREWELL
        other = None
        try:
            number = self.number(conn)
            other, _ = await self._dial(until, conn.where)
            if other is not None:
                other.until = until
                begins = _beginning(conn.sent)
                proof = (number, conn.port or None, f"%:{conn.port}", len(begins), begins)
                text, arguments = self.arranged(OURS, proof)
                other.noted = True
                _, ours, _ = await awaited(self.run(other, text, arguments))
                if ours:
                    await self._send(other, f"KILL {number}")
        except Exception:
            pass  # it is gone already, or the server is
        finally:
            if other is not None:
                self.close(other)

    async def _commit(self, conn: Any) -> bool:
        if conn.doubtful and conn.transacting():
            await awaited(self.ping(conn))  # whose answer tells whether a transaction is still open
        gone = conn.undone or (conn.doubtful and not conn.transacting())
        await self._send(conn, "COMMIT")
        return not gone

    def beginning(self, isolation: str | None, readonly: bool, deferrable: bool) -> Sequence[str]:
        return self.session.begin(isolation, readonly, deferrable)

    def arranged(self, sql: str, params: Params | None) -> tuple[str, Sequence[object] | None]:
        if params is None:
            return sql, None
        from .._placeholders import FORMAT_MYSQL, compile_placeholders

        compiled = compile_placeholders(sql, FORMAT_MYSQL)
        return compiled.text, compiled.arrange(params)

    def unsent(self, error: BaseException) -> bool:
        return unsent(self.code(error), str(error)) or str(error).startswith(CLOSED)

    def explain(self, error: BaseException) -> str | None:
        return explain(self.code(error), str(error))
