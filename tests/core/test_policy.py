"""The rules of thumb, as numbers."""

from __future__ import annotations

import pytest
from tests.core.helpers import T0, at

from thawpool._core.policy import Limits, age, backoff, budget, jittered


@pytest.mark.parametrize(
    "failures, full",
    [(1, 0.02), (2, 0.04), (3, 0.08), (4, 0.16), (5, 0.25), (6, 0.25), (9, 0.25), (1000, 0.25)],
)
def test_backoff_doubles_to_its_limit_and_half_of_it_is_jitter(failures: int, full: float) -> None:
    assert backoff(failures, 0.0) == pytest.approx(full / 2)
    assert backoff(failures, 0.5) == pytest.approx(full * 0.75)
    assert backoff(failures, 1.0) == pytest.approx(full)


def test_a_lifetime_loses_up_to_five_percent() -> None:
    assert jittered(1800.0, 0.0) == 1800.0
    assert jittered(1800.0, 0.5) == pytest.approx(1755.0)
    assert jittered(1800.0, 1.0) == pytest.approx(1710.0)
    assert jittered(float("inf"), 0.5) == float("inf")


def test_age_is_the_larger_of_both_deltas() -> None:
    assert age(*T0, at(3.0)) == 3.0
    assert age(*T0, at(3.0, wall=600.0)) == 600.0
    assert age(*T0, at(3.0, wall=-600.0)) == 3.0


@pytest.mark.parametrize(
    "remaining, spendable", [(-1.0, 0.0), (0.05, 0.0), (0.1, 0.0), (1.0, 0.9), (5.0, 4.9), (100.0, 98.0)]
)
def test_a_tenth_of_a_second_or_two_percent_of_an_invocation_are_kept(
    remaining: float, spendable: float
) -> None:
    assert budget(remaining) == pytest.approx(spendable)


def test_no_limit_stays_none() -> None:
    assert budget(float("inf")) == float("inf")


def test_defaults() -> None:
    infinity = float("inf")
    assert Limits() == (5, 1.0, 10.0, 1800.0, infinity, infinity)
