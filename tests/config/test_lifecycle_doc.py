"""The tables of docs/lifecycle.md name every platform and every driver."""

from __future__ import annotations

import re
from pathlib import Path

from thawpool.drivers import ADAPTERS
from thawpool.platforms import MARKS, detect

PAGE = (Path(__file__).parents[2] / "docs" / "lifecycle.md").read_text(encoding="utf-8")


def rows(head: str) -> list[list[str]]:
    """The rows of the table whose first row begins with ``head``."""
    lines = PAGE[PAGE.index(f"\n| {head} |") + 1 :].splitlines()
    table = lines[: next(number for number, line in enumerate(lines) if not line.startswith("|"))]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]


def test_every_driver_says_how_its_statements_end() -> None:
    named = re.findall(r"\w+", " ".join(row[0] for row in rows("driver")))
    assert {driver for driver, _ in ADAPTERS} <= set(named)


def test_every_platform_is_there_with_its_facts() -> None:
    table = {row[1]: row for row in rows("platform")}
    for _, variables in MARKS:
        row = table[", ".join(f"`{variable}`" for variable in variables)]
        platform = detect({variables[0]: "1"})
        assert row[2].startswith("no") is not platform.freezes or "CPU" in row[2]
        assert row[5] == ("all" if platform.keep is None else str(platform.keep))
    assert len(table) == len(MARKS) + 1
