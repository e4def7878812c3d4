"""What an instrumented connection carries for the pool, and the gate that its I/O passes."""

from __future__ import annotations

import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, ClassVar, Final

from ._refusals import returned

__all__ = ["INFINITY", "Kept", "Marked"]

INFINITY: Final = float("inf")


class Marked(ABC):
    """The marks of a connection, to be mixed into a library's class. See ``drivers.base.Leased`` for the first three.

    Every operation calls ``admit`` before it sends anything, and ``settled`` once its reply has been read to the
    end, be it an error. In between ``running`` is set: a connection that comes back so has a reply on its way to
    nobody, and is closed. Whoever knows a statement's text calls ``note`` before that; what was not announced
    counts as stateful.
    """

    #: What the server's words mean: the package ``_mysql`` or ``_postgresql``.
    server: ClassVar[Any]
    #: Whether an operation cannot begin in the middle of another one, as it can where a result is fetched by a call.
    alone: ClassVar[bool] = False
    #: The names of the library's client-side settings: plain attributes, two or more.
    settings: ClassVar[tuple[str, ...]]
    #: Those of them that are tables, which a borrower may change in place.
    tables: ClassVar[tuple[str, ...]] = ()
    #: Further ones, which change only by statements that owe a reset.
    stated: ClassVar[tuple[str, ...]] = ()
    #: Whether a server that has been silent for ``silence`` seconds is there at all; given by the adapter.
    answers: Callable[[Any], Any]
    #: Tells the server that the statement which runs was given up; given by the adapter at the end of a dial.
    tell: Callable[[Any], Any] = staticmethod(lambda conn: None)
    #: Looks at the socket, see ``_socket.watch``.
    look: Callable[[int], list[tuple[int, int]]]
    #: Which host, port and address it was dialed at, and its own port, by which the server knows it; 0 on a Unix socket.
    where: tuple[Any, Any, str]
    port: int = 0
    #: Seconds after which a statement without a deadline asks whether its server is still there.
    silence: float = 5.0

    leased: bool = True
    until: float = INFINITY
    holder: object = None
    #: Whether something was executed that may have left state behind on the server.
    dirty: bool = False
    #: Whether any mark is set, or a client-side setting was touched: the one that a return looks at first.
    marked: bool = False
    #: Whether the I/O that comes next was announced by its statement.
    noted: bool = False
    #: The text that was sent last, as far as it is known.
    sent: str | bytes | bytearray | None = None
    #: Whether a reply may be on its way.
    running: bool = False
    #: Whether the pool itself uses it, to set it up, to probe or to reset it.
    serviced: bool = True
    #: Whether a statement ran into its deadline, so that it was we who closed the connection.
    overran: bool = False
    #: Whether an error said that no connection of the pool is good any more: a failover, a shutdown.
    condemned: bool = False
    #: Whether an error said that the server has rolled the whole transaction back by itself.
    undone: bool = False
    #: Whether an error said that the server may have done so.
    doubtful: bool = False
    #: Whether two used it at a time, so that nobody knows whose a reply is.
    torn: bool = False
    #: Whether its borrower, or we, closed the connection, and not the server.
    hung_up: bool = False

    # -- the gate --------------------------------------------------------------------------------

    def note(self, text: Any) -> None:
        """Announce a statement, before its parameters are put in."""
        if not self.dirty and (type(text) is not str or self.server.stateful(text)):
            self.dirty = self.marked = True
        self.noted = True

    def admit(self, text: str | bytes | None = None) -> None:
        """Let an operation pass.

        Args:
            text: what it sends, if no statement announced it; nothing that leaves state if empty, something
                unknown if None.

        Raises:
            LeaseError: the connection lies in the pool.
        """
        if not self.leased:
            self.noted = False
            raise returned()
        if self.noted:
            self.noted = False
        elif not self.dirty and (text is None or (text and self.server.stateful_as_sent(text))):
            self.dirty = self.marked = True
        if self.running and self.alone:
            self.torn = self.marked = True
        self.running = True
        self.sent = text

    def settled(self) -> None:
        """The reply has been read to its end."""
        self.running = False

    def noticed(self, error: Exception, code: Any) -> None:
        """Look at an error that passes through: say which of our limits caused it, and see a failover."""
        why = self.server.explain(code, str(error))
        if why and why not in getattr(error, "__notes__", ()):
            error.add_note(why)
        if self.server.condemns(code, str(error)) and not self.own_doing(code):
            self.condemned = self.marked = True
        if code in self.server.ROLLED_BACK:
            self.undone = True
        elif code in self.server.DOUBTFUL:
            self.doubtful = True

    def own_doing(self, code: Any) -> bool:
        """Whether a refused write is due to a read-only transaction of the borrower's own."""
        return False

    # -- to be told by the library's connection --------------------------------------------------

    @abstractmethod
    def alive(self) -> bool:
        """Whether the connection is open, as far as this side knows."""

    @abstractmethod
    def transacting(self) -> bool:
        """Whether a transaction is open, failed or not."""

    @abstractmethod
    def hang_up(self) -> None:
        """Close at once and without a goodbye."""

    def disown(self) -> None:
        """In a child process: close our copy of the descriptor, which leads nowhere any more."""
        self.hang_up()

    def unread(self) -> bool:
        """Whether the borrower left a part of a result unread."""
        return False

    # -- client-side settings --------------------------------------------------------------------

    def remember(self) -> None:
        """Take the client-side settings as they are now for what every borrower shall find."""
        for name in self.tables:
            setattr(self, name, Kept(getattr(self, name), self))
        self._read = attrgetter(*self.settings)
        self._kept = self._read(self)
        self._stated = [getattr(self, name) for name in self.stated]

    def touched(self) -> bool:
        """Whether one of them differs from that. Changes in a table have left a mark."""
        return bool(self._read(self) != self._kept)

    def restore(self) -> None:
        """Put them back, without I/O."""
        for name, value in zip(self.settings, self._kept, strict=True):
            setattr(self, name, value.anew() if type(value) is Kept else value)
        self._kept = self._read(self)
        for name, value in zip(self.stated, self._stated, strict=True):
            setattr(self, name, value)
        self.marked = self.dirty

    # -- the life of a lease ---------------------------------------------------------------------

    def untouched(self) -> bool:
        """Whether the connection is as every borrower shall find it."""
        return not (
            self.marked
            or self.running
            or not self.alive()
            or self.transacting()
            or self.unread()
            or self.touched()
        )

    def ready(self) -> None:
        """From here on it lies in the pool, as new."""
        self.dirty = self.marked = self.noted = self.running = self.undone = self.doubtful = False
        self.leased = self.serviced = False
        self.until = INFINITY


