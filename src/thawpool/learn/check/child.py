"""The process in which the reader's file runs: it obeys, notes where things happened, and judges nothing.

A command comes in as a line of JSON, its answer goes out as one; standard input and output are left to the file.
"""

from __future__ import annotations

import asyncio
import faulthandler
import importlib.util
import inspect
import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Coroutine
from contextlib import nullcontext
from pathlib import Path
from types import FrameType, ModuleType, SimpleNamespace
from typing import IO, Any, NoReturn

import psycopg
from psycopg.conninfo import conninfo_to_dict

import thawpool
from thawpool._base import PoolBase

__all__ = ["run"]

Facts = dict[str, Any]


class _Warnings(logging.Handler):
    """Keeps what is logged in a list."""

    def __init__(self, texts: list[str]) -> None:
        super().__init__()
        self._texts = texts

    def emit(self, record: logging.LogRecord) -> None:
        self._texts.append(record.getMessage())


class Child:
    """The reader's file, loaded once, and all that was seen of it.

    Args:
        file: what the reader wrote.
        allowed: the databases, as host:port/name, that psycopg may dial: a mistake in an exercise shall not reach
            anybody's real one.
        answers: where answers go.
    """

    def __init__(self, file: Path, allowed: frozenset[str], answers: IO[str]) -> None:
        self.file = file
        self._allowed = allowed
        self._answers = answers
        self._module: ModuleType | None = None
        self._loop = asyncio.new_event_loop()
        #: Every pool that was made, kept alive, with the place of its making.
        self._pools: list[tuple[Any, Facts | None]] = []
        self._dials: list[Facts] = []
        self._closings: list[Facts | None] = []
        self._warnings: list[str] = []
        self._leave = os._exit
        self._burst: list[Facts] = []
        self._running: list[threading.Thread] = []

    # -- what is noted ---------------------------------------------------------------------------

    def place(self, frame: FrameType | None) -> Facts | None:
        """The innermost line of the reader's file below ``frame``."""
        while frame is not None and frame.f_code.co_filename != str(self.file):
            frame = frame.f_back
        return frame and {"line": frame.f_lineno, "function": frame.f_code.co_name}

    def observe(self) -> None:
        """Note each pool that is made or closed, each dial, and what thawpool warns of."""
        make, dial = PoolBase.__init__, psycopg.generators.connect

        def making(pool: Any, url: str | None = None, **options: Any) -> None:
            make(pool, url, **{"debug": True, **options})
            self._pools.append((pool, self.place(sys._getframe(1))))

        def dialing(conninfo: str, *rest: Any, **others: Any) -> Any:
            target = conninfo_to_dict(conninfo)
            where = f"{target.get('host')}:{target.get('port') or 5432}/{target.get('dbname')}"
            caller, allowed = sys._getframe(1), where in self._allowed
            self._dials.append(
                {
                    "to": where,
                    "allowed": allowed,
                    "place": self.place(caller),
                    "direct": not _by_a_pool(caller),
                }
            )
            if not allowed:
                raise psycopg.OperationalError(f"{where} is not the database of the lesson")
            return dial(conninfo, *rest, **others)

        def closing(close: Callable[..., Any]) -> Callable[..., Any]:
            def noted(pool: Any, **options: Any) -> Any:
                self._closings.append(self.place(sys._getframe(1)))
                return close(pool, **options)

            return noted

        def leaving(code: int) -> None:
            self._say({"ended": f"os._exit({code})", "place": self.place(sys._getframe(1))})
            self._leave(code)

        PoolBase.__init__ = making  # type: ignore[assignment]
        psycopg.generators.connect = dialing
        os._exit = leaving  # type: ignore[assignment]
        for kind in (thawpool.Pool, thawpool.AsyncPool):
            kind.close = closing(kind.close)  # type: ignore[method-assign]
        logging.getLogger("thawpool").addHandler(_Warnings(self._warnings))

    def look(self) -> Facts:
        """What has been seen so far, and the pools' own numbers of this moment."""
        stats = [pool.stats() for pool, _ in self._pools]
        return {
            "pools": [
                {"place": place, "async": type(pool).__name__ == "AsyncPool"} for pool, place in self._pools
            ],
            "max_size": stats[0].max_size if stats else None,
            "used": sum(each.used for each in stats),
            "lost": sum(each.retired.get("leaked", 0) for each in stats),
            "waiting": sum(each.waiting for each in stats),
            "dials": self._dials,
            "closings": self._closings,
            "warnings": self._warnings,
            "finished": len(self._burst),
        }

    # -- commands --------------------------------------------------------------------------------

    def load(self) -> Facts:
        """Import the file."""
        self._loop_in_background()
        spec = importlib.util.spec_from_file_location(self.file.stem, self.file)
        assert spec is not None
        loader = spec.loader
        assert loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[self.file.stem] = module
        sys.path.insert(0, str(self.file.parent))
        outcome = self._try(lambda: loader.exec_module(module))
        self._module = module
        return outcome

    def functions(self) -> Facts:
        """The functions that the file defines: their lines, and whether they are coroutine functions."""
        return {
            name: {"line": code.co_firstlineno, "async": inspect.iscoroutinefunction(value)}
            for name, value in vars(self._module).items()
            if (code := getattr(inspect.unwrap(value) if callable(value) else None, "__code__", None))
        }

    def call(self, name: str, remaining: float) -> Facts:
        """Call a function of the file as one request that has ``remaining`` seconds."""
        function = self._function(name)
        if inspect.iscoroutinefunction(function):
            return asyncio.run_coroutine_threadsafe(self._await(function, remaining), self._loop).result()
        return self._request(function, remaining)

    def burst(self, name: str, count: int, remaining: float) -> Facts:
        """Begin ``count`` requests at once; ``look`` tells how far they are and ``gather`` waits for them."""
        function = self._function(name)
        self._burst = []
        if inspect.iscoroutinefunction(function):

            async def one() -> None:
                self._burst.append(await self._await(function, remaining))

            async def all_of_them() -> None:
                await asyncio.gather(*(one() for _ in range(count)))

            def begin() -> None:
                asyncio.run_coroutine_threadsafe(all_of_them(), self._loop).result()

            self._running = [threading.Thread(target=begin, daemon=True)]
        else:

            def request() -> None:
                self._burst.append(self._request(function, remaining))

            self._running = [threading.Thread(target=request, daemon=True) for _ in range(count)]
        for thread in self._running:
            thread.start()
        return {}

    def gather(self) -> Facts:
        for thread in self._running:
            thread.join()
        return {"outcomes": self._burst}

    # -- running ---------------------------------------------------------------------------------

    def _loop_in_background(self) -> None:
        def run() -> None:
            asyncio.set_event_loop(self._loop)
            self._loop.run_forever()

        threading.Thread(target=run, daemon=True).start()

    def _function(self, name: str) -> Callable[..., Any]:
        if name != "(pool)":
            function: Callable[..., Any] = getattr(self._module, name)
            return function
        pool = self._pools[0][0]
        # The checker's own statement over the reader's pool: what the pool does when nothing else is written yet.
        count = "SELECT count(*) FROM users"
        if isinstance(pool, thawpool.Pool):
            return lambda: pool.query(count)

        async def ask() -> Any:
            return await pool.query(count)

        return ask

    def _invocation(self, remaining: float) -> Any:
        return self._pools[0][0].invocation(remaining=remaining) if self._pools else nullcontext()

    def _request(self, function: Callable[..., Any], remaining: float) -> Facts:
        def run() -> Any:
            with self._invocation(remaining):
                value = function(*_arguments(function))
                if isinstance(value, Coroutine):  # from a plain function, which passes on another's
                    value.close()
                return value

        return self._try(run)

    async def _await(self, function: Callable[..., Any], remaining: float) -> Facts:
        try:
            with self._invocation(remaining):
                return {"returned": _described(await function(*_arguments(function)))}
        except BaseException as error:
            return self._raised(error)

    def _try(self, run: Callable[[], Any]) -> Facts:
        try:
            return {"returned": _described(run())}
        except BaseException as error:
            return self._raised(error)

    def _raised(self, error: BaseException) -> Facts:
        place = None
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == str(self.file):
                place = {"line": trace.tb_lineno, "function": trace.tb_frame.f_code.co_name}
            trace = trace.tb_next
        message = str(error)
        if isinstance(error, SyntaxError) and error.filename == str(self.file):
            place, message = {"line": error.lineno, "function": "<module>"}, error.msg
        return {"raised": type(error).__name__, "message": message, "place": place}

    def _say(self, facts: Facts) -> None:
        print(json.dumps(facts), file=self._answers, flush=True)

    def serve(self, commands: IO[str]) -> None:
        """Obey until there is nobody left to obey. A command that takes too long ends the process."""
        for line in commands:
            command = json.loads(line)
            limit = command.pop("limit")
            watch = threading.Timer(limit, self._too_late)
            watch.daemon = True
            watch.start()
            # For code that holds on to the interpreter: its place is only guessed, while it runs.
            faulthandler.dump_traceback_later(limit + 1.0, exit=True)
            facts = getattr(self, command.pop("do"))(**command)
            faulthandler.cancel_dump_traceback_later()
            watch.cancel()
            self._say(facts)

    def _too_late(self) -> None:
        frames = sys._current_frames()
        main = frames.pop(threading.main_thread().ident or 0, None)
        places = [self.place(frame) for frame in (main, *frames.values())]
        places += [self._awaiting(task.get_coro()) for task in asyncio.all_tasks(self._loop)]
        self._say({"ended": "time", "place": next((place for place in places if place), None)})
        self._leave(1)

    def _awaiting(self, coroutine: Any) -> Facts | None:
        """The innermost line of the reader's file in a coroutine that waits."""
        place = None
        while coroutine is not None:
            place = self.place(getattr(coroutine, "cr_frame", None)) or place
            coroutine = getattr(coroutine, "cr_await", None)
        return place


