"""What docs/testing.md shows works as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import thawpool.testing
from thawpool.testing import Fault

TEXT = (Path(__file__).parents[2] / "docs" / "testing.md").read_text()


def test_the_examples_run() -> None:
    blocks = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    names: dict[str, Any] = {"pytest": pytest}
    for block in blocks:
        exec(compile(block, "docs/testing.md", "exec"), names)
    tests = [value for name, value in names.items() if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        test()


def test_every_fault_and_every_public_name_is_there() -> None:
    for fault in Fault:
        assert f"| `{fault.name}` |" in TEXT
    for name in thawpool.testing.__all__:
        assert name in TEXT, name
