"""The page of the drivers says what the suite runs over, and the suite runs over every adapter there is."""

from __future__ import annotations

from tests.drivers.conformance.declared import DIFFERENCES, DRIVERS
from tests.drivers.conformance.matrix import PAGE, rewritten

from thawpool.drivers import ADAPTERS


def test_the_page_is_as_the_table_says() -> None:
    page = PAGE.read_text()
    assert page == rewritten(page), "run python -m tests.drivers.conformance.matrix"


def test_no_adapter_is_left_out() -> None:
    declared = {(driver.name, kind == "asyncio") for driver in DRIVERS for kind in driver.kinds}
    assert declared == set(ADAPTERS)


def test_every_difference_has_its_reason_and_a_driver() -> None:
    assert {difference for driver in DRIVERS for difference in driver.differs} == set(DIFFERENCES)
