"""``docs/scenarios.md`` names tests that exist, and every scenario has one or a reason."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "scenarios.md").read_text()
NODE = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def functions(path: str) -> set[str]:
    """The names of the tests in a file; none if there is no such file."""
    file = ROOT / path
    tree = ast.parse(file.read_text()) if file.exists() else ast.Module([], [])
    return {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}


def rows() -> list[list[str]]:
    lines = [line for line in DOCUMENT.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [row for row in cells if row[0] != "scenario"]


def test_every_test_that_it_names_exists() -> None:
    named = NODE.findall(DOCUMENT)
    known = {path: functions(path) for path in {path for path, _ in named}}
    assert [f"{path}::{name}" for path, name in named if name not in known[path]] == []


def test_every_scenario_has_a_test_or_a_reason() -> None:
    assert len(rows()) > 120
    for row in rows():
        assert len(row) == 3, row
        assert NODE.search(row[2]) or row[2].startswith("does not apply: "), row


def test_every_scenario_test_is_listed() -> None:
    listed = {name for _, name in NODE.findall(DOCUMENT)}
    for file in sorted(Path(__file__).parent.glob("test_*.py")):
        if file.name != Path(__file__).name:
            tests = {name for name in functions(f"tests/scenarios/{file.name}") if name.startswith("test_")}
            assert tests - listed == set()
