"""For WSGI apps: ``PoolMiddleware``. For Flask see ``thawpool.integrations.flask``.

    app = PoolMiddleware(app, pool=pool)

Each request is an invocation of the pool, with the deadline that the platform or you give it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from thawpool.errors import Unavailable

from ._checks import invocation_of
from .http import answer, log

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from thawpool import AsyncPool, Pool

__all__ = ["PoolMiddleware"]

REASONS = {500: "500 Internal Server Error", 503: "503 Service Unavailable"}
#: In the environment of Flask's test client within its ``with`` block, and of Werkzeug's debugger.
PRESERVES = "werkzeug.debug.preserve_context"
#: Responses that a server never closed. The garbage collector finds them, perhaps while its thread holds a lock of the
#: pool's, so they are closed with the next one that ends.
forgotten: list[_Response] = []


class PoolMiddleware:
    """Makes each request an invocation of the pool, and answers for the app when there is no connection.

    A request lasts until the server closes the response, and within it every wait and statement ends before
    the request does. What becomes of an error is said in ``thawpool.integrations.http.answer``; its cause
    is logged as ``thawpool``, and not shown to the client. An answer that has begun is not replaced: the error goes
    on to the server, which cuts it off. Other exceptions pass untouched.

    A framework that makes a 500 of every exception by itself has to be asked for the answer: Flask is, by
    ``thawpool.integrations.flask.init_app``.

    Args:
        app: the app.
        pool: a ``Pool``; or an ``AsyncPool``, for an app that runs an event loop itself.
        remaining: the seconds that each request has, or a function without arguments that tells them. None:
            what the platform says, where it does, else no limit.

    Raises:
        ConfigError: ``pool`` is not a pool.
    """

    def __init__(
        self,
        app: WSGIApplication,
        *,
        pool: Pool | AsyncPool,
        remaining: float | Callable[[], float] | None = None,
    ) -> None:
        self.app = app
        self._invocation = invocation_of(pool)
        self._remaining = remaining

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        response = _Response(environ, start_response)
        return response.of(self.app, self._invocation(self._remaining))


class _Response:
    """The response to one request. It ends with the server's ``close()``, and the invocation with it: its end
    may wait for what is under way, and no client shall wait for that.

    The server is given the head together with the first piece of the body, not sooner: some, such as Vercel's,
    send it at once, and then no answer could replace it.

    Whatever is the app's runs in a context of this request's own. So the deadline does not stay in
    the server's thread, not even if the server forgets to close.
    """

    __slots__ = (
        "_begun",
        "_body",
        "_context",
        "_environ",
        "_head",
        "_invocation",
        "_pieces",
        "_run",
        "_start",
        "_write",
    )

    def __init__(self, environ: WSGIEnvironment, start: StartResponse) -> None:
        self._invocation: Any = None  # the one that runs
        self._environ = environ
        self._start = start
        self._context = copy_context()
        # Within its `with` block Flask's test client pushes the request between two pieces, and what
        # `stream_with_context` pushes around them must be in the same context: the client's, without the deadline.
        self._run: Callable[..., Any] = _run_here if PRESERVES in environ else self._context.run
        self._head: tuple[str, list[tuple[str, str]]] | None = None
        self._body: Iterable[bytes] = ()
        self._pieces: Iterator[bytes] = iter(())
        self._begun = False  # whether the server has been given the head
        self._write: Callable[[bytes], object] | None = None  # the server's own

    def of(self, app: WSGIApplication, invocation: Any) -> Iterable[bytes]:
        self._context.run(invocation.__enter__)
        self._invocation = invocation
        try:
            try:
                self._body = self._context.run(app, self._environ, self._hold)
                if type(self._body) in (list, tuple):
                    self._begin()
                    whole = _Complete(self._body)
                elif self._is_file(self._body):
                    self._begin()
                    self._end()
                    return self._body
                else:
                    self._pieces = self._run(iter, self._body)
                    return self
            except (Unavailable, ExceptionGroup) as error:
                whole = _Complete((self._instead(error),))
        except BaseException:
            self.close()
            raise
        whole.close = self.close
        return whole

    def _is_file(self, body: Iterable[bytes]) -> bool:
        """Whether it is the server's own object, by which the server knows that the system may send the file. It may
        be of C, and be closed by another thread, so its ``close`` is not ours to replace: the invocation
        ends before."""
        wrapper = self._environ.get("wsgi.file_wrapper")
        return isinstance(wrapper, type) and isinstance(body, wrapper)

    # -- what the app is given -------------------------------------------------------------------

    def _hold(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None, /
    ) -> Callable[[bytes], object]:
        """The app's ``start_response``."""
        if self._begun:
            return self._start(status, headers, exc_info)  # which raises, as too late
        if self._head is not None and exc_info is None:
            raise AssertionError("start_response was called twice: pass exc_info to replace the first")
        self._head = status, headers
        return self._write_now

    def _write_now(self, piece: bytes) -> None:
        self._begin()
        if self._write is not None:
            self._write(piece)

    # -- what the server is given ----------------------------------------------------------------

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            piece: bytes = self._run(next, self._pieces)
        except StopIteration:
            self._begin()
            raise
        except (Unavailable, ExceptionGroup) as error:
            return self._instead(error)
        self._begin()
        return piece

    def close(self) -> None:
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                self._run(close)
        finally:
            self._end()

    def __del__(self, _is_finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        """An invocation that never ends would keep the pool awake."""
        if self._invocation is not None and not _is_finalizing():
            forgotten.append(self)

    def _begin(self) -> None:
        if not self._begun and self._head is not None:
            self._begun = True
            self._write = self._start(*self._head)

    def _instead(self, error: Exception) -> bytes:
        """Answer in the app's place; raises the error itself if that is too late, or not ours to answer."""
        said = None if self._begun else answer(error)
        if said is None:
            raise error
        from ._encode import encode

        body = encode(said.body)
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        self._begun = True
        self._pieces = iter(())
        self._start(REASONS[said.status], headers + list(said.headers.items()), sys.exc_info())
        log(said, error)
        return b"" if self._environ.get("REQUEST_METHOD") == "HEAD" else body

    def _end(self) -> None:
        """End the invocation; nothing if it has ended."""
        invocation, self._invocation = self._invocation, None
        if invocation is not None:
            if forgotten:
                _close_forgotten()
            self._context.run(invocation.__exit__, None, None, None)


class _Complete(list[bytes]):
    """A body of which the server sees the length, and whose ``close()`` is the response's."""

    __slots__ = ("close",)
    close: Callable[[], None]


def _run_here(function: Callable[..., Any], *args: Any) -> Any:
    return function(*args)


def _close_forgotten() -> None:
    while forgotten:
        try:
            response = forgotten.pop()
        except IndexError:  # another thread was faster
            return
        try:
            response.close()
        except Exception:  # the app's own, of a request that is long over
            import logging

            logging.getLogger("thawpool").exception(
                "a response that its server never closed failed at its end"
            )
