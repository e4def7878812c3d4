"""The wheel carries each starter whole, and nothing that lay in its folder beside it."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest
from tests.examples.conftest import LITTER, Installed

from thawpool.starters import STARTERS, contents

pytestmark = pytest.mark.timeout(180)


@pytest.mark.parametrize("name", STARTERS)
def test_it_has_all_files_of_a_starter_and_no_other(wheel: Path, project: Path, name: str) -> None:
    root = f"thawpool/starters/{name}/"
    with zipfile.ZipFile(wheel) as archive:
        found = {entry.removeprefix(root) for entry in archive.namelist() if entry.startswith(root)}
    assert found == set(map(str, contents(project / "examples" / name)))
    assert not found & {path.removeprefix(f"examples/{name}/") for path in LITTER}


def test_it_has_nothing_else_than_before(wheel: Path, project: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        entries = [entry for entry in archive.namelist() if not entry.startswith("thawpool/starters/")]
    roots = {entry.split("/")[0].split("-")[0] for entry in entries}
    assert roots == {"thawpool"}
    code = {entry for entry in entries if ".dist-info/" not in entry}
    package = project / "src" / "thawpool"
    assert code == {
        str(Path("thawpool", path.relative_to(package)))
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and "starters" not in path.parts
    }


def test_what_is_installed_is_the_wheels(installed: Installed) -> None:
    code = "import thawpool, thawpool.starters as s; print(thawpool.__file__, *map(s.find, s.STARTERS), sep='\\n')"
    said = subprocess.check_output([installed.python, "-c", code], text=True).splitlines()
    assert len(said) == 1 + len(STARTERS)
    assert all(line.startswith(str(installed.packages)) for line in said)


def test_a_file_compiled_by_the_installation_is_not_written(installed: Installed, tmp_path: Path) -> None:
    assert list(installed.packages.glob("thawpool/starters/fastapi/__pycache__/*.pyc"))
    subprocess.run([installed.thawpool, "init", "fastapi"], cwd=tmp_path, check=True, capture_output=True)
    assert not list(tmp_path.rglob("__pycache__"))
