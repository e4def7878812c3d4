"""As much of an HTTP/1.1 client as the supervisor needs to speak with its own function on the loopback."""

from __future__ import annotations

import asyncio
import json
from types import TracebackType
from typing import Any, NamedTuple, Self

__all__ = ["Client", "Reply", "fetch"]


class Reply(NamedTuple):
    """An answer: names in ``headers`` are lower-case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """One keep-alive connection to ``127.0.0.1:port``; one request at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    async def request(self, path: str, *, method: str = "GET", body: bytes = b"", timeout: float) -> Reply:
        """Send a request and read its answer.

        Raises:
            TimeoutError: there was none within ``timeout`` seconds.
            OSError: the function's process went away.
        """
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
        try:
            async with asyncio.timeout(timeout):
                if self._streams is None:
                    self._streams = await asyncio.open_connection("127.0.0.1", self._port)
                reader, writer = self._streams
                writer.write(head.encode("latin-1") + body)
                return await _read(reader)
        except BaseException as error:
            self._close()
            if isinstance(error, asyncio.IncompleteReadError):
                raise ConnectionError("the function's process went away before it answered") from error
            raise

    def _close(self) -> None:
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None


async def _read(reader: asyncio.StreamReader) -> Reply:
    """One answer; the function always sends its length."""
    status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {}
    for line in filter(None, lines):
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Reply(int(status.split()[1]), headers, body)


async def fetch(port: int, path: str, *, method: str = "GET", body: bytes = b"", timeout: float) -> Reply:
    """One request on a connection of its own; raises as ``Client.request`` does."""
    async with Client(port) as client:
        return await client.request(path, method=method, body=body, timeout=timeout)
