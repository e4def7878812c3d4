"""What the adapters to asyncmy and aiomysql do alike, whose connections are ``streams``."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any, ClassVar

from .._adapter import Result
from .._dial import Expired
from .._shells import AsyncAdapter
from .adapter import COM_RESET_CONNECTION, FOUND_ROWS, OfMySQL

__all__ = ["OverStreams"]


class OverStreams(OfMySQL, AsyncAdapter):
    """An adapter for asyncio, but for the library's own classes and words."""

    #: The library's connection class, instrumented; its cursor; and the base of its errors.
    connection: ClassVar[Any]
    cursor: ClassVar[Any]
    error: ClassVar[type[Exception]]
    #: How the library calls our options; None for what it does not know, and a statement of ours says later.
    words: ClassVar[Mapping[str, str | None]] = {"collation": None}
    #: What else the connection class is given.
    further: ClassVar[Mapping[str, Any]] = {}

    async def open(self, host: str, port: int, address: str, password: str | None, until: float) -> Any:
        unix = host.startswith("/")
        named = {self.words.get(name, name): value for name, value in self.options.items()}
        conn = self.connection(
            host=address or host,
            port=port,
            unix_socket=host if unix else None,
            password=(password or "").encode().decode("latin-1"),  # the libraries make Latin-1 of it
            ssl=None if unix else self.context,
            autocommit=True,
            client_flag=FOUND_ROWS,
            **{name: value for name, value in named.items() if name is not None},
            **self.further,
        )
        conn.name, conn.strict, conn.tcp_timeout = host, self.strict, self.config.tcp_timeout
        try:
            async with asyncio.timeout(until - monotonic()):
                await conn.reach()
        except TimeoutError:
            raise Expired from None
        finally:
            conn.forget_password()
        conn.opened()
        return conn

    async def run(self, conn: Any, text: str, arguments: Sequence[object] | None) -> Result:
        if arguments is not None:
            text = self.cursor(conn).mogrify(text, arguments)
        await conn.query(text)
        result = conn._result
        while conn._result.has_next:  # a procedure's, whose last one is its end
            await conn.next_result()
        if result.description is None:
            return None, (), result.affected_rows
        return tuple([column[0] for column in result.description]), result.rows, result.affected_rows

    async def ping(self, conn: Any) -> None:
        await conn.ping()

    async def renew(self, conn: Any) -> None:
        await conn._execute_command(COM_RESET_CONNECTION, b"")
        await conn._read_ok_packet()

    def number(self, conn: Any) -> int:
        return int(conn.thread_id())

    async def use(self, conn: Any, database: str) -> None:
        await conn.select_db(database)

    def version(self, conn: Any) -> str:
        return str(conn.server_version)

    def code(self, error: BaseException) -> int | None:
        number = error.args[0] if isinstance(error, self.error) and error.args else None
        return number if isinstance(number, int) and number else None

    def fileno(self, conn: Any) -> int:
        return int(conn.sock.fileno())

    def goodbye(self, conn: Any) -> None:
        conn.part()
