"""What every adapter needs around a dial: the password of the moment, addresses, and errors that explain.

An error code decides where the driver gives one. libpq gives none for a connection that was refused, so
for those the text does, which servers send in English unless ``lc_messages`` says otherwise; a text that
is not recognised counts as final, so that nobody hammers on a guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ..errors import ConfigError, ConnectFailed, Overloaded, PoolError

if TYPE_CHECKING:
    from .._url import Target
    from ..config import PoolConfig
    from ._faults import Fault

__all__ = [
    "Expired",
    "async_password",
    "awaited",
    "check_files",
    "lookup",
    "password",
    "refused",
    "resolve",
    "shares",
    "silent",
    "unready",
    "without_frames",
]

#: How libpq begins what it says of each attempt.
PREAMBLE: Final = (
    r'(connection failed: )?connection to server (at "[^"]*"( \([^)]*\))?, port \d+'
    r'|on socket "[^"]*") failed: '
)
T = TypeVar("T")

#: What the network and the operating system say when trying again may help.
PASSING: Final = (
    r"connection refused|reset by peer|closed the connection unexpectedly|connection (was )?closed|broken pipe"
    r"|timed? ?out|no route to host|network is unreachable|temporary failure in name|no such file or directory"
    r"|EOF detected|EOF occurred"
)
#: What to do, by what the error says; the first that matches.
REMEDIES: Final = (
    (
        r"password authentication failed|no password supplied|28P01|28000|authentication failed|access denied",
        "check the user and the password; if the password rotates, pass password=a function that fetches it",
    ),
    (
        r"database .* does not exist|3D000|unknown database",
        "create that database, or correct the name at the end of the URL",
    ),
    (
        r"translate host name|name or service not known|nodename nor servname|no address associated|unknown .*host",
        "the host name is unknown here: check its spelling, and whether this network can resolve it",
    ),
    (
        r"does ?n.t support SSL|does not support SSL|SSL.*not (supported|enabled)|rejected SSL|SSL.*but the server",
        "the URL demands TLS and the server offers none: turn TLS on at the server",
    ),
    (
        r"certificate|hostname .* doesn't match|host name .* match",
        "the server's certificate cannot be verified: give the CA with sslrootcert, and connect by the name in it",
    ),
    (
        r"character set|charset|collation",
        "the server or the driver does not know it: correct charset or collation in the URL, utf8mb4 serves all texts",
    ),
    (
        r"is not allowed to connect|1130",
        "the server does not admit this user from here: see which hosts the account is for (CREATE USER name@host)",
    ),
    (
        r"pg_hba\.conf|no encryption",
        "the server does not admit this user from here this way: see its pg_hba.conf, or use sslmode=require",
    ),
    (
        r"connection refused|connect call failed|no such file|can't connect to (local |mysql )*server",
        "nothing listens there: is the server up, and are host and port right?",
    ),
)


class Expired(Exception):
    """The deadline of a dial came before its end."""


def check_files(target: Target) -> None:
    """See that the TLS files which the URL names can be read. Without them libpq may go on, less safely.

    Raises:
        ConfigError: one cannot be.
    """
    if target.sslmode == "disable":
        return
    for name in ("sslrootcert", "sslcert", "sslkey"):
        path = getattr(target, name)
        if path not in (None, "system"):
            try:
                open(path, "rb").close()
            except OSError as error:
                raise ConfigError(f"{name}={path}: {error.strerror}") from error


def shares(attempts: Sequence[T], until: float) -> Iterator[tuple[T, float]]:
    """Each attempt with its own end: equal parts of what is left, so that a silent host leaves time for the next."""
    for number, attempt in enumerate(attempts):
        now = monotonic()
        if number and now >= until:
            return
        yield attempt, now + (until - now) / (len(attempts) - number)


def without_frames(error: BaseException) -> BaseException:
    """The error, and those behind it, without the frames that they passed: a library's hold the password."""
    behind: BaseException | None = error
    while behind is not None:
        behind.__traceback__ = None
        behind = behind.__cause__ or behind.__context__
    return error


def silent(target: Target, timeout: float | None) -> ConnectFailed:
    """The error for a server that did not answer within ``timeout``, or within what was left of it (None)."""
    time = "the time that was left" if timeout is None else f"{max(timeout, 0):.2f} s"
    return ConnectFailed(
        f"{target.where} did not answer within {time}: it is down, a firewall or security group drops the packets, "
        "or it is overwhelmed; check the address, or raise connect_timeout if it is only slow",
        transient=True,
    )


