"""Every row of ``docs/errors.md`` has a test; that a test has its row shows when it looks for it."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.badinput.table import ROWS


def provoked() -> set[str]:
    """The rows that the tests beside this one name: where they call ``refused``, or in a list of (row, ...)."""
    found = set()
    for path in Path(__file__).parent.glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "refused":
                named = node.args[0]
            elif isinstance(node, ast.Tuple) and len(node.elts) > 1:
                named = node.elts[0]
            else:
                continue
            if isinstance(named, ast.Constant) and isinstance(named.value, str):
                found.add(named.value)
    return found


def test_every_row_has_a_test() -> None:
    assert len(ROWS) > 50
    assert set(ROWS) - provoked() == set()


def test_every_row_says_something() -> None:
    assert all(row.words and row.status in (500, 503) for row in ROWS.values())