def _by_a_pool(frame: FrameType | None) -> bool:
    """Whether it is thawpool that dials, not the reader's own code."""
    while frame is not None and not frame.f_globals.get("__name__", "").startswith("thawpool.drivers."):
        frame = frame.f_back
    return frame is not None


def _arguments(function: Callable[..., Any]) -> list[Any]:
    """A request for each argument that must be given: handlers differ in how many they take."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    request = SimpleNamespace(method="GET", path="/api/users", headers={}, query={}, body=b"")
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [request for each in parameters if each.kind in positional and each.default is each.empty]


def _described(value: Any, depth: int = 2) -> Facts:
    """A value as JSON can carry it: its type, and what it holds as far as the lesson looks."""
    facts: Facts = {"type": type(value).__name__}
    if isinstance(value, (list, tuple)) and depth:
        facts["items"] = [_described(item, depth - 1) for item in value[:100]]
        facts["length"] = len(value)
    elif value is None or isinstance(value, (str, int, float)):
        facts["value"] = value
    elif isinstance(value, (bytes, bytearray)):
        facts["value"] = bytes(value).decode("utf-8", "replace")
    elif isinstance(value, dict):
        facts["value"] = {str(key): _plain(each) for key, each in value.items()}
    return facts


def _plain(value: Any) -> Any:
    return (
        value if value is None or isinstance(value, (str, int, float, bool)) else f"({type(value).__name__})"
    )


def run(file: Path, allowed: frozenset[str], commands: int, answers: int, output: int) -> NoReturn:
    """Be the process of ``file``, with these descriptors, to the end."""
    leave = os._exit
    with open(os.devnull, encoding="utf-8") as nothing:
        os.dup2(nothing.fileno(), 0)
    # The reader's prints and questions shall meet neither end of the conversation.
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(file.parent)
    sys.dont_write_bytecode = True
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", line_buffering=True)  # type: ignore[union-attr]
    faulthandler.enable()
    with open(commands, encoding="utf-8") as orders, open(answers, "w", encoding="utf-8") as replies:
        child = Child(file, allowed, replies)
        child.observe()
        child.serve(orders)
        leave(0)