class Kept(dict[Any, Any]):
    """A table of a library's that its users may change in place. The first change marks the connection."""

    def __init__(self, table: Mapping[Any, Any], conn: Marked) -> None:
        super().__init__(table)
        self._template = dict(table)
        self._conn = weakref.ref(conn)

    def anew(self) -> Kept:
        """The table as it was."""
        conn = self._conn()
        assert conn is not None
        return Kept(self._template, conn)

    def __eq__(self, other: object) -> bool:
        return self is other  # another one would not tell of changes

    __hash__ = None

    def _changes(self) -> None:
        conn = self._conn()
        if conn is not None:
            conn.marked = True

    def __setitem__(self, key: Any, value: Any) -> None:
        self._changes()
        super().__setitem__(key, value)

    def __delitem__(self, key: Any) -> None:
        self._changes()
        super().__delitem__(key)

    def update(self, *args: Any, **kwargs: Any) -> None:
        self._changes()
        super().update(*args, **kwargs)

    def __ior__(self, other: Any) -> Any:  # type: ignore[misc]
        self.update(other)
        return self

    def popitem(self) -> Any:
        self._changes()
        return super().popitem()

    def setdefault(self, key: Any, default: Any = None) -> Any:
        self._changes()
        return super().setdefault(key, default)

    def pop(self, *args: Any) -> Any:
        self._changes()
        return super().pop(*args)

    def clear(self) -> None:
        self._changes()
        super().clear()
