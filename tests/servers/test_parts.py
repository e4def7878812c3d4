"""A part that the machine lacks costs its tests and one closing line, or, where all is required, the run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = """
from tests.support import parts

parts.PARTS["unicorn"] = parts.Part(lambda: False, "apt-get install unicorn", optional={optional})
parts.FIXTURES["stable"] = "unicorn"

def pytest_configure(config):
    config.pluginmanager.register(parts.Parts(required={required}))
"""

TESTS = """
import pytest

@pytest.fixture
def stable(): ...

def test_without(): ...

@pytest.mark.needs("unicorn")
def test_marked(): ...

def test_implied(stable): ...
"""


def run(folder: Path, tests: str, *, required: bool, optional: bool = False) -> tuple[int, str]:
    (folder / "conftest.py").write_text(CONFTEST.format(required=required, optional=optional))
    (folder / "test_some.py").write_text(tests)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = needs(part)\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--color=no", "."]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    ended = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout + ended.stderr


def test_its_tests_are_left_out_and_it_is_named(tmp_path: Path) -> None:
    code, said = run(tmp_path, TESTS, required=False)
    assert code == 0
    assert "1 passed, 2 deselected" in said
    assert said.count("left out: 2 tests of unicorn; to add it: apt-get install unicorn") == 1


def test_they_fail_where_all_is_required(tmp_path: Path) -> None:
    code, said = run(tmp_path, TESTS, required=True)
    assert code == 1
    assert "1 passed, 2 errors" in said
    assert "unicorn is missing on this machine: apt-get install unicorn" in said


def test_an_optional_one_is_left_out_all_the_same(tmp_path: Path) -> None:
    code, said = run(tmp_path, TESTS, required=True, optional=True)
    assert code == 0
    assert "left out: 2 tests of unicorn" in said


@pytest.mark.parametrize("required", [False, True])
def test_an_unknown_part_is_an_error(tmp_path: Path, required: bool) -> None:
    code, said = run(tmp_path, TESTS.replace('needs("unicorn")', 'needs("unicron")'), required=required)
    assert code
    assert "no part 'unicron'" in said
