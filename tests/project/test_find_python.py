"""The build picks the newest Python that will do, and says in one sentence what is wrong if none will."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "find_python.sh"

#: Stands for a Python: it tells what the script asks of a real one.
STUB = """#!/bin/sh
echo "{minor} {micro} {whole} $0"
"""

Machine = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Run the script on a machine with the Pythons given: name -> (minor, micro, can make an environment)."""

    def run(**pythons: tuple[int, int, bool]) -> subprocess.CompletedProcess[str]:
        programs = tmp_path / "bin"
        programs.mkdir()
        for tool in ("sh", "awk", "cut", "head", "sort"):
            (programs / tool).symlink_to(
                next(p for p in (Path("/usr/bin", tool), Path("/bin", tool)) if p.exists())
            )
        for name, (minor, micro, whole) in pythons.items():
            stub = programs / name.replace("_", ".")
            stub.write_text(STUB.format(minor=minor, micro=micro, whole="yes" if whole else "no"))
            stub.chmod(0o755)
        env = {"PATH": str(programs), "HOME": str(tmp_path)}
        return subprocess.run([SCRIPT], env=env, capture_output=True, text=True, check=False)

    return run


def test_the_newest_wins(machine: Machine) -> None:
    found = machine(
        python3_9=(9, 1, True), python3_12=(12, 1, True), python3_11=(11, 9, True), python3=(11, 2, True)
    )
    assert found.stdout.endswith("/bin/python3.12\n")
    assert found.stderr == ""


def test_one_that_cannot_make_an_environment_is_passed_over(machine: Machine) -> None:
    found = machine(python3_13=(13, 0, False), python3_11=(11, 2, True))
    assert found.stdout.endswith("/bin/python3.11\n")


@pytest.mark.parametrize(
    "pythons, said",
    [
        ({}, "none was found: install it"),
        ({"python3": (10, 13, True)}, "the newest here is 3.10.13: install a newer one"),
        ({"python3": (11, 2, False)}, "cannot make a virtual environment: apt-get install python3-venv"),
    ],
    ids=["none", "too-old", "no-venv"],
)
def test_one_sentence_says_what_to_install(
    machine: Machine, pythons: dict[str, tuple[int, int, bool]], said: str
) -> None:
    found = machine(**pythons)
    assert found.returncode == 1
    assert found.stdout == ""
    assert said in found.stderr
    assert found.stderr.count("\n") == 1


def test_a_real_python_is_asked_the_right_question(tmp_path: Path) -> None:
    (tmp_path / "python3").symlink_to(Path(sys.base_prefix, "bin", "python3"))
    env = {"PATH": f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin", "HOME": str(tmp_path)}
    found = subprocess.run([SCRIPT], env=env, capture_output=True, text=True, check=True)
    version = subprocess.check_output([found.stdout.strip(), "-V"], text=True)
    assert version.startswith("Python 3.")
