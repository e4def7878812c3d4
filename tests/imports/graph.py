"""The imports of the package, read from its source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import thawpool

PACKAGE = Path(thawpool.__file__).parent


class Import(NamedTuple):
    """One imported name: who imports it, what, and when that happens."""

    importer: str
    imported: str
    #: "loading" the module, "running" one of its functions, or "typing" only.
    when: str


def modules() -> dict[str, Path]:
    """The package's modules by name, without the package's own prefix."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports() -> list[Import]:
    """Every import of every module; our own without the prefix, as in ``_core.state``."""
    known = modules()
    return [found for name, path in known.items() for found in _imports_of(name, path, known)]


def _imports_of(name: str, path: Path, known: dict[str, Path]) -> Iterator[Import]:
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    package = [part for part in package if part]
    for node, when in _walk(ast.parse(path.read_text()), "loading"):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(name, _local(alias.name), when)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *(node.module.split(".") if node.module else [])])
            if not node.level:
                yield Import(name, _local(module), when)
                continue
            for alias in node.names:
                inner = f"{module}.{alias.name}".strip(".")
                yield Import(name, inner if inner in known else module, when)


def _local(module: str) -> str:
    """Our own modules without the prefix; others are marked as foreign."""
    if module == "thawpool" or module.startswith("thawpool."):
        return module.removeprefix("thawpool").removeprefix(".")
    return f"/{module}"


def _walk(node: ast.AST, when: str) -> Iterator[tuple[ast.AST, str]]:
    for child in ast.iter_child_nodes(node):
        if (
            isinstance(child, ast.If)
            and isinstance(child.test, ast.Name)
            and child.test.id == "TYPE_CHECKING"
        ):
            for inner in child.body:
                yield inner, "typing"
            for inner in child.orelse:
                yield from _walk(inner, when)
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _walk(child, "running")
        else:
            yield child, when
            yield from _walk(child, when)
