"""PostgreSQL through pg8000, for threads."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from pg8000.core import i_unpack, ii_pack, scramp
from pg8000.exceptions import DatabaseError, Error

from .._adapter import Result
from .._dial import Expired
from .._postgresql.adapter import OfPostgreSQL
from .._postgresql.alive import Address
from .._shells import ThreadAdapter
from .._timed_socket import TimedSSLSocket, dial
from .connection import Connection, sqlstate
from .wire import secured

if TYPE_CHECKING:
    from ..._url import Target
    from ...config import PoolConfig
    from ..base import Params

__all__ = ["Pg8000"]

CANCEL_REQUEST: Final = ii_pack(16, 80877102)
#: How long a server may take to hear that a statement was given up, in seconds.
FAREWELL: Final = 0.1


class Refused(DatabaseError):  # type: ignore[misc]
    """What the server said to a dial. pg8000's own shows all fields of it as a dict."""

    def __str__(self) -> str:
        return f"{self.args[0].get('S', 'ERROR')}: {self.args[0].get('M', '')}"


class Pg8000(OfPostgreSQL, ThreadAdapter):
    """pg8000 for threads."""

    failures = (Error, OSError, scramp.ScramException)

    def __init__(self, target: Target, config: PoolConfig) -> None:
        super().__init__(target, config)
        from ..._url import pg8000_options
        from ..._url.tls import client_context

        self.options = pg8000_options(target)
        context = self.options.pop("ssl_context")
        self.strict = bool(context)
        self.context = client_context("require", None) if context is None else context or None
        if self.context is not None:
            self.context.sslsocket_class = TimedSSLSocket

    def open(self, host: str, port: int, address: str, password: str | None, until: float) -> Any:
        route = partial(self.route, host, port, address)
        try:
            return Connection(route, until, password=password, **self.options)
        except DatabaseError as error:
            raise Refused(*error.args) from None
        except TimeoutError:
            raise Expired from None

    def route(self, host: str, port: int, address: str, until: float) -> Any:
        """A socket to the server, with TLS as the URL says. There is none over a Unix socket."""
        unix = host.startswith(("/", "@"))
        sock = dial(
            f"{host}/.s.PGSQL.{port}" if unix else host, port, address, until, self.config.tcp_timeout
        )
        if self.context is None or unix:
            return sock
        try:
            return secured(sock, self.context, host, self.strict, until)
        except BaseException:
            sock.close()
            raise

    async def _clear(self, conn: Any) -> bool:
        undone = await super()._clear(conn)
        if undone:
            conn._statement_nums.clear()
        return undone

    async def _tell(self, conn: Any) -> None:
        if conn.serviced or not conn.running:
            return
        until = monotonic() + FAREWELL
        with suppress(Exception), conn.route(until) as sock:
            sock.sendall(CANCEL_REQUEST + conn._backend_key_data)
            sock.settimeout(max(0.001, until - monotonic()))
            sock.recv(1)  # its end: a pooler would forget the request of a client that has left

    async def _commit(self, conn: Any) -> bool:
        """The server would roll a failed transaction back, too, and pg8000 would call that an error."""
        failed = conn.failed()
        await self._send(conn, "ROLLBACK" if failed else "COMMIT")
        return not failed

    def arranged(self, sql: str, params: Params | None) -> tuple[str, Sequence[object] | None]:
        if params is None:
            return sql, None
        from .._placeholders import compile_placeholders

        compiled = compile_placeholders(sql)
        return compiled.text, compiled.arrange(params)

    def run(self, conn: Any, text: str, arguments: Sequence[object] | None) -> Result:
        """The first result, and how many rows all of them touched."""
        answer = conn.execute_simple(text) if arguments is None else conn.execute_unnamed(text, arguments)
        if not answer.results:
            return None, (), answer.row_count
        columns, _ = answer.results[0]
        rows = answer.rows if len(answer.results) == 1 else answer.rows[: answer.results[1][1]]
        return tuple([column["name"] for column in columns]), rows, answer.row_count

    def ping(self, conn: Any) -> None:
        conn.noted = True
        conn.execute_simple("")

    def backend(self, conn: Any) -> int:
        return int(i_unpack(conn._backend_key_data)[0])

    def address(self, conn: Any) -> Address:
        return conn.peer if isinstance(conn.peer, str) else conn.peer[:2]

    def code(self, error: BaseException) -> str | None:
        return sqlstate(error)

    def fileno(self, conn: Any) -> int:
        return int(conn._usock.fileno())

    def goodbye(self, conn: Any) -> None:
        conn.part()
