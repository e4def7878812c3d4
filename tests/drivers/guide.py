"""The driver that ``docs/adding-a-driver.md`` builds, with nothing but what stands there."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from thawpool import drivers
from thawpool._url import drivers as known

__all__ = ["TOY", "build", "declaration"]

TOY = "toy"
GUIDE = Path(__file__).parents[2] / "docs" / "adding-a-driver.md"
MODULE = "thawpool.drivers.toy"


def _blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)


def _entries(table: str, **names: Any) -> dict[Any, Any]:
    """The line that the guide would have in this table."""
    found = re.search(rf"^\| [^|]*`{table}` \| `(.*)` \|$", GUIDE.read_text(), re.MULTILINE)
    assert found is not None
    return eval("{" + found[1] + "}", names)  # type: ignore[no-any-return]


def declaration(names: Mapping[str, Any]) -> Any:
    """The line of the conformance suite."""
    return eval(_blocks()[1], dict(names))


def build(patch: pytest.MonkeyPatch) -> None:
    """Put the driver where the guide says, for as long as the patch holds."""
    module = ModuleType(MODULE)
    module.__package__ = "thawpool.drivers"
    patch.setitem(sys.modules, MODULE, module)
    exec(compile(_blocks()[0], str(GUIDE), "exec"), vars(module))
    for name, line in _entries("ADAPTERS").items():
        patch.setitem(drivers.ADAPTERS, name, line)
    for driver, line in _entries("DRIVERS", Driver=known.Driver).items():
        patch.setitem(known.DRIVERS, driver, line)
