"""Who may import whom. What a module may need is said here once; everything else is an error."""

from __future__ import annotations

import ast

import pytest
from tests.imports.graph import Import, imports, modules

#: Our own modules that a module, or all below its name, may import when it loads or runs. Names for the
#: type checker alone are free. The order is from the bottom to the top.
MAY_IMPORT = {
    "errors": set(),
    "stats": set(),
    "clock": set(),
    "observe": set(),
    "platforms": {"clock"},
    "_json": set(),
    "_option_rules": {"errors"},
    "_option_types": set(),
    "_url": {"errors"},
    "config": {"errors", "platforms", "_option_rules", "_url"},
    "_core": {"errors"},
    "_traps": {"_core"},
    "_flows": {"errors", "_core", "_traps"},
    "drivers": {"errors", "config", "_url"},
    "_arguments": {"errors"},
    "_explain": {"errors", "stats"},
    "_invocation": {"errors", "_core", "_flows"},
    "_lease": {"errors"},
    "_debug": {"errors", "_lease"},
    "_watch": {"clock"},
}
#: What the pools themselves are made of may import all of the above.
SHELL = {
    "_alarms",
    "_asleep",
    "_base",
    "_sync",
    "_sync_runner",
    "_transaction",
    "_async",
    "_async_lease",
    "_async_runner",
    "_async_transaction",
}
#: Built on the public names alone, as a user's code would be.
PUBLIC = {"integrations": {"", "errors"}}
#: Built on the public names, or for tests; nothing below may know of them.
ABOVE = {"testing", "demo", "learn", "starters", "__main__"}

#: What the core may import besides: no clock, lock, randomness, log or I/O can come in by these.
PURE = {"/__future__", "/collections", "/collections.abc", "/enum", "/typing"}


def family(module: str) -> str:
    return module.split(".")[0]


def ours() -> list[Import]:
    return [found for found in imports() if not found.imported.startswith("/") and found.when != "typing"]


def foreign(*importers: str) -> set[tuple[str, str]]:
    return {
        (found.importer, found.imported)
        for found in imports()
        if found.imported.startswith("/") and found.when != "typing" and family(found.importer) in importers
    }


def test_every_module_has_its_place() -> None:
    placed = MAY_IMPORT.keys() | SHELL | PUBLIC.keys() | ABOVE | {""}
    assert {family(module) for module in modules()} == placed


def test_nothing_imports_upwards() -> None:
    wrong = []
    for found in ours():
        importer, imported = family(found.importer), family(found.imported)
        if importer == imported:
            continue
        if importer in MAY_IMPORT:
            allowed = imported in MAY_IMPORT[importer]
        elif importer in SHELL:
            allowed = imported in MAY_IMPORT.keys() | SHELL
        elif importer in PUBLIC:
            allowed = imported in PUBLIC[importer]
        else:
            allowed = importer in ABOVE or imported == "errors"
        if not allowed:
            wrong.append(f"{found.importer or 'thawpool'} imports {found.imported or 'thawpool'}")
    assert wrong == []


def test_what_is_built_on_the_public_names_uses_no_other() -> None:
    """Neither by an import nor as an attribute of what it was given."""
    wrong = []
    for module, path in modules().items():
        if family(module) not in PUBLIC:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if (
                isinstance(node, ast.ImportFrom)
                and not node.level
                and (node.module or "").startswith("thawpool")
            ):
                names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            elif isinstance(node, ast.Attribute) and not (
                isinstance(node.value, ast.Name) and node.value.id == "self"
            ):
                names = [node.attr]
            wrong += [(module, name) for name in names if name.startswith("_") and not name.endswith("__")]
    assert wrong == []


def test_threads_know_nothing_of_asyncio_and_the_reverse() -> None:
    for found in imports():
        importer, imported = family(found.importer), found.imported
        if importer.startswith("_sync"):
            assert not imported.startswith(("/asyncio", "_async")), found
        if importer.startswith("_async"):
            assert not imported.startswith(("/threading", "/_thread", "_sync")), found


def test_the_core_is_pure() -> None:
    assert {imported for _, imported in foreign("_core")} <= PURE
    assert {imported for _, imported in foreign("_traps", "_flows")} <= PURE


def test_the_clock_is_read_in_one_place() -> None:
    """Drivers aside, which wait in real time whatever the pool's clock says."""
    below = MAY_IMPORT.keys() - {"drivers"} | SHELL
    assert {importer for importer, imported in foreign(*below) if imported == "/time"} == {"clock"}
    assert {importer for importer, imported in foreign(*below) if imported == "/random"} == set()


def test_the_protocol_of_drivers_needs_no_driver() -> None:
    assert {imported for importer, imported in foreign("drivers") if importer == "drivers.base"} <= PURE
    for found in ours():
        if found.importer in ("drivers", "drivers.base"):
            assert found.imported in ("errors", "drivers.base"), found


#: The libraries by the name of their adapter. aiomysql is built on PyMySQL, and so is its adapter.
LIBRARIES = {
    "psycopg": ("psycopg",),
    "asyncpg": ("asyncpg",),
    "psycopg2": ("psycopg2",),
    "pg8000": ("pg8000",),
    "pymysql": ("pymysql", "aiomysql"),
    "MySQLdb": ("mysqlclient",),
    "mysql": ("mysqlconnector",),
    "asyncmy": ("asyncmy",),
    "aiomysql": ("aiomysql",),
}


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_is_imported_by_its_own_adapter_alone(library: str) -> None:
    importers = {found.importer for found in imports() if found.imported.split(".")[0] == f"/{library}"}
    importers = {importer for importer in importers if family(importer) not in ABOVE}
    assert importers
    assert all(
        importer.split(".")[:2] in [["drivers", name] for name in LIBRARIES[library]]
        for importer in importers
    )


@pytest.mark.parametrize("room,other", [("_mysql", "_postgresql"), ("_postgresql", "_mysql")])
def test_what_belongs_to_one_server_knows_nothing_of_the_other(room: str, other: str) -> None:
    for found in ours():
        if found.importer.startswith(f"drivers.{room}"):
            assert not found.imported.startswith(f"drivers.{other}"), found
