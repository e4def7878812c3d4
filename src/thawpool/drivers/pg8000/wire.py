"""What lies between a pg8000 connection and its socket: reading ahead, what was read, and TLS."""

from __future__ import annotations

from functools import lru_cache
from time import monotonic
from typing import Any, Final

from pg8000 import core
from pg8000.exceptions import InterfaceError

from .._read_ahead import ReadAhead

__all__ = ["Answer", "Columns", "Wire", "described", "secured"]

Columns = list[dict[str, Any]]
SSL_REQUEST: Final = core.ii_pack(8, 80877103)
FIELDS: Final = ("table_oid", "column_attrnum", "type_oid", "type_size", "type_modifier", "format")


class Wire:
    """In the place of pg8000's buffered file, which knows no deadline: it sends when it is flushed."""

    def __init__(self, sock: Any) -> None:
        self.ahead = ReadAhead(sock)
        self._sock = sock
        self._written: list[bytes] = []

    def read(self, size: int) -> bytes:
        try:
            return self.ahead.read(size)
        except EOFError as error:
            raise InterfaceError(f"network error: {error}") from error

    def write(self, data: bytes) -> None:
        self._written.append(data)

    def flush(self) -> None:
        data = b"".join(self._written)
        self._written.clear()
        self._sock.sendall(data)


class Answer(core.Context):  # type: ignore[misc]
    """What statements answer: all their rows in one list, as pg8000 has it, and where those of each result begin."""

    def __init__(self, statement: str, stream: Any = None) -> None:
        super().__init__(statement, stream)
        self.results: list[tuple[Columns, int]] = []


@lru_cache(1024)
def described(data: bytes, encoding: str) -> Columns:
    """The columns of a result, read once: they are the same for each execution of a statement."""
    columns, at = [], 2
    for _ in range(core.H_unpack(data)[0]):
        end = data.index(core.NULL_BYTE, at)
        column = dict(zip(FIELDS, core.ihihih_unpack(data, end + 1), strict=True))
        columns.append(column | {"name": data[at:end].decode(encoding)})
        at = end + 19
    return columns


def secured(sock: Any, context: Any, host: str, strict: bool, until: float) -> Any:
    """The socket with TLS over it before ``until``, or itself if the server has none and that will do.

    Raises:
        InterfaceError: the server has none.
        OSError: the network failed, or the certificate is not what it should be.
    """
    sock.sendall(SSL_REQUEST)
    sock.settimeout(max(0.001, until - monotonic()))
    answer = sock.recv(1)
    if answer == b"S":
        sock.settimeout(max(0.001, until - monotonic()))
        return context.wrap_socket(sock, server_hostname=host)
    if not answer:
        raise InterfaceError("network error: the server closed the connection unexpectedly")
    if strict or answer != b"N":
        raise InterfaceError("the server does not support SSL, and the URL demands it")
    return sock