def refused(
    target: Target, error: BaseException, code: str | int | None, doing: str = "connect to"
) -> ConnectFailed | Overloaded:
    """The error for a server that answered with a refusal, or a network that did.

    Args:
        code: what the server calls it, an SQLSTATE or MySQL's number; None for the network's own.
    """
    from ._faults import Fault

    text = _told(error)
    fault = _classify(target, code, text)
    if Fault.OVERLOADED in fault:
        return Overloaded(
            f"{target.where} has no connection slot left: {text}. Lower max_size, run fewer instances, raise the "
            "server's limit, or put a pooler such as PgBouncer in front of it"
        )
    remedy = next((remedy for pattern, remedy in REMEDIES if _says(f"{code} {text}", pattern)), "")
    return ConnectFailed(
        f"could not {doing} {target.where}: {text}" + (f". Remedy: {remedy}" if remedy else ""),
        transient=Fault.TRANSIENT in fault or (not fault and code is None and _passes(error, text)),
    )


def _passes(error: BaseException, text: str) -> bool:
    """Whether the network said so, and may say otherwise in a moment."""
    broken = isinstance(error, (ConnectionError, EOFError)) and type(error) is not ConnectionError
    return broken or _says(text, PASSING)


def _classify(target: Target, code: Any, text: str) -> Fault:
    if target.system == "mysql":
        from ._mysql import classify as of_mysql

        return of_mysql(code, text)
    from ._postgresql import classify

    return classify(code, text)


def _says(text: str, pattern: str) -> bool:
    """Patterns are compiled when they are first asked for, since a cold start rarely needs them."""
    return re.search(pattern, text, re.IGNORECASE) is not None


def _told(error: BaseException) -> str:
    """What an error says, in one line: without what we say ourselves, and nothing twice."""
    if isinstance(error, ConnectionError) and error.errno:
        import os

        return os.strerror(error.errno)  # asyncio's text names the address instead of the reason
    lines = dict.fromkeys(re.sub(PREAMBLE, "", line).strip() for line in str(error).splitlines())
    return " ".join(" ".join(lines).split()).rstrip(".") or type(error).__name__


def unready(target: Target, error: Exception, code: str | int | None) -> Exception:
    """The error for a connection that opened and then failed while it was set up."""
    if isinstance(error, (ConnectFailed, Overloaded, ConfigError)):
        return error
    if isinstance(error, PoolError):  # the deadline struck in the middle of the set-up
        return silent(target, None)
    return refused(target, error, code, doing="set up a connection to")


def password(config: PoolConfig, target: Target) -> str | None:
    """The password for one dial; a function is asked each time, since tokens expire."""
    secret = config.password
    if not callable(secret):
        return secret if secret is not None else target.password
    try:
        return _text(secret())
    except Exception as error:
        raise _no_password(error) from error


async def async_password(config: PoolConfig, target: Target, until: float) -> str | None:
    """The same for asyncio, where the function may be a coroutine function."""
    import asyncio

    secret = config.password
    if not callable(secret):
        return secret if secret is not None else target.password
    try:
        async with asyncio.timeout(max(0.0, until - monotonic())):
            return _text(await awaited(secret()))
    except Exception as error:
        raise _no_password(error) from error


async def awaited(answer: Any) -> Any:
    """The answer of a user's hook, which may be a plain function or a coroutine function."""
    return await answer if hasattr(answer, "__await__") else answer


def _text(answer: Any) -> str:
    if not isinstance(answer, str):
        raise TypeError(f"it returned {type(answer).__name__}, not str")
    return answer


def _no_password(error: Exception) -> ConnectFailed:
    # The message of the error is left out: who knows what a secrets client puts there.
    why = f"{type(error).__name__}" + (f": {error}" if type(error) is TypeError else "")
    return ConnectFailed(
        f"the password function failed ({why}); its error is the cause of this one", transient=True
    )


def lookup(target: Target) -> dict[str, list[str]]:
    """The addresses of each host, for a driver that is handed sockets. The operating system's look-up has no deadline.

    Raises:
        ConnectFailed: no host of the target could be resolved.
    """
    import socket

    found: dict[str, list[str]] = {}
    failure: Exception | None = None
    for host, port in target.hosts:
        if host.startswith(("/", "@")):
            continue
        try:
            found[host] = _addresses(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as error:
            failure = refused(target, error, None)
            failure.__cause__ = error
    if failure is not None and not found:
        raise failure
    return found


def _addresses(infos: Sequence[Any]) -> list[str]:
    return list(dict.fromkeys(str(info[4][0]) for info in infos))


async def resolve(target: Target, until: float) -> dict[str, list[str]]:
    """The addresses of each host, looked up without blocking the event loop.

    Raises:
        ConnectFailed: no host of the target could be resolved in time.
    """
    import asyncio
    import ipaddress
    import socket

    found: dict[str, list[str]] = {}
    failure: Exception | None = None
    for host, port in target.hosts:
        if host.startswith(("/", "@")):
            continue
        try:
            ipaddress.ip_address(host)
        except ValueError:
            try:
                async with asyncio.timeout(max(0.0, until - monotonic())):
                    infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
                found[host] = _addresses(infos)
            except TimeoutError as error:
                failure = silent(target, None)
                failure.__cause__ = error
            except OSError as error:
                failure = refused(target, error, None)
                failure.__cause__ = error
    if failure is not None and not found:
        raise failure
    return found
