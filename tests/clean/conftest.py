"""Tests here run over every flavour of pool, against a server with some furniture."""

from tests.api.flavours import flavour, pytest_pyfunc_call
from tests.clean.session import furniture

__all__ = ["flavour", "furniture", "pytest_pyfunc_call"]
