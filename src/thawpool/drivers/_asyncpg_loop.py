"""The event loop as asyncpg sees it while it opens a connection."""

from __future__ import annotations

import asyncio
from typing import Any, final

from ._transport import cut

__all__ = ["Loop"]


@final
class Loop:
    """The running event loop, but that it knows the address to connect to, and remembers what was opened on it.

    asyncpg closes what it opened when it is interrupted, but politely: over TLS asyncio then waits half a
    minute for the server's goodbye. Whoever gave asyncpg this loop can cut that short.

    Args:
        address: where to find the host that asyncpg names, if that is known. asyncpg goes on verifying
            the certificate by the name.
    """

    def __init__(self, address: str) -> None:
        self.real = asyncio.get_running_loop()
        self._address = address
        self._opened: list[asyncio.Transport] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def cut(self) -> None:
        """Close at once whatever was opened."""
        for transport in self._opened:
            cut(transport)
        self._opened.clear()

    def forget(self) -> None:
        """What was opened is in use from here on."""
        self._opened.clear()

    async def create_connection(self, factory: Any, host: str, port: int, **options: Any) -> Any:
        if options.get("ssl"):
            options["server_hostname"] = host
        address = self._address or host
        transport, protocol = await self.real.create_connection(factory, address, port, **options)
        self._opened.append(transport)
        return transport, protocol

    async def create_unix_connection(self, *args: Any, **options: Any) -> Any:
        transport, protocol = await self.real.create_unix_connection(*args, **options)
        self._opened.append(transport)
        return transport, protocol

    async def start_tls(self, *args: Any, **options: Any) -> Any:
        transport = await self.real.start_tls(*args, **options)
        if transport is not None:
            self._opened.append(transport)
        return transport
