"""The event loop as asyncpg sees it while it opens a connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, final

from .._transport import beneath, cut

__all__ = ["Loop"]


@final
class Loop:
    """The running event loop, but that it knows the address to connect to, and remembers what was opened on it.

    asyncpg closes what it opened when it is interrupted, but politely: over TLS asyncio then waits half a
    minute for the server's goodbye. Whoever gave asyncpg this loop can cut that short, since what it remembers
    is the transport beneath TLS.

    Args:
        address: where to find the host that asyncpg names, if that is known. asyncpg goes on verifying
            the certificate by the name.
    """

    def __init__(self, address: str) -> None:
        self.real = asyncio.get_running_loop()
        self._address = address
        self._protocols: list[Any] = []
        self._transports: list[asyncio.Transport] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    @property
    def wire(self) -> asyncio.Transport:
        """The transport that was opened last, without the TLS that may run over it."""
        return self._transports[-1]

    def cut(self) -> None:
        """Close at once whatever was opened."""
        for protocol in self._protocols:
            answer = getattr(protocol, "on_data", None)  # the server's word on TLS, which nobody may await
            if answer is not None and not answer.cancel() and not answer.cancelled():
                answer.exception()
        for transport in self._transports:
            cut(transport)
        self.forget()

    def forget(self) -> None:
        """What was opened is in use from here on."""
        for protocol in self._protocols:
            del protocol.connection_made
        self._protocols.clear()
        self._transports.clear()

    def _watched(self, factory: Callable[[], Any]) -> Callable[[], Any]:
        """A factory of protocols whose transports are remembered as soon as there are any."""

        def make() -> Any:
            protocol = factory()
            made = protocol.connection_made

            def connection_made(transport: asyncio.Transport) -> None:
                self._transports.append(beneath(transport))
                made(transport)

            protocol.connection_made = connection_made
            self._protocols.append(protocol)
            return protocol

        return make

    async def create_connection(
        self, factory: Callable[[], Any], host: str, port: int, **options: Any
    ) -> Any:
        if options.get("ssl"):
            options["server_hostname"] = host
        return await self.real.create_connection(
            self._watched(factory), self._address or host, port, **options
        )

    async def create_unix_connection(self, factory: Callable[[], Any], path: str) -> Any:
        return await self.real.create_unix_connection(self._watched(factory), path)
