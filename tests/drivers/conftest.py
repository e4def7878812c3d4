"""Tests here are about one driver's adapter, most of them over both event loops."""

from __future__ import annotations

import pytest
from tests.api.flavours import pytest_pyfunc_call
from tests.support.loops import LoopFlavour

__all__ = ["flavour", "pytest_pyfunc_call"]


@pytest.fixture(params=["asyncpg", "asyncpg-uvloop"])
def flavour(request: pytest.FixtureRequest) -> LoopFlavour:
    """asyncpg over either event loop."""
    return LoopFlavour(request.param)
