"""Print what ``declared`` says as the tables of ``docs/drivers.md``: ``python -m tests.drivers.conformance.matrix``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.drivers.conformance.declared import DIFFERENCES, DRIVERS, SERVERS, Declared, System

__all__ = ["PAGE", "rewritten"]

PAGE = Path(__file__).parents[3] / "docs" / "drivers.md"
BEGIN, END = "<!-- matrix -->\n", "<!-- end of the matrix -->\n"
TITLES: dict[System, str] = {"postgresql": "PostgreSQL", "mysql": "MySQL and MariaDB"}
#: What no server of the driver's system is.
NONE = ""


def rewritten(page: str) -> str:
    """The page with its tables as they should be."""
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return "".join((head, BEGIN, "\n", "\n".join(_tables()), "\n\n", END, tail))


def _tables() -> Iterator[str]:
    names = [name for servers in SERVERS.values() for _, name, _ in servers]
    yield f"| driver | URL | `Pool` | `AsyncPool` | {' | '.join(names)} |"
    yield f"|{'---|' * (4 + len(names))}"
    for declared in DRIVERS:
        yield _row(declared)
    if any(declared.differs for declared in DRIVERS):
        yield from ("", "| difference | drivers | why |", "|---|---|---|")
    for difference, reason in DIFFERENCES.items():
        drivers = [declared.name for declared in DRIVERS if difference in declared.differs]
        if drivers:
            yield f"| {difference} | {', '.join(drivers)} | {reason} |"


def _row(declared: Declared) -> str:
    passes = f"all but {', '.join(declared.differs)}" if declared.differs else "all"
    kinds = ["yes" if kind in declared.kinds else NONE for kind in ("threads", "asyncio")]
    cells = [
        passes if system == declared.system else NONE for system, servers in SERVERS.items() for _ in servers
    ]
    url = f"`{declared.system}+{declared.name}://`"
    return f"| {' | '.join((declared.name, url, *kinds, *cells))} |".replace("|  ", "| ")


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text()))
