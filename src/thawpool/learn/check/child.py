"""The process in which the reader's file runs: it obeys, notes what happened, and judges nothing.

A command comes in as a line of JSON, its answer goes out as one; standard input and output are left to the file.
"""

from __future__ import annotations

import asyncio
import faulthandler
import importlib.util
import inspect
import json
import os
import sys
import threading
from collections.abc import Callable, Coroutine
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType
from typing import IO, Any, NoReturn

import thawpool

from .values import arguments, described
from .witness import Facts, Witness

__all__ = ["run"]


class Child:
    """The reader's file, loaded once. Each public method is a command.

    Args:
        answers: where answers go.
    """

    def __init__(self, file: Path, witness: Witness, answers: IO[str]) -> None:
        self._file = file
        self._witness = witness
        self._answers = answers
        self._module: ModuleType | None = None
        self._loop = asyncio.new_event_loop()
        self._burst: list[Facts] = []
        self._running: list[threading.Thread] = []
        self._pid, self._leave = os.getpid(), os._exit
        os._exit = self._leaving  # type: ignore[assignment]

    # -- commands --------------------------------------------------------------------------------

    def load(self) -> Facts:
        """Import the file."""
        threading.Thread(target=self._run_loop, daemon=True).start()
        spec = importlib.util.spec_from_file_location(self._file.stem, self._file)
        assert spec is not None
        loader = spec.loader
        assert loader is not None
        self._module = module = importlib.util.module_from_spec(spec)
        sys.modules[self._file.stem] = module
        sys.path.insert(0, str(self._file.parent))
        return self._try(lambda: loader.exec_module(module))

    def functions(self) -> Facts:
        """What can be called in the file: its line, if it has one, and whether it is a coroutine function."""
        return {
            name: {
                "line": getattr(getattr(inspect.unwrap(value), "__code__", None), "co_firstlineno", None),
                "async": inspect.iscoroutinefunction(value),
            }
            for name, value in vars(self._module).items()
            if callable(value)
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

    def look(self) -> Facts:
        """What the witness saw, and how many of the burst have finished."""
        return {**self._witness.look(), "finished": len(self._burst)}

    def gather(self) -> Facts:
        """Wait for the burst: what became of each."""
        for thread in self._running:
            thread.join()
        return {"outcomes": self._burst}

    # -- running ---------------------------------------------------------------------------------

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _function(self, name: str) -> Callable[..., Any]:
        if name != "(pool)":
            function: Callable[..., Any] = getattr(self._module, name)
            return function
        pool = self._witness.pool
        # The checker's own statement over the reader's pool: what the pool does when nothing else is written yet.
        count = "SELECT count(*) FROM users"
        if isinstance(pool, thawpool.Pool):
            return lambda: pool.query(count)

        async def ask() -> Any:
            return await pool.query(count)

        return ask

    def _invocation(self, remaining: float) -> Any:
        pool = self._witness.pool
        return nullcontext() if pool is None else pool.invocation(remaining=remaining)

    def _request(self, function: Callable[..., Any], remaining: float) -> Facts:
        def run() -> Any:
            with self._invocation(remaining):
                value = function(*arguments(function))
                if isinstance(
                    value, Coroutine
                ):  # a plain function that passes on another's, which has not run
                    value.close()
                return value

        return self._try(run)

    async def _await(self, function: Callable[..., Any], remaining: float) -> Facts:
        try:
            with self._invocation(remaining):
                return {"returned": described(await function(*arguments(function)))}
        except BaseException as error:
            return self._raised(error)

    def _try(self, run: Callable[[], Any]) -> Facts:
        try:
            return {"returned": described(run())}
        except BaseException as error:
            return self._raised(error)

    def _raised(self, error: BaseException) -> Facts:
        try:
            message = error.msg if isinstance(error, SyntaxError) else str(error)
        except Exception:
            message = "(its text cannot be had)"
        return {"raised": type(error).__name__, "message": message, "place": self._witness.place_of(error)}

    # -- the conversation ------------------------------------------------------------------------

    def serve(self, commands: IO[str]) -> None:
        """Obey until there is nobody left to obey. A command that takes too long ends the process."""
        for line in commands:
            command = json.loads(line)
            limit = command.pop("limit")
            watch = threading.Timer(limit, self._too_late)
            watch.daemon = True
            watch.start()
            # For code that does not let go of the interpreter. It guesses at lines while they run, so it is second.
            faulthandler.dump_traceback_later(limit + 1.0, exit=True)
            facts = getattr(self, command.pop("do"))(**command)
            if os.getpid() != self._pid:  # the reader's file has forked, and goes on twice
                self._leave(0)
            faulthandler.cancel_dump_traceback_later()
            watch.cancel()
            self._say(facts)

    def _say(self, facts: Facts) -> None:
        print(json.dumps(facts), file=self._answers, flush=True)

    def _leaving(self, code: int) -> None:
        """What the reader's file gets as ``os._exit``."""
        if os.getpid() == self._pid:  # not what the reader's file has forked
            self._say({"ended": f"os._exit({code})", "place": self._witness.place(sys._getframe(1))})
        self._leave(code)

    def _too_late(self) -> None:
        see = self._witness
        frames = sys._current_frames()
        main = frames.pop(threading.main_thread().ident or 0, None)
        places = [see.place(frame) for frame in (main, *frames.values())]
        places += [see.place_awaiting(task.get_coro()) for task in asyncio.all_tasks(self._loop)]
        self._say({"ended": "time", "place": next((place for place in places if place), None)})
        self._leave(1)


def run(file: Path, allowed: frozenset[str], commands: int, answers: int, output: int) -> NoReturn:
    """Be the process of ``file``, with these descriptors, to the end.

    Args:
        allowed: the databases, as host:port/name, that it may dial.
    """
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
        witness = Witness(file, allowed)
        witness.observe()
        Child(file, witness, replies).serve(orders)
        leave(0)
