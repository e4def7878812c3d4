"""One dial with asyncpg, and what to say when it fails."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from ...errors import ConnectFailed
from .. import _dial
from .connection import Connection, sqlstate
from .loop import Loop

if TYPE_CHECKING:
    from ..._url import Target

__all__ = ["FAILURES", "dial", "failed"]

#: What a dial may end with that another address may not.
FAILURES: Final = (OSError, asyncpg.PostgresError, asyncpg.InternalClientError)
#: What the network may say and take back in a moment.
PASSING: Final = frozenset({
    errno.ECONNABORTED, errno.ECONNREFUSED, errno.ECONNRESET, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN,
    errno.ENETUNREACH, errno.ENOENT, errno.EPIPE, errno.ETIMEDOUT,
})  # fmt: skip
#: The code for a connection that did not come about.
NO_CONNECTION: Final = "08001"


async def dial(
    host: str, port: int, address: str, role: str | None, password: str | None, options: Mapping[str, Any]
) -> Connection:
    """Connect to one address, and leave nothing behind if that fails or is interrupted.

    Args:
        host: a name or an address, or the directory of a Unix socket.
        address: where to find ``host``, if that was looked up.
        role: what the server must be, in the words of ``target_session_attrs``.
        options: further arguments of ``asyncpg.connect``.
    """
    loop = Loop(address)
    try:
        conn: Connection = await asyncpg.connect(
            host=host,
            port=port,
            password=password,
            target_session_attrs=role,
            loop=loop,
            timeout=None,
            connection_class=Connection,
            statement_cache_size=0,  # until it is known who answers
            max_cached_statement_lifetime=0,  # else each cached statement would set a timer
            **options,
        )
    except BaseException:
        loop.cut()
        raise
    loop.forget()
    return conn


def failed(target: Target, error: BaseException, timeout: float) -> Exception:
    """Our error for a dial that ended with ``error`` and was given ``timeout`` seconds."""
    if isinstance(error, TimeoutError) and error.errno is None:
        return _dial.silent(target, timeout)
    if isinstance(error, asyncpg.TargetServerAttributeNotMatched):
        return ConnectFailed(
            f"no server at {target.where} is what target_session_attrs={target.target_session_attrs} asks for; "
            "after a failover one will be in a moment",
            transient=True,
        )
    if _hung_up(error):
        error = ConnectionResetError("the server closed the connection while it was being opened")
        return _dial.refused(target, error, NO_CONNECTION)
    return _dial.refused(target, error, NO_CONNECTION if _passes(error) else sqlstate(error))


def _hung_up(error: BaseException) -> bool:
    """Whether a server ended the connection, to which asyncpg gives no number. Its refusals of TLS have none, either."""
    if not isinstance(error, ConnectionError) or error.errno is not None:
        return False
    return type(error) is not ConnectionError or str(error).startswith("unexpected connection_lost")


def _passes(error: BaseException) -> bool:
    """Whether the network said so, and may say otherwise in a moment."""
    if isinstance(error, (socket.gaierror, ssl.SSLError)):
        return False  # their numbers are of another kind
    return isinstance(error, OSError) and error.errno in PASSING
