"""What happens in the reader's process, noted with the lines of the reader's file that did it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

import thawpool
from thawpool import drivers
from thawpool._base import PoolBase

__all__ = ["Facts", "Witness"]

Facts = dict[str, Any]


class Witness:
    """Notes each pool that is made or closed, each dial, and what thawpool warns of.

    Args:
        file: what the reader wrote.
        allowed: the databases, as host:port/name, that a pool of any driver may dial, and psycopg by itself:
            a mistake in an exercise shall not reach anybody's real one.
    """

    def __init__(self, file: Path, allowed: frozenset[str]) -> None:
        self._file = str(file)
        self._allowed = allowed
        #: Every pool that was made, kept alive, with the place of its making.
        self._pools: list[tuple[Any, Facts | None]] = []
        self._dials: list[Facts] = []
        self._closings: list[Facts | None] = []
        self._warnings: list[str] = []

    @property
    def pool(self) -> Any:
        """The first pool that was made, or None."""
        return self._pools[0][0] if self._pools else None

    def look(self) -> Facts:
        """What has been seen so far, and the pools' own numbers of this moment."""
        stats = [pool.stats() for pool, _ in self._pools]
        return {
            "pools": [
                {"place": place, "async": isinstance(pool, thawpool.AsyncPool)} for pool, place in self._pools
            ],
            "max_size": stats[0].max_size if stats else None,
            "used": sum(each.used for each in stats),
            "lost": sum(each.retired.get("leaked", 0) for each in stats),
            "waiting": sum(each.waiting for each in stats),
            "dials": self._dials,
            "closings": self._closings,
            "warnings": self._warnings,
        }

    # -- where -----------------------------------------------------------------------------------

    def place(self, frame: FrameType | None) -> Facts | None:
        """The innermost line of the reader's file, from ``frame`` outwards."""
        while frame is not None and frame.f_code.co_filename != self._file:
            frame = frame.f_back
        return frame and {"line": frame.f_lineno, "function": frame.f_code.co_name}

    def place_awaiting(self, coroutine: Any) -> Facts | None:
        """The innermost line of the reader's file in a coroutine that waits."""
        place = None
        while coroutine is not None:
            place = self.place(getattr(coroutine, "cr_frame", None)) or place
            coroutine = getattr(coroutine, "cr_await", None)
        return place

    def place_of(self, error: BaseException) -> Facts | None:
        """The innermost line of the reader's file through which the error came."""
        if isinstance(error, SyntaxError) and error.filename == self._file and error.lineno:
            return {"line": error.lineno, "function": "<module>"}
        place = None
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == self._file:
                place = {"line": trace.tb_lineno, "function": trace.tb_frame.f_code.co_name}
            trace = trace.tb_next
        return place

    # -- taking note -----------------------------------------------------------------------------

    def observe(self) -> None:
        """Begin."""
        PoolBase.__init__ = self._making(PoolBase.__init__)  # type: ignore[method-assign]
        drivers.load = self._loading(drivers.load)
        psycopg.generators.connect = self._dialing(psycopg.generators.connect)
        for kind in (thawpool.Pool, thawpool.AsyncPool):
            kind.close = self._closing(kind.close)  # type: ignore[method-assign]
        logging.getLogger("thawpool").addHandler(_Keeping(self._warnings))

    def _making(self, make: Callable[..., None]) -> Callable[..., None]:
        def making(pool: Any, url: str | None = None, **options: Any) -> None:
            make(pool, url, **{"debug": True, **options})
            self._pools.append((pool, self.place(sys._getframe(1))))

        return making

    def _closing(self, close: Callable[..., Any]) -> Callable[..., Any]:
        def closing(pool: Any, **options: Any) -> Any:
            self._closings.append(self.place(sys._getframe(1)))
            return close(pool, **options)

        return closing

    def _loading(self, load: Callable[..., Any]) -> Callable[..., Any]:
        """A pool's way to its driver, whichever that is: one that may not be dialed is not even loaded."""

        def loading(target: Any, config: Any, *, is_async: bool) -> Any:
            for host, port in target.hosts:
                to = f"{host}:{port}/{target.database}"
                if to not in self._allowed:
                    self._note_dial(to, sys._getframe(1), direct=False)
                    raise thawpool.Unavailable(_stranger(to))
            return load(target, config, is_async=is_async)

        return loading

    def _dialing(self, dial: Callable[..., Any]) -> Callable[..., Any]:
        """psycopg's one way to open a connection, for threads, asyncio and thawpool alike."""

        def dialing(conninfo: str, *rest: Any, **others: Any) -> Any:
            target = conninfo_to_dict(conninfo)
            to = f"{target.get('host')}:{target.get('port') or 5432}/{target.get('dbname')}"
            caller = sys._getframe(1)
            self._note_dial(to, caller, direct=not _within_thawpool(caller))
            if to not in self._allowed:
                raise psycopg.OperationalError(_stranger(to))
            return dial(conninfo, *rest, **others)

        return dialing

    def _note_dial(self, to: str, caller: FrameType, *, direct: bool) -> None:
        allowed = to in self._allowed
        self._dials.append({"to": to, "allowed": allowed, "place": self.place(caller), "direct": direct})


class _Keeping(logging.Handler):
    """Keeps what is logged in a list."""

    def __init__(self, texts: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._texts = texts

    def emit(self, record: logging.LogRecord) -> None:
        self._texts.append(record.getMessage())


def _stranger(to: str) -> str:
    return f"{to} is not the database of the lesson"


def _within_thawpool(frame: FrameType | None) -> bool:
    """Whether it is a pool that dials, not the reader's own code."""
    while frame is not None and not frame.f_globals.get("__name__", "").startswith("thawpool.drivers."):
        frame = frame.f_back
    return frame is not None
