"""A fault proxy that can also forget the connections it has, as a firewall does while nobody looks."""

from __future__ import annotations

from thawpool.testing._link import Link
from thawpool.testing.proxy import FaultProxy

__all__ = ["StaleProxy"]


class StaleProxy(FaultProxy):
    """``forget`` makes a black hole of what is open now; new connections pass."""

    def __init__(self, target_host: str, target_port: int, *, record: bool = False) -> None:
        self._forgotten: list[Link] = []
        super().__init__(target_host, target_port, record=record)

    def forget(self) -> None:
        """Forward nothing more on the open connections and tell nobody: both ends still look established."""
        self._order(self._forget)

    def close(self) -> None:
        super().close()
        for link in self._forgotten:
            link.finish()

    def _forget(self) -> None:
        self._forgotten += self._links
        self._links = []
