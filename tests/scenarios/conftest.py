"""Tests here run over every flavour of pool."""

from tests.api.flavours import flavour, pytest_pyfunc_call

__all__ = ["flavour", "pytest_pyfunc_call"]
