"""The middle of a URL: ``user:password@host:port,host:port/database?parameters``.

By hand, because ``urllib`` knows neither several hosts nor passwords with characters that should have
been percent-encoded. Where such a password leaves only one way to read the URL, that way is taken.
"""

from __future__ import annotations

import re
from typing import Final

from ..errors import ConfigError
from .target import Endpoint, System

__all__ = ["default_port", "parse_hosts", "split", "spread", "unquote"]

#: A name, an IPv4 address, a bracketed IPv6 address or an encoded path; then a port.
_HOST: Final = r"""(?: \[ (?P<v6> [0-9A-Fa-f:.]+ (?: % [\w.%-]+ )? ) \]
          | (?P<name> (?: [\w.-] | %[0-9A-Fa-f]{2} )* ) )
        (?: : (?P<port> [0-9]{0,5} ) )?"""


def default_port(system: System) -> int:
    return 5432 if system == "postgresql" else 3306


def unquote(text: str) -> str:
    """Undo percent-encoding. A ``%`` that encodes nothing stands for itself; ``+`` is a plus sign."""
    if "%" not in text:
        return text
    octets = text.encode().decode("latin-1")
    raw = re.sub(r"%([0-9A-Fa-f]{2})", lambda match: chr(int(match[1], 16)), octets).encode("latin-1")
    plain = raw.decode(errors="replace")
    if plain.encode() != raw:  # rather than a UnicodeDecodeError, which carries the bytes along
        raise ConfigError("its percent-encoding does not give UTF-8; encode the UTF-8 bytes")
    if "\0" in plain:
        raise ConfigError("there is a %00 in it, which no server accepts")
    return plain


def split(rest: str) -> tuple[str, str, str, str]:
    """Split what follows ``scheme://``: user and password, hosts, path and query, all still percent-encoded.

    Raises:
        ConfigError: an unencoded ``/``, ``?`` or ``@`` in the user or the password leaves several ways.
    """
    head, _ = _cut(rest)
    if "@" in head or "@" not in rest:
        at = head.rfind("@")
    elif _valid(head):
        at = -1  # the @ may be a parameter's: postgresql://host/db?application_name=me@home
    else:
        # "user:pa/ss@host/db": the head is no host, so the user and the password go on behind it.
        ways = [i for i, char in enumerate(rest) if char == "@" and _fits(rest[i + 1 :])]
        if len(ways) != 1 or ":" not in head:
            raise _ambiguous()
        at = ways[0]
    userinfo = rest[:at] if at >= 0 else ""
    hostlist, tail = _cut(rest[at + 1 :])
    path, _, query = tail.partition("?")
    if "@" in path:
        raise _ambiguous()
    if not _valid(hostlist):
        raise ConfigError(
            "the host or the port in it is not valid; write user:password@host:port, percent-encode reserved "
            "characters in the user and the password (@ as %40), and put IPv6 addresses in brackets"
        )
    return userinfo, hostlist, path.removeprefix("/"), query


def _cut(text: str) -> tuple[str, str]:
    """Split before the first ``/`` or ``?``."""
    end = next((i for i, char in enumerate(text) if char in "/?"), len(text))
    return text[:end], text[end:]


def _valid(hostlist: str) -> bool:
    return all(_host(host) is not None for host in hostlist.split(","))


def _host(text: str) -> re.Match[str] | None:
    return re.fullmatch(_HOST, text, re.VERBOSE)


def _fits(tail: str) -> bool:
    """Whether ``tail`` can be what follows the password."""
    hostlist, rest = _cut(tail)
    return hostlist != "" and _valid(hostlist) and "@" not in rest.partition("?")[0]


def _ambiguous() -> ConfigError:
    return ConfigError(
        "it can be read in more than one way; percent-encode reserved characters in the user and the "
        "password: @ as %40, / as %2F, ? as %3F, # as %23, % as %25"
    )


def parse_hosts(hostlist: str, port: int | list[int], *, encoded: bool) -> tuple[Endpoint, ...]:
    """The (host, port) pairs of a comma-separated list.

    Args:
        hostlist: hosts, each with or without a port.
        port: for the hosts without one; a list has one for each host, or one for all.
        encoded: whether percent-encoding is to be undone. If not, a host may also be a plain path or a
            plain IPv6 address.
    """
    hosts = hostlist.split(",")
    return tuple(
        _parse_host(host, default, encoded)
        for host, default in zip(hosts, spread(port, len(hosts)), strict=True)
    )


def spread(port: int | list[int], count: int) -> list[int]:
    """One port for each of ``count`` hosts."""
    ports = [port] if isinstance(port, int) else port
    if len(ports) == 1:
        ports = ports * count
    if len(ports) != count:
        raise ConfigError(
            f"there are {count} hosts and {len(ports)} ports; give one port, or one for each host"
        )
    return ports


def _parse_host(host: str, default: int, encoded: bool) -> Endpoint:
    if not encoded and (host.startswith("/") or (host.count(":") > 1 and "[" not in host)):
        return host, default
    match = _host(host)
    if match is None:
        raise ConfigError("a host is not valid: write a name, an address or a socket's directory, and a port")
    name = match["v6"] or match["name"] or "localhost"
    port = int(match["port"] or default)
    if not 0 < port < 65536:
        raise ConfigError("a port is not one of 1 to 65535")
    return unquote(name) if encoded else name, port
