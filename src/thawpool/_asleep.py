"""How a pool lies down when the last invocation ends, since the instance may be frozen from then on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _explain
from ._core.slot import LEASED, Slot

if TYPE_CHECKING:
    from ._core.state import PoolState
    from ._invocation import Invocation
    from .config import PoolConfig

__all__ = ["Sleeper"]

INFINITY = float("inf")


class Sleeper:
    """The part of a pool that is at work at the end of an invocation."""

    name: str
    _config: PoolConfig
    _state: PoolState
    _driver: Any
    #: Those that run now; changing a set is atomic, so threads need no lock for it.
    _invocations: set[Invocation]
    #: Leases that the end of an invocation found still out, by the wall time at which they began. A lease that
    #: nobody returns is reported once, and waited for once.
    _reported: dict[Slot, float]

    def _owes(self, *, leases: bool = True) -> bool:
        """Whether no invocation runs, and yet a dial is under way, or a lease that was not reported before."""
        if self._invocations:
            return False
        return self._state.opening > 0 or (leases and bool(self._unreported()))

    def _unreported(self) -> list[Slot]:
        return [slot for slot in self._state.out() if self._reported.get(slot) != slot.taken_at]

    def _lie_down(self) -> None:
        """The instance may be frozen: report what is still out, close what should not sleep, leave nothing running."""
        out = self._unreported()
        if self._invocations:
            return  # another has begun; what is out may be its own, and its end does all this
        out = [slot for slot in out if slot.state is LEASED]
        if out:
            _explain.still_out(self.name, len(out), [slot.where for slot in out if slot.where])
            before = {
                slot: at
                for slot, at in self._reported.items()
                if slot.taken_at == at and slot.state is LEASED
            }
            self._reported = {**before, **{slot: slot.taken_at for slot in out}}
        self._close_surplus()
        if self._config.platform.freezes:
            self._rest()
        self._flush()

    def _close_surplus(self) -> None:
        """Close what should not sleep: what is too old, and what is beyond ``keep``."""
        keep, driver = self._config.keep, self._driver
        if driver is not None and not driver.cleans_up():
            self._lay_down(0)
        else:
            self._lay_down(INFINITY if keep is None else max(keep, self._config.min_size))

    def _lay_down(self, keep: float) -> None:
        """Close idle connections that are too old, and those beyond ``keep``."""
        raise NotImplementedError

    def _rest(self) -> None:
        """Stop what helps statements along, where none runs."""
        from .drivers import rest

        rest()

    def _flush(self) -> None:
        """Let the observer send what it has gathered, if it has a mind to."""
        raise NotImplementedError
