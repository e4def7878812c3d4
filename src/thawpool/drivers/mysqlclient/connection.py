"""mysqlclient's connection, instrumented: all of its calls that may wait go through ``io``."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, ClassVar, Final

import MySQLdb
from MySQLdb import _mysql as library
from MySQLdb.connections import Connection as Plain

from .. import _mysql
from .._guarded import Guarded
from .._mysql.statements import CACHE_SIZE, LONGEST

__all__ = ["Connection", "code_of"]

READ_ONLY_TRANSACTION: Final = 1792
SERVER_LOST: Final = 2013
#: What a text must hold if it begins or ends a transaction.
TURN: Final = re.compile(rb"\b(?:begin|start|commit|rollback)\b", re.IGNORECASE)


def turn_of(sent: bytes) -> bool | None:
    """Whether a transaction is open after this text; None if it says nothing about that.

    One that is too long to be read says nothing: it owes a reset, or else its parameters are what makes it long.
    """
    return _turn(sent) if len(sent) <= LONGEST else None


@lru_cache(CACHE_SIZE)
def _turn(sent: bytes) -> bool | None:
    if TURN.search(sent) is None:
        return None
    sql = sent.decode("utf-8", "replace")
    if _mysql.opens_transaction(sql):
        return True
    return False if _mysql.ends_transaction(sql) else None


def code_of(error: BaseException) -> int | None:
    """The number of an error."""
    number = error.args[0] if isinstance(error, MySQLdb.MySQLError) and error.args else None
    return number if isinstance(number, int) and number else None


class Stream(library.result):  # type: ignore[misc]
    """The rows of ``SSCursor`` and its like, read from the server as they are asked for."""

    ended: bool = True

    def __init__(self, conn: Connection, converter: Any) -> None:
        self.conn = conn
        super().__init__(conn, True, converter)
        self.ended = False
        conn.streaming = True

    def fetch_row(self, maxrows: int = 1, how: int = 0) -> Any:
        rows = self.conn.io("", super().fetch_row, maxrows, how)
        if not maxrows or len(rows) < maxrows:
            self._end()
        return rows

    def discard(self) -> None:
        self.conn.io("", super().discard)
        self._end()

    def _end(self) -> None:
        self.ended, self.conn.streaming = True, False

    def __del__(self) -> None:
        """The library would now read what is left, however long that takes."""
        if not self.ended:
            try:
                self.discard()
            except Exception:
                self.conn.hang_up()


class Connection(Guarded, Plain):  # type: ignore[misc]
    """``MySQLdb.connections.Connection`` as the pool lends it."""

    server: ClassVar[Any] = _mysql
    settings: ClassVar[tuple[str, ...]] = (
        "cursorclass", "converter", "encoders", "encoding", "executemany_fallback",
    )  # fmt: skip
    tables: ClassVar[tuple[str, ...]] = ("converter", "encoders")
    stated: ClassVar[tuple[str, ...]] = ("database",)
    #: Whether a transaction is open, by what was sent: the library does not pass on the server's word.
    in_block: bool = False
    #: Whether rows of a ``Stream`` are still to be read.
    streaming: bool = False
    #: Whether the connection is lost, which the library does not tell.
    gone: bool = False
    #: Whether something was changed that a reset may not put back.
    spoiled: bool = False

    # -- statements ------------------------------------------------------------------------------

    def answer(self, query: bytes) -> Any:
        """Run a statement and read its result to the end; None if it has none."""
        return self.io(query, self._answer, query)

    def _answer(self, query: bytes) -> Any:
        self._ask(query)
        return Plain.store_result(self)

    def _ask(self, query: bytes) -> None:
        manual = not self.get_autocommit()
        self.in_block = self.in_block or manual
        Plain.send_query(self, query)
        self.look(None)  # type: ignore[arg-type]
        Plain.read_query_result(self)
        turn = turn_of(query)
        if turn is not None:
            self.in_block = turn
        elif manual and self.get_autocommit():
            self.in_block = False

    def _pending(self) -> None:
        """A result, if there is one, is still to be stored, streamed or discarded."""
        self.running = bool(self.field_count())

    def query(self, query: Any) -> None:
        sent = query.encode() if isinstance(query, str) else bytes(memoryview(query))
        self.io(sent, self._ask, sent)
        self._pending()

    def store_result(self) -> Any:
        return self.io("", super().store_result)

    def use_result(self) -> Any:
        if not self.field_count():
            return None
        return self.io("", Stream, self, self.converter)

    def discard_result(self) -> None:
        self.io("", super().discard_result)

    def next_result(self) -> int:
        if not self.more_results():
            return -1
        answer: int = self.io("", super().next_result)
        self._pending()
        return answer

    def send_query(self, query: Any) -> None:
        self.io(None, super().send_query, query)
        self.running = True

    def read_query_result(self) -> None:
        self.io("", super().read_query_result)
        self._pending()

    # -- commands --------------------------------------------------------------------------------

    def commit(self) -> None:
        self.query(b"COMMIT")

    def rollback(self) -> None:
        self.query(b"ROLLBACK")

    def autocommit(self, on: Any) -> None:
        if self.get_autocommit() != bool(on):
            self.query(b"SET autocommit = %d" % bool(on))

    def ping(self) -> None:
        """As mysqlclient's, but that it never reconnects: the pool would not know of it."""
        self.io("", super().ping)

    def kill(self, pid: int) -> None:
        self.io("", super().kill, pid)

    def stat(self) -> Any:
        return self.io("", super().stat)

    def dump_debug_info(self) -> None:
        self.io("", super().dump_debug_info)

    def shutdown(self) -> None:
        self.io("", super().shutdown)

    def select_db(self, database: str) -> None:
        self.io(None, super().select_db, database)

    def change_user(self, *args: Any, **options: Any) -> None:
        self.io(None, super().change_user, *args, **options)
        self.in_block = False

    def set_character_set(self, charset: str, collation: str | None = None) -> None:
        """The library escapes by it, and no reset puts that back in every version of it."""
        self.spoiled = self.marked = True
        self.io(None, super().set_character_set, charset, collation)

    def set_server_option(self, option: int) -> Any:
        self.spoiled = self.marked = True
        return self.io("", super().set_server_option, option)

    def close(self) -> None:
        self.hung_up = True
        super().close()

    # -- what the pool asks ----------------------------------------------------------------------

    def unanswered(self, text: str) -> Exception:
        self.gone = True
        return MySQLdb.OperationalError(SERVER_LOST, text)  # type: ignore[no-any-return]

    def failed(self, error: Exception) -> None:
        code = code_of(error)
        if self.wire.closed() or _mysql.Fault.LOST in _mysql.classify(code, str(error)):
            self.gone = self.marked = True
        elif _mysql.from_server(code):
            self.settled()  # the server's own word is the end of a reply
        if isinstance(error, MySQLdb.MySQLError):
            self.noticed(error, code)
        if code in _mysql.ROLLED_BACK:
            self.in_block = False

    def own_doing(self, code: Any) -> bool:
        return code == READ_ONLY_TRANSACTION and (self.in_block or self.dirty)

    def alive(self) -> bool:
        return bool(self.open) and not (self.gone or self.overran)

    def transacting(self) -> bool:
        return self.in_block

    def unread(self) -> bool:
        return self.streaming or self.spoiled or bool(self.more_results())

    def untouched(self) -> bool:
        return not (
            self.marked
            or self.running
            or self.in_block
            or self.streaming
            or not self.open
            or self.more_results()
            or not self.get_autocommit()
            or self._read(self) != self._kept
        )

    def hang_up(self) -> None:
        self.gone = True
        self.wire.shut()
        self.disown()

    def disown(self) -> None:
        try:
            self.close()
        except MySQLdb.MySQLError:  # closed already, or another thread is in it
            pass
