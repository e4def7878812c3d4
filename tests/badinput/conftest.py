"""Tests here provoke the errors of ``docs/errors.md``; whatever they log, no secret may be in it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from tests.api.flavours import flavour, pytest_pyfunc_call
from tests.badinput.table import CANARY

__all__ = ["flavour", "no_secret_is_logged", "pytest_pyfunc_call"]


@pytest.fixture(autouse=True)
def no_secret_is_logged(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    assert CANARY not in caplog.text
    out, err = capfd.readouterr()
    assert CANARY not in out + err
