from __future__ import annotations

from collections.abc import Iterator

import pytest

from .running import Demo


@pytest.fixture(scope="package")
def demo() -> Iterator[Demo]:
    """One demo for all tests that leave it as they found it: up, and thawed."""
    with Demo() as running:
        yield running
