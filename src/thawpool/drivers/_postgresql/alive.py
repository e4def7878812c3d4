"""Asking a PostgreSQL server whether it is there at all, on a socket of its own.

The question is the first that any client may ask, "do you speak TLS?". A server or pooler answers it with one byte
before it has authenticated anybody, and without giving a slot away. So a statement that is only slow can be told from
a server that is gone, however long the statement takes.
"""

from __future__ import annotations

import struct
from typing import Final, TypeAlias

__all__ = ["ANSWER_TIMEOUT", "Address", "answers", "answers_async"]

#: How long a server may take to say that it is there, in seconds.
ANSWER_TIMEOUT: Final = 1.0

#: Host and port, or the path of a Unix socket.
Address: TypeAlias = tuple[str, int] | str

_QUESTION: Final = struct.pack("!ii", 8, 80877103)


def answers(address: Address, timeout: float) -> bool:
    """Whether a server answers there within ``timeout`` seconds; blocking."""
    import socket

    try:
        if isinstance(address, str):
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(timeout)
                sock.connect(address)
                return _asked(sock)
        with socket.create_connection(address, timeout) as sock:
            return _asked(sock)
    except OSError:
        return False


def _asked(sock: object) -> bool:
    sock.sendall(_QUESTION)  # type: ignore[attr-defined]
    return bool(sock.recv(1))  # type: ignore[attr-defined]


async def answers_async(address: Address, timeout: float) -> bool:
    """The same for asyncio."""
    import asyncio

    writer = None
    try:
        async with asyncio.timeout(timeout):
            if isinstance(address, str):
                reader, writer = await asyncio.open_unix_connection(address)
            else:
                reader, writer = await asyncio.open_connection(*address)
            writer.write(_QUESTION)
            return bool(await reader.read(1))
    except OSError:  # a timeout is one
        return False
    finally:
        if writer is not None:
            writer.transport.abort()
